"""Networks of a spec, in PyTorch.

Outside, tensors have TensorFlow's layout (n, height, width, channels), so that both twins take and
give the same arrays. Inside, PyTorch wants the channels second; `permute` only relabels the axes.
"""

import torch
from torch import nn
from torch.nn import functional as F

from avatarlib.backends.torch.device import find_device
from avatarlib.core.errors import InputError
from avatarlib.training import layers as kinds
from avatarlib.training.initial import initial_weights

AVERAGED = ("mean", "variance", "u")  # arrays that no gradient moves


class Network(nn.Module):
    """The layers of a spec, one after the other.

    Args:
        spec: a `Spec`.
        seed: the first weights are a function of it, the same as in the TensorFlow twin.
        dtype: "float32", or "float64" for proofs.
        device: as in `find_device`.

    Attributes:
        arrays: "layer/name" -> PyTorch's tensor, in the order of `spec.weights(player)`.
    """

    player = None

    def __init__(self, spec, seed=0, dtype="float32", device=None):
        super().__init__()
        device = find_device(device)
        self.spec, self.layers = spec, getattr(spec, self.player)
        for name, array in initial_weights(spec, self.player, seed).items():
            tensor = _to_layout(torch.from_numpy(array).to(device, getattr(torch, dtype)))
            if name.endswith(AVERAGED):
                self.register_buffer(name, tensor)
            else:
                self.register_parameter(name, nn.Parameter(tensor))

    @property
    def arrays(self):
        """All weights, averages and spectral vectors by name."""
        own = dict(self.named_parameters()) | dict(self.named_buffers())
        return {name: own[name] for name in self.spec.weights(self.player)}

    def forward(self, x, condition=None, masks=(), training=False):
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
        h = x.permute(0, 3, 1, 2) if x.ndim == 4 else x
        masks, picture = iter(masks), None
        for layer in self.layers:
            match layer:
                case kinds.Dense():
                    h = F.linear(h, self._kernel(layer), self._get(layer, "bias"))
                case kinds.Conv():
                    h = conv(h, self._kernel(layer), self._get(layer, "bias"), layer.stride)
                case kinds.ConvTranspose():
                    kernel, bias = self._kernel(layer), self._get(layer, "bias")
                    h = conv_transpose(h, kernel, bias, layer.stride)
                case kinds.BatchNorm():
                    h = self._normalise(h, layer, training)
                case kinds.LeakyReLU(slope):
                    h = F.leaky_relu(h, slope)
                case kinds.Tanh():
                    h = torch.tanh(h)
                case kinds.Dropout(rate):
                    if (mask := next(masks, None)) is not None:
                        h = h * (_channels_second(mask).to(h.dtype) / (1 - rate))
                case kinds.Reshape(shape):
                    h = _channels_second(h.view(-1, *shape))
                case kinds.Flatten():
                    h = h.permute(0, 2, 3, 1).flatten(1)
                case kinds.Embed():
                    h = torch.cat([h, F.linear(condition, self._kernel(layer))], dim=1)
                case kinds.Project():
                    fits = h * F.linear(condition, self._kernel(layer, "embedding"))
                    h = F.linear(h, self._kernel(layer), self._get(layer, "bias"))
                    h = h + fits.sum(1, keepdim=True)
                case kinds.ToRGB():
                    stroke = F.conv2d(h, self._kernel(layer), self._get(layer, "bias"))
                    picture = stroke if picture is None else stroke + enlarge(picture)
                case kinds.SkipOutput():
                    h = picture
        return h.permute(0, 2, 3, 1) if h.ndim == 4 else h

    def advance_spectral_norm(self):
        """One power iteration for each kernel that has a vector u: u ← W v / ‖W v‖, v ∝ Wᵀ u.

        Miyato et al. 2018 (arXiv:1802.05957), algorithm 1. W has a row for each output channel.
        """
        with torch.no_grad():
            for name, u in self.named_buffers():
                if name.endswith("/u"):
                    matrix = self.get_parameter(name.removesuffix("/u")).flatten(1)
                    u.copy_(_unit(matrix @ _unit(matrix.T @ u)))

    def _get(self, layer, part):
        return self._parameters.get(f"{layer.name}/{part}")

    def _kernel(self, layer, part="kernel"):
        """A kernel, divided by its largest singular value σ = uᵀ W v where the spec says so."""
        kernel, u = self._get(layer, part), self._buffers.get(f"{layer.name}/{part}/u")
        if u is None:
            return kernel
        matrix, u = kernel.flatten(1), u.clone()  # the copy: backward must see this step's u
        v = _unit(matrix.detach().T @ u)
        return kernel / (u @ (matrix @ v))

    def _normalise(self, h, layer, training):
        gamma, beta = self._get(layer, "gamma"), self._get(layer, "beta")
        mean, variance = (self._buffers[f"{layer.name}/{part}"] for part in ("mean", "variance"))
        if not training:
            return F.batch_norm(h, mean, variance, gamma, beta, eps=layer.epsilon)
        now = torch.zeros_like(mean), torch.zeros_like(variance)  # 0 · NaN would stay NaN
        h_normal = F.batch_norm(h, *now, gamma, beta, True, momentum=1.0, eps=layer.epsilon)
        # With momentum 1, `now` holds this batch's own mean and its unbiased variance, the one
        # divided by n - 1. Keras averages the biased one, divided by n.
        n = h.numel() // len(mean)
        mean.lerp_(now[0], 1 - layer.momentum)
        variance.lerp_(now[1] * ((n - 1) / n), 1 - layer.momentum)
        return h_normal


