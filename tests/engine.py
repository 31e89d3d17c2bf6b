"""What the tests of the engine share: both twins, the specs they are proved on, and batches."""

import functools
from dataclasses import replace

import numpy as np
import pytest

import avatarlib
from avatarlib import noise
from avatarlib.training import presets
from avatarlib.training.layers import (
    BatchNorm,
    Conv,
    ConvTranspose,
    Dense,
    Dropout,
    Embed,
    Flatten,
    LeakyReLU,
    Project,
    Reshape,
    SkipOutput,
    Tanh,
    ToRGB,
)
from avatarlib.training.spec import Spec, TrainingConfig

torch = pytest.importorskip("torch")
tf = pytest.importorskip("tensorflow")

torch.set_num_threads(1)  # two test processes would wait for each other's threads

NAMES = ("torch", "tensorflow")
TWINS = {name: avatarlib.backend(name) for name in NAMES}
each_twin = pytest.mark.parametrize("twin", TWINS.values(), ids=NAMES)

CONDITIONS = (("hair", ("bangs", "mohawk")), ("mood", ("calm", "glad", "sad")))


def _vary(spec, spectral_norm=False, **config):
    return replace(spec, spectral_norm=spectral_norm, config=replace(spec.config, **config))


# The recommended rates are bold: single precision and double part ways within a few steps. Here the
# arithmetic is proved, so the game is calm.
CALM = {"lr_d": 2e-4, "lr_g": 2e-4, "r1": 0.5, "r2": 0.5, "final_lr_fraction": 1.0}


def calm(make, *arguments, conditions=(), spectral_norm=False, **config):
    """A recommended network with a calm game."""
    spec = make(*arguments, conditions=conditions)
    return _vary(spec, spectral_norm, **CALM | config)


# Rates differ, and fall, and R1 and R2 differ, wherever a mistake could hide behind equal numbers.
SPECS = {
    "points": _vary(presets.points(), lr_d=2e-3, final_lr_fraction=0.1),
    "article": presets.article(),
    "article32": presets.article(32, 3),
    "dcgan32": presets.dcgan(),
    "dcgan28": presets.dcgan(28, 1),
    "small28": calm(presets.small, 28, 1),
    "small32": calm(presets.small),
    "small64": calm(presets.small, 64),
    "medium28": calm(presets.medium, 28, 1),
    "conditional": calm(presets.small, 28, 3, conditions=CONDITIONS, r1=0.7, r2=0.3),
    "hinge": calm(
        presets.small,
        28,
        1,
        conditions=CONDITIONS,
        spectral_norm=True,
        loss="hinge",
        r1=0.0,
        r2=0.0,
        translation=0.125,
        final_lr_fraction=0.1,
    ),
    "wasserstein": calm(
        presets.small,
        28,
        1,
        loss="wasserstein",
        r1=0.0,
        r2=0.0,
        gradient_penalty=10.0,
        generator_every=2,
        penalty_every=2,
        lr_d=4e-4,
    ),
    "simultaneous": calm(
        presets.small,
        28,
        1,
        update_order="simultaneous",
        r1=0.7,
        r2=0.3,
        penalty_every=2,
        ema_half_life=30,
    ),
}
each_spec = pytest.mark.parametrize("name", SPECS)


def pictures(conditions=(), spectral_norm=False, norm=True, kernel=5, **config):
    """Pictures of 4 x 4 pixels, and every kind of layer."""
    generator = (
        *((Embed("embed", 2),) if conditions else ()),
        Dense("dense", 8, bias=False),
        BatchNorm("norm0", 0.8),
        LeakyReLU(0.3),
        Reshape((2, 2, 2)),
        ConvTranspose("up1", 3, kernel, 1, bias=False),
        BatchNorm("norm1", 0.7, 1e-2),
        LeakyReLU(0.0),
        ToRGB("paint1", 1),
        ConvTranspose("up2", 2, kernel, 2),
        ToRGB("paint2", 1),
        SkipOutput(1),
        Tanh(),
    )
    discriminator = (
        Conv("down1", 2, kernel, 2),
        LeakyReLU(0.2),
        Dropout(0.4),
        Conv("down2", 3, 4, 1, bias=False),
        *((BatchNorm("norm2", 0.6),) if norm else ()),
        LeakyReLU(0.1),
        Dropout(0.25),
        Flatten(),
        Project("logit") if conditions else Dense("logit", 1),
    )
    return Spec(
        "tiny",
        (4, 4, 1),
        3,
        generator,
        discriminator,
        conditions,
        "he",
        spectral_norm,
        TrainingConfig(**{"lr_d": 0.02, "lr_g": 0.01, "batch": 8} | config),
    )


def batch(spec, step=0, n=4):
    """Real pictures (or points), latents and conditions: what `GAN.step` takes."""
    rng = np.random.default_rng([7, step])
    if len(spec.shape) == 3:
        real = rng.integers(0, 256, (n, *spec.shape), dtype=np.uint8)
    else:
        real = rng.normal(size=(n, *spec.shape)).astype(np.float32)
    condition = None
    if spec.conditions:
        columns = [np.eye(len(of), dtype=np.float32) for _, of in spec.conditions]
        condition = np.concatenate([eye[rng.integers(0, len(eye), n)] for eye in columns], axis=1)
    return real, noise(1, "latent", step, (n, spec.latent)), condition


def new_gan(twin, spec, seed=3, dtype="float64", compiled=True):
    """A GAN; uncompiled, TensorFlow's step costs no tracing."""
    gan = twin.GAN(spec, seed, dtype)
    if twin.name == "tensorflow" and not compiled:
        gan._compiled_play = gan._play
    return gan


@functools.cache
def trained_state(name):
    """A state after ten steps at ten times the rates, with Adam's averages at 0 again, float32."""
    spec = SPECS[name]
    fast = _vary(spec, spec.spectral_norm, lr_d=10 * spec.config.lr_d, lr_g=10 * spec.config.lr_g)
    gan = TWINS["torch"].GAN(fast, 5)
    for step in range(10):
        gan.step(*batch(fast, step, 8))
    moment = ("/m", "/v")
    return {k: a * 0 if k.endswith(moment) else a for k, a in gan.state().items()}


def of_player(state, player):
    """A network's own arrays from a state."""
    own = {k.partition("/")[2]: a for k, a in state.items() if k.startswith(player)}
    return {k: a for k, a in own.items() if not k.endswith(("/m", "/v"))}


def farthest(one, other):
    """The largest difference between two arrays."""
    return np.abs(np.asarray(one, np.float64) - np.asarray(other, np.float64)).max()


def apart(one, other, floor=1e-12):
    """‖one - other‖ / ‖one‖, where a norm below the floor counts as the floor."""
    size = max(np.linalg.norm(np.asarray(one)), floor)
    return np.linalg.norm(np.asarray(one) - np.asarray(other)) / size


def value_and_gradients(twin, function, *arrays):
    """A function's value and its gradients by each array, in either framework."""
    if twin.name == "torch":
        tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
        value = function(*tensors)
        found = torch.autograd.grad(value, tensors, allow_unused=True)
        found = [None if g is None else g.numpy() for g in found]
        return value.item(), found
    variables = [tf.Variable(array) for array in arrays]
    with tf.GradientTape() as tape:
        value = function(*(v + 0 for v in variables))
    found = tape.gradient(value, variables)
    return float(value), [None if g is None else g.numpy() for g in found]
