"""The two backends are one network: same names, same pictures, same gradients, same course."""

import ast
import inspect
import re

import mpmath
import numpy as np
import pytest
from scipy.signal import convolve2d, correlate2d

import avatarlib
from avatarlib import noise, to_float, to_uint8
from avatarlib.randomness import dropout_mask
from avatarlib.training.checkpoint import load_arrays, save_arrays
from avatarlib.training.initial import initial_weights

pytest.importorskip("torch")
pytest.importorskip("tensorflow")

import keras
import tensorflow as tf
import torch

torch.set_num_threads(1)  # two test processes would wait for each other's threads

NAMES = ("torch", "tensorflow")
TWINS = {name: avatarlib.backend(name) for name in NAMES}
ROOMS = {name: avatarlib.__path__[0] + f"/{name}" for name in NAMES}
FILES = ("__init__.py", "gan.py", "losses.py", "networks.py")
each_twin = pytest.mark.parametrize("twin", TWINS.values(), ids=NAMES)


def both(function):
    """What the function gives for PyTorch's room and for TensorFlow's."""
    return [function(TWINS[name]) for name in NAMES]


def farthest(one, other):
    return np.abs(np.asarray(one, np.float64) - np.asarray(other, np.float64)).max()


@pytest.fixture(scope="module")
def images(small):
    return small.grey().images


# ------------------------------------------------------------------------------- the same names


