"""EfficientNet-Lite0: a network that knows a thousand kinds of photographs, for a second look."""

from math import ceil, floor

import torch
from torch.nn import functional as F

from avatarlib.backends.torch.device import find_device


class ImageNet:
    """EfficientNet-Lite0 (Tan and Le 2019, arXiv:1905.11946, without its Swish and its gates).

    Args:
        weights: name -> float32 array, kernels (height, width, in, out), batch norms folded in.
        blocks: lists of convolutions, each [name, stride]; `evaluation.extractors` makes them.
    """

    def __init__(self, weights, blocks):
        self.device = find_device()
        self.blocks = blocks
        self.weights = {
            name: torch.from_numpy(array).to(self.device) for name, array in weights.items()
        }

    def __call__(self, pictures):
        """Look at pictures.

        Args:
            pictures: float32 (n, 224, 224, 3), about -1 to 1.

        Returns:
            (features float32 (n, 1280), logits float32 (n, 1000)).
        """
        with torch.no_grad():
            x = torch.from_numpy(pictures).to(self.device).permute(0, 3, 1, 2)
            for block in self.blocks:
                y = x
                for name, stride in block:
                    y = self._convolution(y, name, stride)
                x = x + y if x.shape == y.shape else y
            features = x.mean(dim=(2, 3))
            logits = features @ self.weights["classes/kernel"] + self.weights["classes/bias"]
        return features.cpu().numpy(), logits.cpu().numpy()

    def _convolution(self, x, name, stride):
        """A convolution with padding "same"; "deep": a channel at a time; "narrow": no ReLU6."""
        kernel, deep = self.weights[f"{name}/kernel"], name.endswith("deep")
        kernel = kernel.permute(2, 3, 0, 1) if deep else kernel.permute(3, 2, 0, 1)
        missing = [
            max((-(-size // stride) - 1) * stride + taps - size, 0)
            for size, taps in zip(x.shape[2:], kernel.shape[2:], strict=True)
        ]
        bias, groups = self.weights[f"{name}/bias"], x.shape[1] if deep else 1
        if any(n % 2 for n in missing):  # one row more at the end, as TensorFlow does
            (above, left), (below, right) = ([f(n / 2) for n in missing] for f in (floor, ceil))
            x, missing = F.pad(x, (left, right, above, below)), (0, 0)
        y = F.conv2d(x, kernel, bias, stride, [n // 2 for n in missing], groups=groups)
        return y if name.endswith("narrow") else F.relu6(y, inplace=True)
