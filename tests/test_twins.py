"""The two backends are one library: same names, same pictures, same gradients, same course."""

import ast
import inspect
import re

import numpy as np
import pytest
from engine import (
    NAMES,
    SPECS,
    TWINS,
    apart,
    batch,
    each_spec,
    each_twin,
    farthest,
    new_gan,
    of_player,
    trained_state,
)

import avatarlib
from avatarlib import noise
from avatarlib.core.arrays import load_arrays, save_arrays

ROOMS = {name: avatarlib.__path__[0] + f"/backends/{name}" for name in NAMES}
# Few names, which cannot hide a fault.
SHORT = ("__init__.py", "classifier.py", "device.py", "imagenet.py")
FILES = (*SHORT, "gan.py", "losses.py", "networks.py")


def both(function):
    """What the function gives for PyTorch's room and for TensorFlow's."""
    return [function(TWINS[name]) for name in NAMES]


# ------------------------------------------------------------------------------- the same names


def public_names(room, file):
    """Names that a file defines: its functions and classes, with the classes' methods, in order."""
    names = []
    with open(f"{ROOMS[room]}/{file}", encoding="utf-8") as text:
        for node in ast.parse(text.read()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.append((node.name, tuple(a.arg for a in arguments(node))))
            if isinstance(node, ast.Assign):
                names += [(target.id, ()) for target in node.targets if target.id.isupper()]
            if isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(method, ast.FunctionDef):
                        own = tuple(a.arg for a in arguments(method))
                        names.append((f"{node.name}.{method.name}", own))
    return names


def arguments(node):
    return node.args.args if isinstance(node, ast.FunctionDef) else []


FRAMEWORKS_OWN = {
    "GAN._to_float",  # on the card there, where fewer bytes are to be fetched; in NumPy here
    "Adam.moments",  # PyTorch keeps them by parameter, TensorFlow's class in two lists
    "Classifier._learn",  # what TensorFlow compiles
    "linear",  # PyTorch has these three, exact in double precision
    "leaky_relu",
    "normalise",
    "Network.arrays",  # a property there, an attribute here
    "Network.parameters",  # PyTorch's own
    "_same",  # padding "same" is TensorFlow's own word
    "_channels_second",
    "_matrix",
    "_squared_length",
    "to_array",  # layouts
    "copy_array",
    "_axes",
    "_to_layout",
}


@pytest.mark.parametrize("file", FILES)
def test_each_pair_of_files_has_the_same_names_and_arguments_in_the_same_order(file):
    ours, theirs = (
        [
            (name.replace("__call__", "forward"), args)
            for name, args in public_names(room, file)
            if name not in FRAMEWORKS_OWN
        ]
        for room in NAMES
    )
    assert ours == theirs and (len(ours) > 8 or file in SHORT)


def test_the_rooms_offer_the_same_names():
    ours, theirs = both(lambda twin: twin.__all__)
    assert ours == theirs
    assert both(lambda twin: twin.name) == list(NAMES)
    assert both(lambda twin: [hasattr(twin, name) for name in twin.__all__]) == [[True] * 16] * 2


def documented(twin):
    """Every public object's docstring, with each framework's own words made equal."""
    things = {name: getattr(twin, name) for name in twin.__all__ if callable(getattr(twin, name))}
    things |= {f"losses.{k}": v for k, v in vars(twin.losses).items() if inspect.isfunction(v)}
    things["losses"] = twin.losses
    for name in ("GAN", "Generator"):
        for owner in reversed(things[name].__mro__[:2]):
            methods = {k: v for k, v in vars(owner).items() if inspect.isfunction(v)}
            things |= {f"{name}.{k}": v for k, v in methods.items()}
    things["Network"] = things["Generator"].__mro__[1]
    for name, thing in things.items():
        if inspect.getdoc(thing) and not name.rpartition(".")[2].startswith("__init__"):
            text = re.sub("PyTorch|TensorFlow", "FRAMEWORK", inspect.getdoc(thing))
            yield name.replace("__call__", "forward"), re.sub(r"\s+", " ", text)


def test_the_docstrings_differ_only_where_the_frameworks_do():
    ours, theirs = both(lambda twin: dict(documented(twin)))
    own = {"losses.relu", "losses.logsigmoid", "losses.mean", "Generator.parameters"}
    own |= {"GAN._to_float", "find_device"}
    ours, theirs = ({k: v for k, v in docs.items() if k not in own} for docs in (ours, theirs))
    assert ours.keys() == theirs.keys() and len(ours) >= 25
    # The one remark that is PyTorch's alone, and the words for its arrays.
    remark = " FRAMEWORK's own softplus turns linear above 20, an error of 2e-9; -logsigmoid(-l)"
    ours["losses.softplus"] = ours["losses.softplus"].partition(remark)[0]
    ours["Network"] = ours["Network"].replace("FRAMEWORK's tensor", "FRAMEWORK's variable")
    assert ours == theirs


# --------------------------------------------------------------- double precision: every gradient


def restored(twin, spec, state, steps):
    gan = new_gan(twin, spec, compiled=False)
    gan.restore({name: array.astype(np.float64) for name, array in state.items()}, steps)
    return gan


def start(name, when):
    if when == "trained":
        return trained_state(name)
    return TWINS["torch"].GAN(SPECS[name], 3).state()


@each_spec
@pytest.mark.parametrize("when", ["fresh", "trained"])
def test_outputs_and_all_gradients_agree_in_double_precision(name, when):
    """Pictures, logits, losses, penalties, and what each weight of both players hears of them.

    After one move from averages of 0, Adam's m is (1 - beta1) times the gradient. Where penalties
    or the generator are lazy, each kind of step is looked at. Everything within 1e-10 of its norm.
    """
    spec = SPECS[name]
    kinds = max(spec.config.penalty_every, spec.config.generator_every)
    heard = set()
    for steps in range(kinds):
        reports, states = [], []
        for twin in TWINS.values():
            gan = restored(twin, spec, start(name, when), steps)
            _, z, condition = batch(spec, 9)
            reports.append([gan.generate(z, condition), *gan.step(*batch(spec, steps))])
            states.append(gan.state())
        for ours, theirs in zip(*reports, strict=True):
            assert apart(ours, theirs) < 1e-10
        ours, theirs = states
        assert ours.keys() == theirs.keys()
        for key, array in ours.items():
            assert apart(array, theirs[key]) < 1e-10, key
            if key.endswith("/m") and np.linalg.norm(array) > 1e-12:
                heard.add(key)
    silent = {key for key in ours if key.endswith("/m")} - heard
    # A constant added to every logit changes no difference of two logits, and hinges none either
    # while every margin is violated.
    pairs = spec.config.loss in ("relativistic", "wasserstein", "hinge")
    assert silent <= ({"discriminator/logit/bias/m"} if pairs else set())


@each_spec
@pytest.mark.parametrize("when, tolerance", [("fresh", 2e-6), ("trained", 1e-5)])
def test_pictures_agree_in_single_precision(name, when, tolerance):
    spec = SPECS[name]
    weights = of_player(start(name, when), "generator")
    _, z, condition = batch(spec, 1, 16)
    pictures = []
    for twin in TWINS.values():
        generator = twin.Generator(spec, 77)
        twin.set_weights(generator, weights)
        pictures.append(twin.generate(generator, z, condition))
    assert pictures[0].dtype == pictures[1].dtype == np.float32
    assert pictures[0].std() > 1e-3
    assert farthest(*pictures) < tolerance


@each_spec
@each_twin
def test_gradients_in_single_precision_are_those_in_double(twin, name):
    """Some layers compute by other kernels in single precision.

    Within 1/200 of each norm: where a ReLU's input is nearly 0, rounding may turn it on or off.
    """
    spec = SPECS[name]
    found = []
    for dtype in ("float32", "float64"):
        gan = new_gan(twin, spec, dtype=dtype, compiled=False)
        gan.restore({k: a.astype(dtype) for k, a in start(name, "fresh").items()}, 0)
        for step in range(spec.config.generator_every):
            report = gan.step(*batch(spec, step, 8))
        found.append((report, gan.state()))
    (single, states), (double, truths) = found
    for one, true in zip(single, double, strict=True):
        assert apart(true, one, 0.1) < 1e-4
    for key, true in truths.items():
        assert apart(true, states[key], 1e-5) < 5e-3, key


@each_spec
def test_fresh_networks_have_the_same_weights_bit_for_bit(name):
    ours, theirs = both(lambda twin: twin.GAN(SPECS[name], 3).state())
    assert list(ours) == list(theirs)
    assert all(ours[key].tobytes() == theirs[key].tobytes() for key in ours)
    other = TWINS["torch"].GAN(SPECS[name], 4).state()
    assert all((ours[key] != a).any() for key, a in other.items() if key.endswith("kernel"))


def test_training_has_moved_the_trained_weights():
    for name in SPECS:
        fresh, trained = start(name, "fresh"), trained_state(name)
        for key in (key for key in fresh if key.endswith(("kernel", "embedding"))):
            assert apart(fresh[key], trained[key]) > 0.01, (name, key)


# ----------------------------------------------------------------------------- the same course


@each_spec
def test_twenty_steps_run_in_lockstep_and_each_twin_goes_on_from_the_other(tmp_path, name):
    """Losses and penalties within 1e-8 at every step, and all arrays at the end.

    Then each goes back, takes the other's state of step 10 from a file, and ends where it had.
    """
    spec = SPECS[name]
    gans = both(lambda twin: new_gan(twin, spec))

    def go_on(gan, first, last):
        return [gan.step(*batch(spec, i), progress=i / 19) for i in range(first, last)]

    courses = [go_on(gan, 0, 10) for gan in gans]
    for room, gan in zip(NAMES, gans, strict=True):
        save_arrays(tmp_path / room, gan.state(), {"steps": gan.steps})
    for course, gan in zip(courses, gans, strict=True):
        course += go_on(gan, 10, 20)
    for ours, theirs in zip(*courses, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert farthest(one, other) < 1e-8
        assert all(isinstance(number, float) for number in (*ours[:5], *theirs[:5]))
    ends = [gan.state() for gan in gans]
    assert all(farthest(ends[0][key], ends[1][key]) < 1e-8 for key in ends[0])

    for gan, other in zip(gans, reversed(NAMES), strict=True):
        arrays, header = load_arrays(tmp_path / other)
        gan.restore(arrays, header["steps"])
        back = gan.state()
        assert back.keys() == arrays.keys()
        assert all(back[key].tobytes() == array.tobytes() for key, array in arrays.items())
        for one, told in zip(go_on(gan, 10, 20), courses[0][10:], strict=True):
            assert farthest(np.hstack(one), np.hstack(told)) < 1e-8
        found = gan.state()
        assert all(farthest(found[key], array) < 1e-8 for key, array in ends[0].items())


@pytest.mark.parametrize("writer", NAMES)
@pytest.mark.parametrize("reader", NAMES)
def test_a_state_goes_from_either_into_either_bit_for_bit(tmp_path, writer, reader):
    """In single precision, with moments, average, conditions and spectral vectors."""
    spec = SPECS["hinge"]
    path = tmp_path / "state.safetensors"
    gan = new_gan(TWINS[writer], spec, 5, "float32", compiled=False)
    for step in range(3):
        gan.step(*batch(spec, step))
    save_arrays(path, gan.state(), {"steps": gan.steps})
    arrays, header = load_arrays(path)
    gan = TWINS[reader].GAN(spec, seed=99)
    gan.restore(arrays, header["steps"])
    back = gan.state()
    assert list(back) == list(gan.state()) and back.keys() == arrays.keys() and gan.steps == 3
    assert all(back[key].tobytes() == array.tobytes() for key, array in arrays.items())
    assert {array.dtype for array in back.values()} == {np.dtype(np.float32)}


@each_twin
def test_a_compiled_step_is_the_uncompiled_one(twin):
    """TensorFlow traces its step; what the tracing froze would show from the second step on."""
    spec = SPECS["wasserstein"]
    courses = []
    for compiled in (True, False):
        gan = new_gan(twin, spec, compiled=compiled)
        courses.append([np.hstack(gan.step(*batch(spec, i), progress=i / 3)) for i in range(4)])
    assert farthest(*courses) < 1e-11


@each_twin
def test_single_precision_follows_double_precision_for_some_steps(twin):
    """Ten steps: no part of the engine computes in another precision than it says."""
    spec = SPECS["simultaneous"]
    gans = [new_gan(twin, spec, dtype=dtype) for dtype in ("float64", "float32")]
    for step in range(10):
        exact, single = (gan.step(*batch(spec, step)) for gan in gans)
        assert farthest(exact[:5], single[:5]) < 2e-3
    assert {a.dtype for a in gans[1].state().values()} == {np.dtype(np.float32)}
    assert {a.dtype for a in gans[0].state().values()} == {np.dtype(np.float64)}


# ------------------------------------------------------------------------- the pretrained network


def test_the_pretrained_network_draws_the_same_in_both():
    z = noise(7, "latent", 0, (64, 100))
    pictures = [
        TWINS[name].generate(avatarlib.pretrained("grey-28", backend=name), z) for name in NAMES
    ]
    assert farthest(*pictures) < 1e-5
