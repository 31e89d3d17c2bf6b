"""A GAN as plain data: two lists of layers and how they train. Both frameworks build it."""

import json
import math
from dataclasses import asdict, dataclass, field, fields

from avatarlib.core import values
from avatarlib.core.errors import InputError
from avatarlib.training.layers import BatchNorm, Layer, layer_from_plain, layer_to_plain
from avatarlib.training.losses import LOSSES

UPDATE_ORDERS = ("simultaneous", "alternating")
INITIAL = ("glorot", "normal", "he")


@dataclass(frozen=True)
class TrainingConfig:
    """The training configuration: what each player minimises, who moves when, and how far.

    Attributes:
        loss: one of LOSSES; formulas and papers stand in the backends' `losses.py`.
        update_order: "simultaneous", both from the same old parameters (the article's listing), or
            "alternating", the generator against the new discriminator (the article's steps).
        generator_every: 3 lets the generator move in every third step, the discriminator in each.
        r1, r2: weights γ of the penalties γ/2 E‖∇D(x)‖² at real and at generated pictures.
        gradient_penalty: weight λ of the Wasserstein loss's penalty λ E(‖∇D(x̂)‖ - 1)².
        penalty_every: 4 counts penalties in every fourth step, four times as heavy (lazy
            regularisation).
        batch: pictures in a batch.
        lr_d, lr_g: learning rates of discriminator and generator.
        final_lr_fraction: the share of the learning rates left at the end; they are constant for
            half the run and then follow a cosine. 1 leaves them as they are.
        beta1, beta2, epsilon: Adam's settings (Kingma and Ba 2015, algorithm 1).
        ema_half_life: half-life of the exponential moving average (EMA) of the generator's weights,
            in images; 0 keeps none.
        ema_rampup: until the run is long, the half-life is this share of the images seen.
        translation: largest shift of the augmentation, a share of the size; 0 shifts nothing.
    """

    loss: str = "non-saturating"
    update_order: str = "alternating"
    generator_every: int = 1
    r1: float = 0.0
    r2: float = 0.0
    gradient_penalty: float = 0.0
    penalty_every: int = 1
    batch: int = 64
    lr_d: float = 2e-4
    lr_g: float = 2e-4
    final_lr_fraction: float = 1.0
    beta1: float = 0.5
    beta2: float = 0.999
    epsilon: float = 1e-8
    ema_half_life: int = 0
    ema_rampup: float = 0.05
    translation: float = 0.0

    def __post_init__(self):
        _one_of("loss", self.loss, LOSSES)
        _one_of("update_order", self.update_order, UPDATE_ORDERS)
        for name in ("generator_every", "penalty_every", "batch"):
            self._set(name, values.whole(getattr(self, name), name, 1))
        for name in ("r1", "r2", "gradient_penalty", "ema_half_life", "ema_rampup"):
            self._set(name, values.number(getattr(self, name), name, 0))
        for name in ("lr_d", "lr_g", "epsilon"):
            self._set(name, values.number(getattr(self, name), name, above=0))
        for name in ("beta1", "beta2"):
            self._set(name, values.number(getattr(self, name), name, 0, below=1))
        for name, most in (("final_lr_fraction", 1), ("translation", 0.5)):
            self._set(name, values.number(getattr(self, name), name, 0, most))

    def _set(self, name, value):
        object.__setattr__(self, name, value)  # NumPy's numbers become plain ones, for JSON

    @property
    def generator_sees_real(self):
        """Whether the generator's loss depends on real pictures, too."""
        return LOSSES[self.loss].generator_sees_real

    def lr_factor(self, progress):
        """What the rates are multiplied by, at a progress in [0, 1] of the run."""
        late = min(max(2 * progress - 1, 0.0), 1.0)
        return (
            self.final_lr_fraction
            + (1 - self.final_lr_fraction) * (1 + math.cos(math.pi * late)) / 2
        )

    def ema_decay(self, step):
        """The share of the moving average that step number `step` (from 0) keeps, in [0, 1).

        StyleGAN2-ADA's rule: 0.5^(batch / half-life), where the half-life is no longer than
        `ema_rampup` times the pictures seen. Without this ramp, a run of five minutes would
        average over its own first scribbles (Karras et al. 2020, arXiv:2006.06676).
        """
        half_life = min(self.ema_half_life, self.ema_rampup * step * self.batch)
        return 0.5 ** (self.batch / half_life) if half_life else 0.0


