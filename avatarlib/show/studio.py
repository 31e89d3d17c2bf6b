"""A generator that draws inside a web page: no kernel, no network, no framework."""

import base64
import html
import re

import numpy as np

from avatarlib.core.errors import InputError
from avatarlib.data.conditions import shares_of_each
from avatarlib.show.html import as_json, credit, data_uri, fill

# What studio.js has a function for, in its order, and the settings that it reads.
LAYERS = (
    *("Dense", "Conv", "ConvTranspose", "BatchNorm", "LeakyReLU", "Tanh"),
    *("Reshape", "Flatten", "Embed", "ToRGB", "SkipOutput"),
)
SETTINGS = ("stride", "slope", "channels")
STEPS = 2047  # kernels have 12 bits: whole numbers from -2047 to 2047
OTHERS = 8  # small pictures beside the large one


class Studio:
    """A generator with controls, which works in a page without a kernel.

    The reader asks for attributes or, where the network knows none, for a face nearer the average;
    for another face; and saves the picture. (Latents do little in a network that draws by
    attributes: without them, big-smile-32-on-demand is 0.8 of 255 levels away, on average.)
    The page computes what the twins compute: at most 3 of 255 levels away, 0.03 on average
    (`_kernel` says why).

    Args:
        spec: a `Spec` that draws pictures.
        weights: "layer/name" -> array, as the twins' `get_weights(generator)` gives them.
        still: a Pillow image, such as a `sheet` of drawings, for readers without JavaScript.
        alt: what is drawn, for those who cannot see it.
        words: what to call attributes and values: {"#3a1a00": "dark brown", "hair_colour":
            "colour of hair"}; a value that two attributes share: {("hair_colour", "#e2ba87"):
            "blond"}. Others are called what they are called in the spec, in plain words.
        credit: whose style it is; stands below and in every picture that is saved.
        shares: how often each value of the conditions is drawn when nothing is asked, from 0 to 1,
            in the condition vector's order, as a network's file gives them; else equally often.

    Raises:
        InputError: the spec draws no pictures or has a layer that studio.js cannot run, or the
            weights are not its generator's, or the shares not those of its conditions.
    """

    def __init__(self, spec, weights, still, alt, words=None, credit=None, shares=None):
        self.spec, self.still, self.alt, self.words = spec, still, alt, words or {}
        self.credit = credit
        _check(spec, weights)
        of_each = shares_of_each(shares, spec.conditions)
        self.network = _network(spec, weights) | {
            "attributes": [
                {
                    "label": self._word(name),
                    "values": [self._word(name, value) for value in values],
                    "shares": share.tolist(),
                }
                for (name, values), share in zip(spec.conditions, of_each, strict=True)
            ],
            "credit": credit,
        }

    def _word(self, name, value=None):
        text = name if value is None else value
        plain = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).replace("_", " ").lower()
        return self.words.get((name, value), self.words.get(text, plain))

    def _repr_html_(self):
        swatches, selects = [], []
        for i, (name, values) in enumerate(self.spec.conditions):
            words = [html.escape(self._word(name, value)) for value in values]
            colours = all(re.fullmatch(r"#[0-9a-fA-F]{6}", value) for value in values)
            attribute = _swatches if colours else _select
            group = swatches if colours else selects
            group.append(attribute(i, html.escape(self._word(name)), values, words))
        return fill(
            __package__,
            "studio",
            alt=html.escape(self.alt),
            still=data_uri(self.still),
            network=as_json(self.network),
            others='<button type="button"><canvas></canvas></button>' * OTHERS,
            swatches="".join(swatches),
            selects=f'<div class="studio-selects">{"".join(selects)}</div>' if selects else "",
            slider="" if self.spec.conditions else _SLIDER,
            credit=credit("studio", self.credit),
        )


def _check(spec, weights):
    if len(spec.shape) != 3:
        raise InputError(f"The network {spec.name!r} draws points, not pictures.")
    for kind in (type(layer).__name__ for layer in spec.generator):
        if kind not in LAYERS:
            known = ", ".join(LAYERS)
            raise InputError(f"A page cannot run the layer {kind}; it can run {known}.")
    expected = spec.weights("generator")
    found = {name: array.shape for name, array in weights.items()}
    if found != expected:
        odd = ", ".join(sorted({name for name, _ in found.items() ^ expected.items()}))
        raise InputError(f"These are not the weights of this spec's generator; see {odd}.")
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise InputError(f"The weights {name} hold something that is not a number.")


