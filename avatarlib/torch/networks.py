"""The article's generator and discriminator in PyTorch.

Outside, tensors have TensorFlow's layout (n, height, width, channels), so that both twins take and
give the same arrays. Inside, PyTorch wants the channels second; `permute` only relabels the axes.
"""

import torch
from torch import nn
from torch.nn import functional as F

from avatarlib.training.initial import initial_weights

LATENT = 100
SLOPE = 0.3  # Keras' default for LeakyReLU; PyTorch's own would be 0.01


class Generator(nn.Module):
    """Noise in, pictures out: the article's generator (28x28, grey), 2.3 million weights.

    Args:
        seed: the initial weights are a function of it, the same as in the TensorFlow twin.
    """

    def __init__(self, seed=0):
        super().__init__()
        self.dense = nn.Linear(LATENT, 7 * 7 * 256, bias=False)
        self.norm1 = BatchNorm(7 * 7 * 256)
        self.up1 = ConvTranspose(256, 128, stride=1)
        self.norm2 = BatchNorm(128)
        self.up2 = ConvTranspose(128, 64, stride=2)
        self.norm3 = BatchNorm(64)
        self.up3 = ConvTranspose(64, 1, stride=2)
        _initialise(self, seed, "generator")

    def forward(self, z):
        """float32 (n, 100) -> float32 (n, 28, 28, 1) in [-1, 1].

        In training mode, batch normalisation uses the batch's own statistics; after `eval()`, the
        running averages, and then a picture depends on its own noise alone.
        """
        h = F.leaky_relu(self.norm1(self.dense(z)), SLOPE)
        h = h.view(-1, 7, 7, 256).permute(0, 3, 1, 2)
        h = F.leaky_relu(self.norm2(self.up1(h)), SLOPE)
        h = F.leaky_relu(self.norm3(self.up2(h)), SLOPE)
        return torch.tanh(self.up3(h)).permute(0, 2, 3, 1)


class Discriminator(nn.Module):
    """Pictures in, one logit each out: positive means "real". The article's, 0.2 million weights.

    Args:
        seed: the initial weights are a function of it, the same as in the TensorFlow twin.
    """

    mask_shapes = ((14, 14, 64), (7, 7, 128))  # where dropout acts
    dropout = 0.3

    def __init__(self, seed=0):
        super().__init__()
        self.down1 = Conv(1, 64, stride=2)
        self.down2 = Conv(64, 128, stride=2)
        self.logit = nn.Linear(7 * 7 * 128, 1)
        _initialise(self, seed, "discriminator")

    def forward(self, images, masks=None):
        """float32 (n, 28, 28, 1) in [-1, 1] -> logits float32 (n, 1).

        Args:
            images: the pictures to judge.
            masks: two dropout masks float32 (n, *mask_shapes[i]), 0 where a value is dropped and
                1 / 0.7 elsewhere; None judges without dropout.
        """
        masks = [1, 1] if masks is None else [mask.permute(0, 3, 1, 2) for mask in masks]
        h = F.leaky_relu(self.down1(images.permute(0, 3, 1, 2)), SLOPE) * masks[0]
        h = F.leaky_relu(self.down2(h), SLOPE) * masks[1]
        return self.logit(h.permute(0, 2, 3, 1).flatten(1))


# --------------------------------------------------------- layers that compute what Keras computes


class Conv(nn.Conv2d):
    """5x5 convolution with Keras' padding="same".

    At stride 2 and an even size, "same" adds one row above and two below (one column left, two
    right); PyTorch's padding=2 would add two on each side and shift the picture.
    """

    def __init__(self, channels_in, channels_out, stride):
        super().__init__(channels_in, channels_out, 5, stride)

    def forward(self, h):
        """(n, channels_in, size, size) -> (n, channels_out, size / stride, size / stride)."""
        before = 1 if self.stride == (2, 2) else 2
        return super().forward(F.pad(h, (before, 2, before, 2)))