class Generator(Network):
    """Noise in, drawings out."""

    player = "generator"


class Discriminator(Network):
    """Drawings in, one logit each out: positive means "real"."""

    player = "discriminator"


# --------------------------------------------------------------- padding "same", as TensorFlow does


def conv(h, kernel, bias, stride):
    """A convolution whose output has the input's size divided by the stride, rounded up.

    Of the zeros that this takes, TensorFlow puts the smaller half before and the larger behind:
    with kernel 5, stride 2 and an even size one row before and two after. PyTorch's padding=2
    would add two on each side and shift the picture.

    Args:
        h: (n, channels_in, height, width).
        kernel: (channels_out, channels_in, k, k).
        bias: (channels_out,) or None.
        stride: 1 or 2.
    """
    before, after = zip(
        *(_same(size, kernel.shape[2], stride) for size in h.shape[2:]), strict=True
    )
    if before == after:
        return F.conv2d(h, kernel, bias, stride, before)
    return F.conv2d(F.pad(h, (before[1], after[1], before[0], after[0])), kernel, bias, stride)


def conv_transpose(h, kernel, bias, stride):
    """The transpose of `conv`: the size grows by the stride.

    With kernel 5 and stride 2 the full result has 2n + 3 rows, of which number 1 to 2n stay.
    PyTorch's padding=2, output_padding=1 would keep 2 to 2n + 1: the right shape, one pixel off.

    Args:
        h: (n, channels_in, height, width).
        kernel: (channels_in, channels_out, k, k).
        bias: (channels_out,) or None.
        stride: 1 or 2.
    """
    before, after = (kernel.shape[2] - stride) // 2, (kernel.shape[2] - stride + 1) // 2
    if before == after:
        return F.conv_transpose2d(h, kernel, bias, stride, before)
    if stride == 1:  # and an even kernel: there is one row too many, at the end
        return F.conv_transpose2d(h, kernel, bias, stride, before)[:, :, :-1, :-1]
    # PyTorch can leave out more rows at the start than at the end, but not the other way round:
    # turn everything by 180 degrees.
    h, kernel = h.flip(2, 3), kernel.flip(2, 3)
    return F.conv_transpose2d(h, kernel, bias, stride, after, after - before).flip(2, 3)


def enlarge(picture):
    """Each pixel becomes four: (n, channels, h, w) -> (n, channels, 2h, 2w)."""
    return F.interpolate(picture, scale_factor=2, mode="nearest")


def _same(size, kernel, stride):
    zeros = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return zeros // 2, zeros - zeros // 2


def _unit(vector):
    return vector / vector.norm()


def _channels_second(h):
    return h.permute(0, 3, 1, 2) if h.ndim == 4 else h


# ----------------------------------------------------------------- weights in and out, as arrays


def get_weights(network):
    """All weights, averages and spectral vectors: "layer/name" -> array in TensorFlow's layout."""
    return {name: to_array(tensor) for name, tensor in network.arrays.items()}


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
    for name, tensor in own.items():
        copy_array(tensor, weights[name])


def to_array(tensor):
    """A tensor in PyTorch's layout as an array of its own in TensorFlow's."""
    return tensor.permute(_axes(tensor.ndim)).detach().cpu().numpy().copy()


def copy_array(tensor, array):
    """Copy an array in TensorFlow's layout into a tensor in PyTorch's."""
    with torch.no_grad():
        tensor.permute(_axes(tensor.ndim)).copy_(torch.from_numpy(array))


def _axes(ndim):
    # (out, in, h, w), and for the transposed convolution (in, out, h, w), reversed by pairs.
    return {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[ndim]


def _to_layout(tensor):
    if tensor.ndim == 4:
        return tensor.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    return tensor.T.contiguous() if tensor.ndim == 2 else tensor
