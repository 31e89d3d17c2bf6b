"""The layers of the course's networks as plain data: what each is called, weighs and costs.

Shapes leave out the batch: (height, width, channels) for pictures, (n,) for vectors. The layout of
kernels is TensorFlow's: (in, out); (height, width, in, out); transposed (height, width, out, in).
Padding is always "same": a convolution divides the size by its stride, a transposed one multiplies.
"""

import math
from dataclasses import asdict, dataclass

from avatarlib.core.errors import InputError


@dataclass(frozen=True)
class Layer:
    """A layer without weights that leaves the shape as it is; the others say what differs."""

    def weights(self, shape, conditions=0):
        """Shapes of the weights: name -> shape, for an input of the given shape."""
        return {}

    def after(self, shape):
        """The output's shape."""
        return shape

    def multiply_adds(self, shape):
        """Multiplications with a following addition, for one picture, forwards."""
        return 0

    def fan_in(self, shape):
        """How many inputs one output sums; what He's initial weights are scaled by."""
        return math.prod(shape)


@dataclass(frozen=True)
class Dense(Layer):
    """h W + b: (n,) -> (units,)."""

    name: str
    units: int
    bias: bool = True

    def weights(self, shape, conditions=0):
        return {"kernel": (*shape, self.units)} | ({"bias": (self.units,)} if self.bias else {})

    def after(self, shape):
        return (self.units,)

    def multiply_adds(self, shape):
        return shape[0] * self.units


@dataclass(frozen=True)
class Conv(Layer):
    """A convolution: (h, w, c) -> (h / stride, w / stride, channels), rounded up."""

    name: str
    channels: int
    kernel: int = 4
    stride: int = 2
    bias: bool = True

    def weights(self, shape, conditions=0):
        kernel = (self.kernel, self.kernel, shape[2], self.channels)
        return {"kernel": kernel} | ({"bias": (self.channels,)} if self.bias else {})

    def after(self, shape):
        return (-(-shape[0] // self.stride), -(-shape[1] // self.stride), self.channels)

    def multiply_adds(self, shape):
        return math.prod(self.after(shape)) * self.fan_in(shape)

    def fan_in(self, shape):
        return self.kernel**2 * shape[2]


@dataclass(frozen=True)
class ConvTranspose(Layer):
    """A transposed convolution: (h, w, c) -> (stride h, stride w, channels)."""

    name: str
    channels: int
    kernel: int = 4
    stride: int = 2
    bias: bool = True

    def weights(self, shape, conditions=0):
        kernel = (self.kernel, self.kernel, self.channels, shape[2])
        return {"kernel": kernel} | ({"bias": (self.channels,)} if self.bias else {})

    def after(self, shape):
        return (self.stride * shape[0], self.stride * shape[1], self.channels)

    def multiply_adds(self, shape):
        return math.prod(shape) * self.kernel**2 * self.channels

    def fan_in(self, shape):
        return self.kernel**2 * shape[2] / self.stride**2  # of the k² taps, a stride skips most


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch normalisation (Ioffe and Szegedy 2015), one mean and variance for each channel.

    The running averages keep the share `momentum` of the old value at each step and take in the
    batch's biased variance, the one divided by n.
    """

    name: str
    momentum: float = 0.99
    epsilon: float = 1e-3

    def weights(self, shape, conditions=0):
        return {part: shape[-1:] for part in ("gamma", "beta", "mean", "variance")}


@dataclass(frozen=True)
class LeakyReLU(Layer):
    """max(h, slope h); a slope of 0 makes it the plain ReLU."""

    slope: float = 0.2


@dataclass(frozen=True)
class Tanh(Layer):
    """The hyperbolic tangent, elementwise: everything -> (-1, 1)."""


@dataclass(frozen=True)
class Dropout(Layer):
    """Keeps a value with probability 1 - rate, divided by that; which ones is drawn in NumPy."""

    rate: float = 0.3


@dataclass(frozen=True)
class Reshape(Layer):
    """A vector as a tiny picture: (h w c,) -> (h, w, c), row by row, channels last."""

    shape: tuple[int, ...]

    def after(self, shape):
        return tuple(self.shape)


@dataclass(frozen=True)
class Flatten(Layer):
    """A picture as a vector: (h, w, c) -> (h w c,), row by row, channels last."""

    def after(self, shape):
        return (math.prod(shape),)


@dataclass(frozen=True)
class Embed(Layer):
    """Appends a linear function of the condition: (n,) -> (n + units,)."""

    name: str
    units: int

    def weights(self, shape, conditions=0):
        return {"kernel": (conditions, self.units)}

    def after(self, shape):
        return (shape[0] + self.units,)


@dataclass(frozen=True)
class Project(Layer):
    """The logit of a conditional discriminator: h·w + b + h·(c V) (Miyato and Koyama 2018)."""

    name: str

    def weights(self, shape, conditions=0):
        return {"kernel": (*shape, 1), "bias": (1,), "embedding": (conditions, *shape)}

    def after(self, shape):
        return (1,)

    def multiply_adds(self, shape):
        return 2 * shape[0]


@dataclass(frozen=True)
class ToRGB(Layer):
    """Paints what the features say, by a 1 x 1 convolution, over the picture so far.

    A smaller picture is first enlarged, each pixel to four. The features pass on unchanged;
    `SkipOutput` gives the picture to the next layer. This is the generator with skip connections of
    StyleGAN2 (Karras et al. 2020, arXiv:1912.04958, figure 7b), enlarged more plainly.
    """

    name: str
    channels: int

    def weights(self, shape, conditions=0):
        return {"kernel": (1, 1, shape[2], self.channels), "bias": (self.channels,)}

    def multiply_adds(self, shape):
        return math.prod(shape) * self.channels

    def fan_in(self, shape):
        return 16 * shape[2]  # first weights a fourth as large: the first pictures are faint


@dataclass(frozen=True)
class SkipOutput(Layer):
    """Goes on with what was painted: (h, w, c) -> (h, w, channels)."""

    channels: int

    def after(self, shape):
        return (*shape[:2], self.channels)


KINDS = {kind.__name__: kind for kind in Layer.__subclasses__()}


def layer_to_plain(layer):
    """A layer as a dictionary that JSON can hold, with its kind."""
    return {"kind": type(layer).__name__} | asdict(layer)


def layer_from_plain(plain):
    """What `layer_to_plain` gave, as a layer.

    Raises:
        InputError: an unknown kind, or settings that this kind does not have.
    """
    settings = dict(plain)
    kind = settings.pop("kind", None)
    if kind not in KINDS:
        raise InputError(f"There is no layer {kind!r}; there are {', '.join(KINDS)}.")
    if "shape" in settings:
        settings["shape"] = tuple(settings["shape"])
    try:
        return KINDS[kind](**settings)
    except TypeError as error:
        raise InputError(f"The layer {plain} is not usable: {error}.") from error