class ConvTranspose(nn.ConvTranspose2d):
    """5x5 transposed convolution, without bias, with Keras' padding="same".

    At stride 2 the full result has 2n + 3 rows, of which Keras keeps number 1 to 2n. PyTorch's
    padding=2, output_padding=1 would keep 2 to 2n + 1: the right shape, one pixel off.
    """

    def __init__(self, channels_in, channels_out, stride):
        padding = 1 if stride == 2 else 2
        super().__init__(channels_in, channels_out, 5, stride, padding, bias=False)

    def forward(self, h):
        """(n, channels_in, size, size) -> (n, channels_out, stride * size, stride * size)."""
        height, width = (size * self.stride[0] for size in h.shape[2:])
        return super().forward(h)[:, :, :height, :width]


class BatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch normalisation over all axes but the channels, with Keras' settings and averages.

    Keras' momentum 0.99 is PyTorch's 0.01, its epsilon is 1e-3. Keras averages the batch's biased
    variance, PyTorch the unbiased one, n / (n - 1) times as large: 1.6 % at 64 pictures after a
    dense layer, and visible in evaluation mode.
    """

    def __init__(self, channels):
        super().__init__(channels, eps=1e-3, momentum=0.01)

    def _check_input_dim(self, h):
        pass  # (n, channels) and (n, channels, height, width) are both welcome

    def forward(self, h):
        """Normalise h, of shape (n, channels) or (n, channels, height, width)."""
        if not self.training:
            return super().forward(h)
        axes = [axis for axis in range(h.ndim) if axis != 1]
        with torch.no_grad():
            variance, mean = torch.var_mean(h, axes, correction=0)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance, self.momentum)
        return F.batch_norm(h, None, None, self.weight, self.bias, training=True, eps=self.eps)


# ----------------------------------------------------------------- weights in and out, as arrays


def get_weights(network):
    """All weights and running averages: "layer/name" -> float32 array in TensorFlow's layout."""
    return {
        name: tensor.permute(axes).detach().cpu().numpy().copy()
        for name, (tensor, axes) in tensors(network).items()
    }


def set_weights(network, weights):
    """Copy arrays, named and laid out as `get_weights` gives them, into the network.

    Raises:
        ValueError: a name is missing or unknown, or a shape does not fit.
    """
    own = tensors(network)
    if own.keys() != weights.keys():
        raise ValueError(f"The weights differ in {sorted(own.keys() ^ weights.keys())}.")
    with torch.no_grad():
        for name, (tensor, axes) in own.items():
            view = tensor.permute(axes)
            if view.shape != weights[name].shape:
                raise ValueError(f"{name} is {tuple(view.shape)}, not {weights[name].shape}.")
            view.copy_(torch.from_numpy(weights[name].astype("float32")))


def tensors(network):
    """Our name -> (PyTorch's tensor, the order of axes that gives it TensorFlow's layout)."""
    found = {}
    for layer, module in network.named_children():
        if isinstance(module, BatchNorm):
            found[f"{layer}/gamma"] = module.weight, (0,)
            found[f"{layer}/beta"] = module.bias, (0,)
            found[f"{layer}/mean"] = module.running_mean, (0,)
            found[f"{layer}/variance"] = module.running_var, (0,)
            continue
        # (out, in, h, w), and for the transposed convolution (in, out, h, w), reversed by pairs.
        axes = (2, 3, 1, 0) if module.weight.ndim == 4 else (1, 0)
        found[f"{layer}/kernel"] = module.weight, axes
        if module.bias is not None:
            found[f"{layer}/bias"] = module.bias, (0,)
    return found


def _initialise(network, seed, name):
    shapes = {key: array.shape for key, array in get_weights(network).items()}
    set_weights(network, initial_weights(shapes, seed, name))
    network.to(memory_format=torch.channels_last)
