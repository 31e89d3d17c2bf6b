"""Networks of a spec, in TensorFlow.

Tensors have TensorFlow's own layout (n, height, width, channels), outside and inside.
"""

import tensorflow as tf

from avatarlib.backends.tensorflow.device import find_device
from avatarlib.core.errors import InputError
from avatarlib.training import layers as kinds
from avatarlib.training.initial import initial_weights

AVERAGED = ("mean", "variance", "u")  # arrays that no gradient moves


class Network(tf.Module):
    """The layers of a spec, one after the other.

    Args:
        spec: a `Spec`.
        seed: the first weights are a function of it, the same as in the PyTorch twin.
        dtype: "float32", or "float64" for proofs.
        device: as in `find_device`.

    Attributes:
        arrays: "layer/name" -> TensorFlow's variable, in the order of `spec.weights(player)`.
    """

    player = None

    def __init__(self, spec, seed=0, dtype="float32", device=None):
        super().__init__()
        self.spec, self.layers = spec, getattr(spec, self.player)
        self.device = find_device(device)
        with tf.device(self.device):
            self.arrays = {
                name: tf.Variable(array.astype(dtype), trainable=not name.endswith(AVERAGED))
                for name, array in initial_weights(spec, self.player, seed).items()
            }

    def parameters(self):
        """The variables that a gradient moves, in order."""
        return [variable for variable in self.arrays.values() if variable.trainable]

    def __call__(self, x, condition=None, masks=(), training=False):
        """What the last layer gives.

        Args:
            x: latents (n, latent) or pictures (n, height, width, channels) in [-1, 1].
            condition: (n, condition_size), zeros and ones, if the spec has conditions.
            masks: dropout masks bool (n, *shape), True where a value is kept, one for each Dropout
                layer; none drops nothing.
            training: whether batch normalisation uses the batch's own statistics and updates its
                running averages; otherwise it uses those, and a drawing depends on its own noise
                alone.

        Returns:
            drawings (n, *shape) of a generator, logits (n, 1) of a discriminator.
        """
        h = x
        masks, picture = iter(masks), None
        for layer in self.layers:
            match layer:
                case kinds.Dense():
                    h = linear(h, self._kernel(layer), self._get(layer, "bias"))
                case kinds.Conv():
                    h = conv(h, self._kernel(layer), self._get(layer, "bias"), layer.stride)
                case kinds.ConvTranspose():
                    kernel, bias = self._kernel(layer), self._get(layer, "bias")
                    h = conv_transpose(h, kernel, bias, layer.stride)
                case kinds.BatchNorm():
                    h = self._normalise(h, layer, training)
                case kinds.LeakyReLU(slope):
                    h = leaky_relu(h, slope)
                case kinds.Tanh():
                    h = tf.tanh(h)
                case kinds.Dropout(rate):
                    if (mask := next(masks, None)) is not None:
                        h = h * (tf.cast(mask, h.dtype) / (1 - rate))
                case kinds.Reshape(shape):
                    h = tf.reshape(h, (-1, *shape))
                case kinds.Flatten():
                    h = tf.reshape(h, (h.shape[0], -1))
                case kinds.Embed():
                    h = tf.concat([h, linear(condition, self._kernel(layer))], axis=1)
                case kinds.Project():
                    fits = h * linear(condition, self._kernel(layer, "embedding"))
                    h = linear(h, self._kernel(layer), self._get(layer, "bias"))
                    h = h + tf.reduce_sum(fits, axis=1, keepdims=True)
                case kinds.ToRGB():
                    stroke = conv(h, self._kernel(layer), self._get(layer, "bias"), 1)
                    picture = stroke if picture is None else stroke + enlarge(picture)
                case kinds.SkipOutput():
                    h = picture
        return h

    def advance_spectral_norm(self):
        """One power iteration for each kernel that has a vector u: u ← W v / ‖W v‖, v ∝ Wᵀ u.

        Miyato et al. 2018 (arXiv:1802.05957), algorithm 1. W has a row for each output channel.
        """
        for name, u in self.arrays.items():
            if name.endswith("/u"):
                transposed = _matrix(self.arrays[name.removesuffix("/u")])
                v = _unit(tf.linalg.matvec(transposed, u))
                u.assign(_unit(tf.linalg.matvec(transposed, v, transpose_a=True)))

    def _get(self, layer, part):
        return self.arrays.get(f"{layer.name}/{part}")

    def _kernel(self, layer, part="kernel"):
        """A kernel, divided by its largest singular value σ = uᵀ W v where the spec says so."""
        kernel, u = self._get(layer, part), self._get(layer, f"{part}/u")
        if u is None:
            return kernel
        transposed = _matrix(kernel)
        v = _unit(tf.linalg.matvec(tf.stop_gradient(transposed), u))
        return kernel / tf.tensordot(v, tf.linalg.matvec(transposed, u), 1)

    def _normalise(self, h, layer, training):
        gamma, beta = self._get(layer, "gamma"), self._get(layer, "beta")
        averages = self._get(layer, "mean"), self._get(layer, "variance")
        if not training:
            return tf.nn.batch_normalization(h, *averages, beta, gamma, layer.epsilon)
        normal, *of_batch = normalise(h, gamma, beta, layer.epsilon)
        for average, now in zip(averages, of_batch, strict=True):
            average.assign_add((now - average) * (1 - layer.momentum))
        return normal


