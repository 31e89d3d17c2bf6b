"""EfficientNet-Lite0: a network that knows a thousand kinds of photographs, for a second look."""

import tensorflow as tf


class ImageNet:
    """EfficientNet-Lite0 (Tan and Le 2019, arXiv:1905.11946, without its Swish and its gates).

    Args:
        weights: name -> float32 array, kernels (height, width, in, out), batch norms folded in.
        blocks: lists of convolutions, each [name, stride]; `evaluation.extractors` makes them.
    """

    def __init__(self, weights, blocks):
        self.blocks = blocks
        self.weights = {name: tf.constant(array) for name, array in weights.items()}

    def __call__(self, pictures):
        """Look at pictures.

        Args:
            pictures: float32 (n, 224, 224, 3), about -1 to 1.

        Returns:
            (features float32 (n, 1280), logits float32 (n, 1000)).
        """
        x = tf.constant(pictures)
        for block in self.blocks:
            y = x
            for name, stride in block:
                y = self._convolution(y, name, stride)
            x = x + y if x.shape == y.shape else y
        features = tf.reduce_mean(x, axis=(1, 2))
        logits = features @ self.weights["classes/kernel"] + self.weights["classes/bias"]
        return features.numpy(), logits.numpy()

    def _convolution(self, x, name, stride):
        """A convolution with padding "same"; "deep": a channel at a time; "narrow": no ReLU6."""
        kernel, deep = self.weights[f"{name}/kernel"], name.endswith("deep")
        convolve = tf.nn.depthwise_conv2d if deep else tf.nn.conv2d
        y = convolve(x, kernel, [1, stride, stride, 1], "SAME") + self.weights[f"{name}/bias"]
        return y if name.endswith("narrow") else tf.nn.relu6(y)