def public_names(room, file):
    """Names that a file defines: its functions and classes, with the classes' methods, in order."""
    names = []
    with open(f"{ROOMS[room]}/{file}", encoding="utf-8") as text:
        for node in ast.parse(text.read()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                names.append(node.name)
            if isinstance(node, ast.Assign):
                names += [target.id for target in node.targets if target.id.isupper()]
            if isinstance(node, ast.ClassDef):
                methods = [part for part in node.body if isinstance(part, ast.FunctionDef)]
                names += [f"{node.name}.{method.name}" for method in methods]
    return names


FRAMEWORKS_OWN = {
    "MOMENTS",  # PyTorch has names for Adam's averages, Keras an order
    "tensors",  # its own word for its own thing, in each
    "variables",
    "Conv.__init__",  # layers that compute what Keras computes are classes in PyTorch only
    "Conv.forward",
    "ConvTranspose.__init__",
    "ConvTranspose.forward",
    "BatchNorm.__init__",
    "BatchNorm._check_input_dim",
    "BatchNorm.forward",
}


@pytest.mark.parametrize("file", FILES)
def test_each_pair_of_files_has_the_same_names_in_the_same_order(file):
    names = []
    for room in NAMES:
        found = [name.replace(".call", ".forward") for name in public_names(room, file)]
        found = [name for name in found if name not in FRAMEWORKS_OWN]
        helpers = ("._step", "._tensor")  # the compiled step; arrays to the device
        names.append([name for name in found if not name.endswith(helpers)])
    assert names[0] == names[1]


def test_the_rooms_offer_the_same_names():
    ours, theirs = both(lambda twin: twin.__all__)
    assert ours == theirs == sorted(ours, key=lambda name: (not name.isupper(), name))
    assert both(lambda twin: twin.name) == list(NAMES)


def documented(twin):
    """Every public object's docstring, with each framework's own words made equal."""
    words = {
        "PyTorch": "FRAMEWORK",
        "TensorFlow": "FRAMEWORK",
        "; its mode is left as it was": "",  # Keras' networks have no mode
        "after `eval()`, the": "otherwise the",
    }
    for name in twin.__all__:
        public = getattr(twin, name)
        objects = [(name, public)] if callable(public) else []
        if inspect.isclass(public):
            own = [item for item in vars(public).items() if inspect.isfunction(item[1])]
            objects += [(f"{name}.{method}", function) for method, function in own]
        for full_name, thing in objects:
            if not full_name.rpartition(".")[2].startswith("_"):
                text = inspect.getdoc(thing)
                for old, new in words.items():
                    text = text.replace(old, new)
                yield full_name.replace(".call", ".forward"), re.sub(r"\s+", " ", text)


def test_the_docstrings_differ_only_where_the_frameworks_do():
    ours, theirs = both(lambda twin: dict(documented(twin)))
    # TensorFlow's own layout needs no remark there, and the other twin is named.
    ours, theirs = (
        {name: text.replace("in FRAMEWORK's layout", "") for name, text in docs.items()}
        for docs in (ours, theirs)
    )
    assert ours == theirs and len(ours) >= 12


# ------------------------------------------------------------------------ the same numbers: fresh


def test_fresh_networks_have_the_same_weights():
    for name in ("Generator", "Discriminator"):
        ours, theirs = both(lambda twin, name=name: twin.get_weights(getattr(twin, name)(3)))
        assert list(ours) == list(theirs)
        assert all(ours[key].tobytes() == theirs[key].tobytes() for key in ours)


def test_the_networks_have_the_articles_sizes():
    generator, discriminator = (
        avatarlib.backend("torch").get_weights(network)
        for network in (TWINS["torch"].Generator(), TWINS["torch"].Discriminator())
    )
    trained = {k: a.size for k, a in generator.items() if not k.endswith(("mean", "variance"))}
    assert sum(trained.values()) == 2_305_472  # what Keras' summary of the listing says
    assert sum(array.size for array in discriminator.values()) == 212_865


def test_fresh_generators_draw_the_same_pictures():
    z = noise(1, "latent", 0, (300, 100))  # more than one chunk of 256
    ours, theirs = both(lambda twin: twin.generate(twin.Generator(3), z))
    assert ours.shape == (300, 28, 28, 1) and ours.dtype == theirs.dtype == np.float32
    assert farthest(ours, theirs) < 2e-6


@pytest.mark.parametrize("dropout", [False, True])
def test_fresh_discriminators_give_the_same_logits(images, dropout):
    real = to_float(images[:32])
    masks = None
    if dropout:
        shapes = TWINS["torch"].Discriminator.mask_shapes
        masks = [dropout_mask(0, f"m{i}", 0, (32, *s), 0.3) for i, s in enumerate(shapes)]
    with torch.no_grad():
        tensors = None if masks is None else [torch.from_numpy(mask) for mask in masks]
        ours = TWINS["torch"].Discriminator(3)(torch.from_numpy(real), tensors).numpy()
    theirs = TWINS["tensorflow"].Discriminator(3)(real, masks).numpy()
    assert ours.shape == theirs.shape == (32, 1)
    assert farthest(ours, theirs) < 2e-6
    if dropout:
        assert farthest(ours, TWINS["tensorflow"].Discriminator(3)(real).numpy()) > 1e-3


# ---------------------------------------------------------------------- the same numbers: trained


@pytest.fixture(scope="module")
def trained(images):
    """A state after 25 steps of each backend's own training, from the same start: two states."""
    states = []
    for name in NAMES:
        gan = TWINS[name].GAN(seed=5)
        optimizers = (gan.generator_optimizer, gan.discriminator_optimizer)
        for optimizer in optimizers:  # far from the start in few steps
            if name == "torch":
                optimizer.param_groups[0]["lr"] = 2e-3
            else:
                optimizer.learning_rate.assign(2e-3)
        for step in range(25):
            gan.step(images[16 * (step % 18) :][:16], noise(5, "latent", step, (16, 100)))
        states.append(gan.state())
    return dict(zip(NAMES, states, strict=True))


def of_the_generator(state):
    names = [name for name in state if name.startswith("generator/")]
    weights = {name.removeprefix("generator/"): state[name] for name in names}
    return {name: array for name, array in weights.items() if name[-2:] not in ("/m", "/v")}


@pytest.mark.parametrize("writer", NAMES)
def test_trained_weights_written_by_either_draw_the_same_in_both(tmp_path, trained, writer):
    path = tmp_path / "generator.safetensors"
    save_arrays(path, of_the_generator(trained[writer]), {"writer": writer})
    z = noise(2, "latent", 0, (64, 100))
    pictures = []
    for twin in TWINS.values():
        generator = twin.Generator()
        twin.set_weights(generator, load_arrays(path)[0])
        pictures.append(twin.generate(generator, z))
    fresh = TWINS["torch"].generate(TWINS["torch"].Generator(), z)
    assert pictures[0].std() > 3 * fresh.std()  # it has learned something
    assert farthest(*pictures) < 1e-5


def test_the_pretrained_network_draws_the_same_in_both():
    z = noise(7, "latent", 0, (64, 100))
    pictures = [
        TWINS[name].generate(avatarlib.pretrained("grey-28", framework=name), z) for name in NAMES
    ]
    assert farthest(*pictures) < 1e-5


def test_half_precision_weights_are_computed_in_single_precision(trained):
    weights = of_the_generator(trained["torch"])
    half = {name: array.astype(np.float16) for name, array in weights.items()}
    z = noise(2, "latent", 0, (16, 100))
    for twin in TWINS.values():
        generator = twin.Generator()
        twin.set_weights(generator, half)
        back = twin.get_weights(generator)
        for name, array in half.items():
            assert back[name].dtype == np.float32
            assert (back[name] == array.astype(np.float32)).all()
        assert twin.generate(generator, z).dtype == np.float32


@each_twin
def test_weights_that_do_not_fit_are_refused(twin):
    generator = twin.Generator()
    weights = twin.get_weights(generator)
    for wrong in (
        {name: array for name, array in weights.items() if name != "norm1/beta"},
        weights | {"another": np.zeros(1)},
        weights | {"up3/kernel": np.zeros((5, 5, 64, 1), np.float32)},
        weights | {"norm3/gamma": np.ones(1, np.float32)},
    ):
        with pytest.raises(ValueError):
            twin.set_weights(generator, wrong)


@each_twin
def test_generate_changes_nothing_and_a_picture_depends_on_its_own_noise_alone(twin):
    generator, z = twin.Generator(1), noise(3, "latent", 0, (10, 100))
    before = twin.get_weights(generator)
    pictures = twin.generate(generator, z)
    assert farthest(twin.generate(generator, z[3:4]), pictures[3:4]) < 1e-6
    assert all((before[k] == array).all() for k, array in twin.get_weights(generator).items())


def test_generate_leaves_pytorchs_mode_as_it_was():
    twin = TWINS["torch"]
    for training in (True, False):
        generator = twin.Generator().train(training)
        twin.generate(generator, noise(0, "latent", 0, (2, 100)))
        assert generator.training is training


# -------------------------------------------------------------------------------- one training step


@pytest.fixture(scope="module")
def one_step(images):
    """Both backends, one step from the same state with a batch of four."""
    start = TWINS["torch"].GAN(seed=8).state()
    done = {}
    for name in NAMES:
        gan = TWINS[name].GAN(seed=8)
        losses = gan.step(images[:4], noise(8, "latent", 0, (4, 100)))
        done[name] = gan.state(), losses, gan
    return start, done


def test_one_step_has_the_same_losses(one_step):
    (_, ours, _), (_, theirs, _) = one_step[1].values()
    assert all(isinstance(loss, float) for loss in (*ours, *theirs))
    assert farthest(ours, theirs) < 1e-6
    # An untrained discriminator can only guess: 2 log 2 and log 2.
    assert farthest(ours, [1.386, 0.693]) < 0.05


def test_one_step_moves_no_weight_farther_than_the_rate(one_step):
    """Adam's first step moves a weight by the rate, up or down; the sign may be noise near zero."""
    start, done = one_step
    rate = 1e-4
    states = [state for state, _, _ in done.values()]
    for name, before in start.items():
        if name.endswith(("/mean", "/variance")):
            continue
        for state in states:
            assert farthest(state[name], before) <= rate * 1.001 + 1e-7
        assert farthest(states[0][name], states[1][name]) <= 2 * rate
        assert np.median(np.abs(states[0][name] - before)) > rate / 2


def gradients(state):
    """After one step, Adam's first average is a tenth of the gradient."""
    return {name: 10 * array for name, array in state.items() if name.endswith("/m")}


def test_one_step_has_the_same_gradients(one_step):
    ours, theirs = (gradients(state) for state, _, _ in one_step[1].values())
    assert ours.keys() == theirs.keys() and len(ours) == 10 + 6
    for name, gradient in ours.items():
        size = np.linalg.norm(gradient)
        assert size > 1e-8
        assert np.linalg.norm(gradient - theirs[name]) < 1e-4 * size, name


def test_both_averages_of_adam_follow_its_formulas(one_step):
    """m = (1 - 0.9) g and v = (1 - 0.999) g² after one step."""
    for state, _, _ in one_step[1].values():
        for name in state:
            if name.endswith("/m"):
                expected = (state[name].astype(np.float64) / 0.1) ** 2 * 0.001
                second = state[f"{name.removesuffix('/m')}/v"]
                np.testing.assert_allclose(second, expected, rtol=1e-3, atol=1e-30)


def test_the_first_step_is_adams_with_keras_epsilon(one_step):
    """PyTorch's own epsilon, 1e-8, would take longer steps where the gradient is small."""
    start, done = one_step
    for (state, _, _), eps_hat in zip(done.values(), (1e-7, 1e-7 / np.sqrt(0.001)), strict=True):
        for name, gradient in gradients(state).items():
            weight = name.removesuffix("/m")
            g = gradient.astype(np.float64)
            expected = start[weight] - 1e-4 * g / (np.abs(g) + eps_hat)
            assert farthest(state[weight], expected) < 2e-7


def test_running_averages_take_in_the_biased_variance(one_step):
    """With four latents, the unbiased variance after the dense layer would be a third larger."""
    start, done = one_step
    z = noise(8, "latent", 0, (4, 100))
    h = z.astype(np.float64) @ start["generator/dense/kernel"]
    for state, _, _ in done.values():
        mean = 0.99 * start["generator/norm1/mean"] + 0.01 * h.mean(axis=0)
        variance = 0.99 * start["generator/norm1/variance"] + 0.01 * h.var(axis=0)
        assert farthest(state["generator/norm1/mean"], mean) < 1e-6
        assert farthest(state["generator/norm1/variance"], variance) < 1e-6
        unbiased = 0.99 + 0.01 * h.var(axis=0, ddof=1)
        assert farthest(state["generator/norm1/variance"], unbiased) > 1e-4
    ours, theirs = (state for state, _, _ in done.values())
    for name in (name for name in ours if name.endswith(("/mean", "/variance"))):
        assert farthest(ours[name], theirs[name]) < 1e-6, name


def test_a_second_step_draws_other_dropout_masks(images, one_step):
    for _, _, gan in one_step[1].values():
        masks = [np.asarray(mask) for mask in gan._masks("real", 4)]
        assert gan.steps == 1
        gan.steps = 2
        assert (masks[0] != np.asarray(gan._masks("real", 4)[0])).mean() > 0.3
        assert (masks[0] != np.asarray(gan._masks("fake", 4)[0])).mean() > 0.3
        gan.steps = 1


# ------------------------------------------------------------------------------ state and restore


@pytest.mark.parametrize("writer", NAMES)
@pytest.mark.parametrize("reader", NAMES)
def test_a_state_goes_from_either_into_either_bit_for_bit(tmp_path, trained, writer, reader):
    path = tmp_path / "state.safetensors"
    save_arrays(path, trained[writer], {"steps": 25})
    arrays, header = load_arrays(path)
    gan = TWINS[reader].GAN(seed=99)
    gan.restore(arrays, header["steps"])
    back = gan.state()
    assert back.keys() == arrays.keys() and gan.steps == 25
    assert all(back[name].tobytes() == array.tobytes() for name, array in arrays.items())


@each_twin
def test_training_goes_on_as_if_it_had_never_stopped(twin, images):
    def steps(gan, first, last):
        return [
            gan.step(images[4 * i : 4 * i + 4], noise(0, "latent", i, (4, 100)))
            for i in range(first, last)
        ]

    through = twin.GAN(seed=2)
    losses = steps(through, 0, 4)
    stopped = twin.GAN(seed=2)
    assert steps(stopped, 0, 2) == losses[:2]
    again = twin.GAN(seed=2)
    again.restore(stopped.state(), stopped.steps)
    np.testing.assert_allclose(steps(again, 2, 4), losses[2:], rtol=1e-6)
    for name, array in through.state().items():
        assert farthest(again.state()[name], array) < 1e-7, name


@each_twin
def test_restoring_the_beginning_forgets_what_came_between(twin, images):
    gan, z = twin.GAN(seed=2), noise(0, "latent", 0, (4, 100))
    beginning = gan.state()
    first = gan.step(images[:4], z)
    gan.restore(beginning, 0)
    assert gan.step(images[:4], z) == pytest.approx(first, abs=1e-7)
    fresh = twin.GAN(seed=2)
    fresh.step(images[:4], z)
    for name, array in fresh.state().items():
        assert farthest(gan.state()[name], array) < 1e-7, name


@each_twin
def test_a_state_that_does_not_fit_is_refused(twin):
    gan = twin.GAN()
    state = gan.state()
    with pytest.raises(ValueError):
        gan.restore({k: a for k, a in state.items() if k != "generator/dense/kernel"}, 0)
    with pytest.raises(ValueError):
        gan.restore(state | {"discriminator/logit/bias": np.zeros(2, np.float32)}, 0)


# ---------------------------------------------------------------- layers against SciPy's arithmetic


def convolve(h, kernel, stride):
    """TensorFlow's 'same': of all places, those that leave the smaller half of the zeros before.

    Args:
        h: (size, size, channels_in).
        kernel: (5, 5, channels_in, channels_out).
        stride: 1 or 2.
    """
    size = h.shape[0]
    zeros = max(5 + (-(-size // stride) - 1) * stride - size, 0)
    before = zeros // 2
    padded = np.pad(h, ((before, zeros - before),) * 2 + ((0, 0),))
    return np.stack(
        [
            sum(correlate2d(padded[..., i], kernel[..., i, o], "valid") for i in range(h.shape[2]))
            for o in range(kernel.shape[3])
        ],
        axis=-1,
    )[::stride, ::stride]


def convolve_transposed(h, kernel, stride):
    """The transpose of `convolve`: spread with zeros, convolve in full, cut out 'same'.

    Args:
        h: (size, size, channels_in).
        kernel: (5, 5, channels_out, channels_in).
        stride: 1 or 2.
    """
    size = h.shape[0]
    spread = np.zeros((stride * (size - 1) + 1,) * 2 + (h.shape[2],))
    spread[::stride, ::stride] = h
    full = np.stack(
        [
            sum(convolve2d(spread[..., i], kernel[..., o, i], "full") for i in range(h.shape[2]))
            for o in range(kernel.shape[2])
        ],
        axis=-1,
    )
    before = max(5 - stride, 0) // 2
    return full[before : before + stride * size, before : before + stride * size]


def test_our_arithmetic_is_a_pair_of_transposes():
    """<conv(x), y> = <x, conv_transposed(y)>: the reference itself is checked by its definition."""
    rng = np.random.default_rng(0)
    for stride in (1, 2):
        x, y = rng.normal(size=(14, 14, 2)), rng.normal(size=(14 // stride, 14 // stride, 3))
        kernel = rng.normal(size=(5, 5, 2, 3))
        one = (convolve(x, kernel, stride) * y).sum()
        assert one == pytest.approx((x * convolve_transposed(y, kernel, stride)).sum())


def torch_layer(layer, kernel, h):
    """A PyTorch layer with a kernel in TensorFlow's layout, on one picture (s, s, c)."""
    with torch.no_grad():
        layer = layer.double()
        layer.weight.copy_(torch.from_numpy(kernel.transpose(3, 2, 0, 1)))
        if layer.bias is not None:
            layer.bias.zero_()
        return layer(torch.from_numpy(h.transpose(2, 0, 1)[None]))[0].numpy().transpose(1, 2, 0)


def keras_layer(layer, kernel, h):
    layer.build((None, *h.shape))
    layer.kernel.assign(kernel)
    return layer(h[None].astype(np.float32))[0].numpy()


@pytest.mark.parametrize("stride, size", [(1, 7), (2, 7), (2, 14), (1, 8)])
def test_transposed_convolutions_pad_as_tensorflow_does(stride, size):
    rng = np.random.default_rng(1)
    h, kernel = rng.normal(size=(size, size, 3)), rng.normal(size=(5, 5, 2, 3))
    expected = convolve_transposed(h, kernel, stride)
    assert expected.shape == (stride * size, stride * size, 2)
    ours = TWINS["torch"].networks.ConvTranspose(3, 2, stride)
    theirs = TWINS["tensorflow"].networks.ConvTranspose(2, stride)
    assert farthest(torch_layer(ours, kernel, h), expected) < 1e-12
    assert farthest(keras_layer(theirs, kernel, h), expected) < 1e-4


@pytest.mark.parametrize("stride, size", [(2, 28), (2, 14), (1, 7)])
def test_convolutions_pad_as_tensorflow_does(stride, size):
    rng = np.random.default_rng(2)
    h, kernel = rng.normal(size=(size, size, 2)), rng.normal(size=(5, 5, 2, 3))
    expected = convolve(h, kernel, stride)
    ours = TWINS["torch"].networks.Conv(2, 3, stride)
    theirs = TWINS["tensorflow"].networks.Conv(3, stride)
    assert farthest(torch_layer(ours, kernel, h), expected) < 1e-12
    assert farthest(keras_layer(theirs, kernel, h), expected) < 1e-4


# ----------------------------------------------------------------------------------------- losses

LOGITS = np.array([-50.0, -20.5, -3, -0.1, 0, 0.1, 3, 20.5, 50])[:, None]


def exact(formula, logits):
    with mpmath.workdps(60):
        return [float(formula(mpmath.mpf(float(x)))) for x in logits.ravel()]


def minus_log_d(x):
    return -mpmath.log(1 / (1 + mpmath.exp(-x)))


def minus_log_one_minus_d(x):
    return -mpmath.log(1 - 1 / (1 + mpmath.exp(-x)))


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


def value_and_gradients(twin, loss, *logits):
    if twin.name == "torch":
        tensors = [torch.tensor(array, requires_grad=True) for array in logits]
        value = loss(*tensors)
        return value.item(), [g.numpy() for g in torch.autograd.grad(value, tensors)]
    variables = [tf.Variable(array) for array in logits]
    with tf.GradientTape() as tape:
        value = loss(*variables)
    return float(value), [g.numpy() for g in tape.gradient(value, variables)]


@each_twin
def test_the_discriminators_loss_and_its_gradient(twin):
    real, fake = LOGITS, LOGITS[::-1][:7].copy()
    value, (on_real, on_fake) = value_and_gradients(twin, twin.discriminator_loss, real, fake)
    expected = np.mean(exact(minus_log_d, real)) + np.mean(exact(minus_log_one_minus_d, fake))
    assert value == pytest.approx(expected, rel=1e-13)
    slope = np.array(exact(lambda x: -sigmoid(-x), real))
    np.testing.assert_allclose(on_real.ravel(), slope / 9, rtol=1e-12)
    slope = np.array(exact(sigmoid, fake))
    np.testing.assert_allclose(on_fake.ravel(), slope / 7, rtol=1e-12)


@each_twin
def test_the_generators_loss_and_its_gradient(twin):
    value, (gradient,) = value_and_gradients(twin, twin.generator_loss, LOGITS)
    assert value == pytest.approx(np.mean(exact(minus_log_d, LOGITS)), rel=1e-13)
    slope = np.array(exact(lambda x: -sigmoid(-x), LOGITS))
    np.testing.assert_allclose(gradient.ravel(), slope / 9, rtol=1e-12)


@each_twin
def test_the_losses_stay_exact_one_logit_at_a_time(twin):
    """A mean would hide an error in its small terms."""
    for logit in LOGITS[:, :, None]:
        value, _ = value_and_gradients(twin, twin.generator_loss, logit)
        assert value == pytest.approx(exact(minus_log_d, logit)[0], rel=1e-13)


@each_twin
def test_a_discriminator_that_guesses_has_the_known_losses(twin):
    zero = np.zeros((4, 1))
    assert value_and_gradients(twin, twin.discriminator_loss, zero, zero)[0] == pytest.approx(
        2 * np.log(2)
    )
    assert value_and_gradients(twin, twin.generator_loss, zero)[0] == pytest.approx(np.log(2))


# ------------------------------------------------------------------------------- initial weights


def test_kernels_start_uniform_within_keras_own_limit():
    for network in (TWINS["tensorflow"].Generator(4), TWINS["tensorflow"].Discriminator(4)):
        for name, array in TWINS["tensorflow"].get_weights(network).items():
            if not name.endswith("/kernel"):
                value = 1 if name.endswith(("/gamma", "/variance")) else 0
                assert (array == value).all(), name
                continue
            theirs = np.asarray(keras.initializers.GlorotUniform(seed=1)(array.shape))
            limit = np.abs(theirs).max()
            spread = 6 / array.size  # how near the largest of so many draws comes to the limit
            assert np.abs(array).max() == pytest.approx(limit, rel=max(3 * spread, 1e-5)), name
            standard_error = np.sqrt(4 / 5 / array.size)  # of a uniform distribution's variance
            wanted = limit**2 / 3
            assert array.var() == pytest.approx(wanted, rel=5 * standard_error + 2 * spread), name
            assert abs(array.mean()) < 5 * np.sqrt(wanted / array.size), name


def test_initial_weights_follow_glorots_formula():
    shapes = {"a/kernel": (400, 1600), "b/kernel": (5, 5, 64, 128), "c/kernel": (5, 5, 1, 64)}
    fans = {"a/kernel": 2000, "b/kernel": 25 * 192, "c/kernel": 25 * 65}
    for name, array in initial_weights(shapes, 0, "generator").items():
        limit = np.sqrt(6 / fans[name])
        assert array.dtype == np.float32 and array.shape == shapes[name]
        assert 0.99 * limit < np.abs(array).max() <= np.float32(limit)


def test_every_kernel_and_network_and_seed_starts_elsewhere():
    def first(seed, network, name):
        return initial_weights({name: (5, 5, 2, 2)}, seed, network)[name].ravel()[0]

    starts = {
        first(seed, network, name)
        for seed in (0, 1)
        for network in ("generator", "discriminator")
        for name in ("up1/kernel", "up2/kernel")
    }
    assert len(starts) == 8


# ------------------------------------------------------------------------------------------ pixels


def test_pixels_go_to_floats_and_back_without_loss():
    values = np.arange(256, dtype=np.uint8)
    floats = to_float(values)
    assert floats.dtype == np.float32 and floats[0] == -1 and floats[255] == 1
    np.testing.assert_allclose(np.diff(floats), 2 / 255, rtol=1e-4)
    assert (to_uint8(floats) == values).all() and to_uint8(floats).dtype == np.uint8


def test_floats_are_rounded_to_the_nearest_and_what_lies_outside_is_clipped():
    floats = np.array([-1.5, -1, -1 + 0.49 / 127.5, -1 + 0.51 / 127.5, 0.999, 1, 1.5], np.float32)
    assert to_uint8(floats).tolist() == [0, 0, 0, 1, 255, 255, 255]
