"""The course's networks, each as a `Spec`: the article's, the DCGAN paper's, the recommended ones.

    spec = al.presets.small(size=32)

Change a setting with `dataclasses.replace`; both frameworks build whatever the spec says.
"""

from avatarlib.core.errors import InputError
from avatarlib.training import layers as L
from avatarlib.training.spec import Spec, TrainingConfig

# Channels from the smallest picture inside the network to the largest. The last number belongs to
# the full size, at which only the generator has features.
SMALL = {28: (128, 64, 32), 32: (128, 64, 32, 32), 64: (256, 128, 64, 16, 16)}
MEDIUM = {28: (256, 128, 32), 32: (256, 128, 64, 32), 64: (256, 128, 64, 32, 32)}
# benchmarks/README.md has the trials of both: the penalties' weight by the size of the picture, and
# the learning rate by the widest layer (2e-3 is too bold for 256 channels).
GAMMA = {28: 3.0, 32: 3.0, 64: 10.0}
RATE = {128: 2e-3, 256: 7e-4}
CLASSIC = {28: (256, 128), 32: (256, 128, 64), 64: (512, 256, 128, 64)}


def article(size=28, channels=1):
    """The article's DCGAN: kernel 5, dropout in the discriminator, both players move at once.

    Keras' defaults: Glorot's first weights, slope 0.3, Adam with beta1 0.9 and epsilon 1e-7.
    """
    _check(size, channels)
    start = size // 4
    generator = (
        L.Dense("dense", start * start * 256, bias=False),
        L.BatchNorm("norm1"),
        L.LeakyReLU(0.3),
        L.Reshape((start, start, 256)),
        L.ConvTranspose("up1", 128, 5, 1, bias=False),
        L.BatchNorm("norm2"),
        L.LeakyReLU(0.3),
        L.ConvTranspose("up2", 64, 5, 2, bias=False),
        L.BatchNorm("norm3"),
        L.LeakyReLU(0.3),
        L.ConvTranspose("up3", channels, 5, 2, bias=False),
        L.Tanh(),
    )
    discriminator = (
        L.Conv("down1", 64, 5, 2),
        L.LeakyReLU(0.3),
        L.Dropout(0.3),
        L.Conv("down2", 128, 5, 2),
        L.LeakyReLU(0.3),
        L.Dropout(0.3),
        L.Flatten(),
        L.Dense("logit", 1),
    )
    config = TrainingConfig(
        "non-saturating", "simultaneous", lr_d=1e-4, lr_g=1e-4, beta1=0.9, epsilon=1e-7
    )
    return Spec("article", (size, size, channels), 100, generator, discriminator, config=config)


def dcgan(size=32, channels=3):
    """The DCGAN paper's rules (Radford et al. 2016), at our sizes.

    Kernel 5, batch normalisation in both networks but not at the generator's output and the
    discriminator's input, ReLU in the generator, first weights from N(0, 0.02), Adam with rate
    2e-4 and beta1 0.5. Latents are normal, as everywhere in the course; the paper's are uniform.
    """
    _check(size, channels)
    widths = CLASSIC[size]
    norm = {"momentum": 0.9, "epsilon": 1e-5}
    last = (L.ConvTranspose(f"up{len(widths)}", channels, 5), L.Tanh())
    generator = (*_upwards(widths, size // 2, 5, 0.0, norm), *last)
    discriminator = _downwards(widths, 5, norm, (L.Dense("logit", 1),))
    shape = (size, size, channels)
    return Spec(
        "dcgan", shape, 100, generator, discriminator, initial="normal", config=TrainingConfig()
    )


def small(size=32, channels=3, conditions=()):
    """The recommended network for a laptop: kernel 4, stride 2, relativistic pairs, R1 and R2.

    Args:
        size: 28, 32 or 64 pixels.
        channels: 1 (grey) or 3 (colour).
        conditions: attributes to draw on demand, from `avatarlib.data.conditions`.
    """
    return _recommended("small", SMALL, size, channels, conditions)


def medium(size=32, channels=3, conditions=()):
    """The recommended network, up to twice as wide as `small`, for more patience or a GPU."""
    return _recommended("medium", MEDIUM, size, channels, conditions)


def points(hidden=32, layers=2):
    """Two small multilayer perceptrons for points in the plane."""
    generator, discriminator = (
        tuple(
            part
            for i in range(1, layers + 1)
            for part in (L.Dense(f"dense{i}", hidden), L.LeakyReLU(0.2))
        )
        for _ in range(2)
    )
    return Spec(
        "points",
        (2,),
        2,
        (*generator, L.Dense("out", 2)),
        (*discriminator, L.Dense("logit", 1)),
        initial="he",
        config=TrainingConfig(batch=128, lr_d=1e-3, lr_g=1e-3),
    )


def _recommended(name, widths, size, channels, conditions):
    _check(size, channels)
    widths, gamma = widths[size], GAMMA[size]
    rate = RATE[max(widths)]
    norm = {"momentum": 0.9, "epsilon": 1e-5}
    embed = (L.Embed("embed", 32),) if conditions else ()
    up = _upwards(widths, size, 4, 0.2, norm, paint=channels)
    generator = (*embed, *up, L.Tanh())
    logit = L.Project("logit") if conditions else L.Dense("logit", 1)
    config = TrainingConfig(
        "relativistic",
        "alternating",
        r1=gamma,
        r2=gamma,
        lr_d=rate,
        lr_g=rate,
        final_lr_fraction=0.05,
        beta1=0.0,
        beta2=0.99,
        ema_half_life=20_000,
    )
    return Spec(
        name,
        (size, size, channels),
        64,
        generator,
        _downwards(widths[:-1], 4, None, (logit,)),
        tuple(conditions),
        initial="he",
        config=config,
    )


def _upwards(widths, size, kernel, slope, norm, paint=None):
    """From a latent through pictures of doubling size, the last of the given one, all normalised.

    With `paint`, a number of channels, each size also paints, and the picture is what comes out.
    """
    start = size // 2 ** (len(widths) - 1)
    layers = [
        L.Dense("dense", start * start * widths[0], bias=False),
        L.Reshape((start, start, widths[0])),
    ]
    for i, width in enumerate(widths):
        if i:
            layers.append(L.ConvTranspose(f"up{i}", width, kernel, bias=False))
        layers += [L.BatchNorm(f"norm{i}", **norm), L.LeakyReLU(slope)]
        if paint:
            layers.append(L.ToRGB(f"paint{i}", paint))
    return (*layers, L.SkipOutput(paint)) if paint else tuple(layers)


def _downwards(widths, kernel, norm, ending):
    """Through pictures of halving size to one logit; normalised, if at all, from the second on."""
    layers = []
    for i, width in enumerate(reversed(widths), start=1):
        normalised = norm is not None and i > 1
        layers.append(L.Conv(f"down{i}", width, kernel, bias=not normalised))
        layers += [L.BatchNorm(f"norm{i}", **norm)] if normalised else []
        layers.append(L.LeakyReLU(0.2))
    return (*layers, L.Flatten(), *ending)


def _check(size, channels):
    if size not in SMALL or channels not in (1, 3):
        raise InputError(
            f"The networks draw 28, 32 or 64 pixels in 1 or 3 channels, not {size} in {channels}."
        )