class Generator(Network):
    """Noise in, drawings out."""

    player = "generator"


class Discriminator(Network):
    """Drawings in, one logit each out: positive means "real"."""

    player = "discriminator"


# ---------------------------------------------------------- padding "same" is TensorFlow's own word


def linear(h, kernel, bias=None):
    """H W + b: (n, in) -> (n, out)."""
    h = tf.matmul(h, kernel)
    return h if bias is None else h + bias


def leaky_relu(h, slope):
    """max(slope h, h); the derivative at 0 is the slope, as in PyTorch."""
    if h.dtype == tf.float32:
        return tf.nn.leaky_relu(h, slope)
    return tf.maximum(slope * h, h)  # TensorFlow's kernel holds its slope in single precision


def conv(h, kernel, bias, stride):
    """A convolution whose output has the input's size divided by the stride, rounded up.

    Args:
        h: (n, height, width, channels_in).
        kernel: (k, k, channels_in, channels_out).
        bias: (channels_out,) or None.
        stride: 1 or 2.
    """
    h = tf.nn.conv2d(h, kernel, stride, "SAME")
    return h if bias is None else tf.nn.bias_add(h, bias)


def conv_transpose(h, kernel, bias, stride):
    """The transpose of `conv`: the size grows by the stride.

    Args:
        h: (n, height, width, channels_in).
        kernel: (k, k, channels_out, channels_in).
        bias: (channels_out,) or None.
        stride: 1 or 2.
    """
    n, height, width, _ = h.shape
    shape = (n, stride * height, stride * width, kernel.shape[2])
    h = tf.nn.conv2d_transpose(h, kernel, shape, stride, "SAME")
    return h if bias is None else tf.nn.bias_add(h, bias)


def enlarge(picture):
    """Each pixel becomes four: (n, h, w, channels) -> (n, 2h, 2w, channels)."""
    return tf.repeat(tf.repeat(picture, 2, axis=1), 2, axis=2)


def normalise(h, gamma, beta, epsilon):
    """Batch normalisation by the batch's own statistics.

    Returns:
        (normalised h, mean, biased variance), the last two of shape (channels,).
    """
    if h.dtype != tf.float32:  # the fused kernel knows no double precision
        mean, variance = tf.nn.moments(h, list(range(h.shape.rank - 1)))
        return tf.nn.batch_normalization(h, mean, variance, beta, gamma, epsilon), mean, variance
    as_pictures = tf.reshape(h, (h.shape[0], -1, 1, h.shape[-1]))
    # The raw operation, because tf.compat.v1.nn's raises a small epsilon to 1.001e-5.
    normal, mean, unbiased, *_ = tf.raw_ops.FusedBatchNormV3(
        x=as_pictures, scale=gamma, offset=beta, mean=[], variance=[], epsilon=epsilon
    )
    n = as_pictures.shape[0] * as_pictures.shape[1]
    return tf.reshape(normal, h.shape), mean, unbiased * ((n - 1) / n)


def _matrix(kernel):
    return tf.reshape(kernel, (-1, kernel.shape[-1]))


def _unit(vector):
    return vector / tf.norm(vector)


# ----------------------------------------------------------------- weights in and out, as arrays


def get_weights(network):
    """All weights, averages and spectral vectors: "layer/name" -> array in TensorFlow's layout."""
    return {name: variable.numpy() for name, variable in network.arrays.items()}


def set_weights(network, weights):
    """Copy arrays, named and laid out as `get_weights` gives them, into the network.

    Raises:
        InputError: a name is missing or unknown, or a shape does not fit.
    """
    own = network.arrays
    if own.keys() != weights.keys():
        odd = ", ".join(sorted(own.keys() ^ weights.keys()))
        raise InputError(f"These weights are of another network; they differ in {odd}.")
    for name, shape in network.spec.weights(network.player).items():
        if weights[name].shape != shape:
            raise InputError(f"The weights {name} are {weights[name].shape}, not {shape}.")
    for name, variable in own.items():
        variable.assign(weights[name].astype(variable.dtype.as_numpy_dtype))