# ------------------------------------------------------------------------ the network, as two texts


def _network(spec, weights):
    """What studio.js reads: layers as plain data, and their weights as base64 of bytes."""
    layers, floats, kernels = [], [], []
    for layer, before in spec.layers_with_shapes("generator"):
        kind, own = type(layer).__name__, {}
        for name in layer.weights(before, spec.condition_size):
            own[name] = weights[f"{layer.name}/{name}"]
        if kind == "BatchNorm":
            own = dict(zip(("scale", "shift"), _fold(own, layer.epsilon), strict=True))
        elif kind == "ConvTranspose":
            own["kernel"] = own["kernel"].swapaxes(2, 3)  # the output's channel last, as elsewhere
        plan = {"kind": kind, "before": before, "after": layer.after(before)}
        plan |= {name: getattr(layer, name) for name in SETTINGS if hasattr(layer, name)}
        plan |= {"size": layer.kernel} if kind.startswith("Conv") else {}
        layers.append(plan | {"arrays": [(name, array.shape) for name, array in own.items()]})
        for array in own.values():
            if array.ndim > 1:
                scale, packed = _kernel(array)
                kernels.append(packed)
                array = scale
            floats.append(array.astype("<f4").tobytes())
    texts = {"floats": _base64(floats), "kernels": _base64(kernels)}
    return {"shape": spec.shape, "latent": spec.latent, "layers": layers} | texts


def _fold(own, epsilon):
    """Batch normalisation in evaluation, γ (h - mean) / √(variance + ε) + β, as scale h + shift."""
    scale = own["gamma"] / np.sqrt(own["variance"].astype(np.float64) + epsilon)
    return scale, own["beta"] - scale * own["mean"]


def _kernel(array):
    """A kernel in 12 bits a weight: a scale for each output channel, and bytes.

    Measured on 256 drawings, in levels of 255, worst pixel and mean, for big-smile-32,
    big-smile-32-on-demand, grey-28 and random weights: 8 bits 31.8, 9.1, 10.9, 5.7 and 0.23 to
    0.52; 12 bits 3.1, 0.5, 0.5, 0.3 and 0.01 to 0.03; float16 below 0.2, but above a megabyte.

    Args:
        array: (..., channels).

    Returns:
        (scale float64 (channels,), bytes: two weights in three).
    """
    most = np.abs(array.reshape(-1, array.shape[-1]).astype(np.float64)).max(axis=0)
    scale = np.where(most > 0, most, 1) / STEPS
    whole = (np.rint(array / scale) + STEPS).astype(np.uint16).ravel()
    a, b = np.pad(whole, (0, whole.size % 2)).reshape(-1, 2).T
    packed = np.stack([a & 255, a >> 8 | (b & 15) << 4, b >> 4], axis=1)
    return scale, packed.astype(np.uint8).tobytes()


def _base64(parts):
    return base64.b64encode(b"".join(parts)).decode()


# ------------------------------------------------------------------------------------ the controls


def _select(i, label, values, words):
    options = "".join(f'<option value="{k}">{word}</option>' for k, word in enumerate(words))
    start = f'<select name="attribute-{i}" aria-label="{label}"><option value="">any</option>'
    return f"<label>{label} {start}{options}</select></label>"


_SLIDER = """\
<label>How far from the average face: <span class="studio-far">100 %</span>
  <input type="range" name="far" aria-label="How far from the average face"
    min="0" max="1.2" step="0.05" value="1"></label>"""


def _swatches(i, label, values, words):
    """Radio buttons that look like their colour."""
    radio = f'<label class="studio-swatch"><input type="radio" name="attribute-{i}"'
    buttons = f'{radio} value="" checked><span>any</span></label>' + "".join(
        f'{radio} value="{k}" aria-label="{word}" title="{word}">'
        f'<span style="background: {colour}"></span></label>'
        for k, (colour, word) in enumerate(zip(values, words, strict=True))
    )
    legend = f"<legend>{label}</legend>"
    return f'<fieldset>{legend}<div class="studio-swatches">{buttons}</div></fieldset>'