class Layered:
    """Networks as plain data: what a `Spec` and a `ClassifierSpec` have in common."""

    players = ()  # the fields that hold layers
    spectral_norm = False

    def shapes(self, player):
        """The shape before the first layer of a network, such as "generator", and after each."""
        shapes = [(self.latent,) if player == "generator" else tuple(self.shape)]
        for layer in getattr(self, player):
            shapes.append(layer.after(shapes[-1]))
        return shapes

    def layers_with_shapes(self, player):
        """Each layer of a network with the shape of what it is given: (layer, shape) pairs."""
        return zip(getattr(self, player), self.shapes(player)[:-1], strict=True)

    def weights(self, player):
        """Shapes of a network's arrays, learned or averaged: "layer/name" -> shape.

        With spectral norm, "layer/kernel/u" is the discriminator's estimate of the kernel's first
        left singular vector, one number for each output channel.
        """
        found = {}
        for layer, shape in self.layers_with_shapes(player):
            for name, of in layer.weights(shape, self.condition_size).items():
                found[f"{layer.name}/{name}"] = of
                if player == "discriminator" and self.spectral_norm and len(of) > 1:
                    found[f"{layer.name}/{name}/u"] = of[-1:]
        return found

    @property
    def condition_size(self):
        """Length of a condition: one number for each value of each attribute."""
        return sum(len(values) for _, values in self.conditions)

    def to_json(self):
        """The spec as a text, which `from_json` reads."""
        plain = asdict(self)
        for player in self.players:
            plain[player] = [layer_to_plain(layer) for layer in getattr(self, player)]
        return json.dumps(values.plain(plain, "A spec"))

    @classmethod
    def from_json(cls, text):
        """Read what `to_json` wrote.

        Raises:
            InputError: no JSON, or not that of such a spec.
        """
        try:
            plain = json.loads(text)
            for player in cls.players:
                plain[player] = tuple(layer_from_plain(layer) for layer in plain[player])
            plain["shape"] = tuple(plain["shape"])
            plain["conditions"] = tuple((name, tuple(of)) for name, of in plain["conditions"])
            if "config" in plain:
                plain["config"] = TrainingConfig(**plain["config"])
            return cls(**plain)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"This is not the JSON of a spec: {error!r}.") from error


@dataclass(frozen=True)
class ClassifierSpec(Layered):
    """AvatarNet: a network that names the attributes of an avatar.

    Attributes:
        shape: of the pictures it looks at, (size, size, channels).
        conditions: the attributes that it names: ((name, (value, ...)), ...).
        classifier: its layers; the last one gives a logit for each value of each attribute, and
            what that layer is given are AvatarNet's features.
        initial: rule of the first weights, as in `Spec`.
    """

    shape: tuple[int, ...]
    conditions: tuple[tuple[str, tuple[str, ...]], ...]
    classifier: tuple[Layer, ...]
    initial: str = "he"

    players = ("classifier",)

    def __post_init__(self):
        end = self.shapes("classifier")[-1]
        if end != (self.condition_size,):
            raise InputError(f"The classifier ends in {end}, not in {self.condition_size} logits.")


@dataclass(frozen=True)
class Spec(Layered):
    """A generator, a discriminator and their game.

    Attributes:
        name: for people.
        shape: what is drawn: (size, size, channels), or (2,) for points in the plane.
        latent: how many random numbers one drawing is made from.
        generator, discriminator: their layers, from input to output.
        conditions: attributes that can be asked for: ((name, (value, ...)), ...).
        initial: rule of the first weights: "glorot" (Keras), "normal" (N(0, 0.02), DCGAN), "he".
        spectral_norm: divide the discriminator's kernels by their largest singular value.
        config: see `TrainingConfig`.

    Raises:
        InputError: the layers do not lead from the latents to the shape, or to one logit.
    """

    name: str
    shape: tuple[int, ...]
    latent: int
    generator: tuple[Layer, ...]
    discriminator: tuple[Layer, ...]
    conditions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    initial: str = "glorot"
    spectral_norm: bool = False
    config: TrainingConfig = field(default_factory=TrainingConfig)

    players = ("generator", "discriminator")

    def __post_init__(self):
        _one_of("initial", self.initial, INITIAL)
        for player, goal in (("generator", self.shape), ("discriminator", (1,))):
            end = self.shapes(player)[-1]
            if end != tuple(goal):
                raise InputError(f"The {player} of {self.name!r} ends in {end}, not in {goal}.")
            names = [layer.name for layer in getattr(self, player) if hasattr(layer, "name")]
            if len(set(names)) < len(names):
                raise InputError(f"Two layers of the {player} of {self.name!r} have one name.")
        penalised = self.config.r1 or self.config.r2 or self.config.gradient_penalty
        if penalised and any(isinstance(layer, BatchNorm) for layer in self.discriminator):
            raise InputError(
                "A gradient penalty needs a logit that depends on its own picture alone; batch "
                "normalisation in the discriminator mixes the batch. Leave one of them out."
            )

    def masks(self):
        """Where the discriminator's dropout acts: ((shape, rate), ...)."""
        return [
            (shape, layer.rate)
            for layer, shape in self.layers_with_shapes("discriminator")
            if hasattr(layer, "rate")
        ]


def differences(one, other):
    """In which settings two specs differ: a list of texts "setting: this, not that"."""
    found = []
    for part in fields(Spec):
        ours, theirs = getattr(one, part.name), getattr(other, part.name)
        if part.name == "config":
            pairs = {k: (v, asdict(theirs)[k]) for k, v in asdict(ours).items()}
            found += [f"{k}: {a!r}, not {b!r}" for k, (a, b) in pairs.items() if a != b]
        elif ours != theirs:
            short = part.name in ("generator", "discriminator", "conditions")
            found.append(part.name if short else f"{part.name}: {ours!r}, not {theirs!r}")
    return found


def _one_of(name, value, known):
    if value not in tuple(known):  # which may be a list, that no table can be asked for
        raise InputError(f"{name} is one of {', '.join(known)}; this is {value!r}.")
