"""A generator packed into a page: its weights, its labels, its refusals."""

import base64
import html
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from avatarlib import InputError
from avatarlib.show import Studio
from avatarlib.show.html import read
from avatarlib.show.studio import LAYERS, _fold, _kernel
from avatarlib.training import presets
from avatarlib.training.initial import initial_weights
from avatarlib.training.layers import Dropout

CONDITIONS = (("hairStyle", ("bangs", "mo<hawk")), ("hair_colour", ("#220f00", "#e9b729")))
SMALL = presets.small(32, 3, conditions=CONDITIONS)
STILL = Image.new("RGB", (4, 4), (10, 20, 30))


def studio(spec=SMALL, alt="faces", weights=None, **settings):
    return Studio(spec, weights or initial_weights(spec, "generator", 0), STILL, alt, **settings)


def tags(page, name):
    return re.findall(f"<{name}[^>]*>", page)


def network(page):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', page)[1])


# ---------------------------------------------------------------------------------------- weights


def test_folded_normalisation_is_the_formula():
    rng = np.random.default_rng(0)
    h = rng.normal(size=(5, 6, 7))
    own = {name: rng.normal(size=7).astype(np.float32) for name in ("gamma", "beta", "mean")}
    own["variance"] = rng.uniform(1e-4, 2, 7).astype(np.float32)
    exact = {name: array.astype(np.float64) for name, array in own.items()}
    normal = (h - exact["mean"]) / np.sqrt(exact["variance"] + 1e-3)
    scale, shift = _fold(own, 1e-3)
    expected = normal * exact["gamma"] + exact["beta"]
    np.testing.assert_allclose(h * scale + shift, expected, rtol=1e-12, atol=1e-12)


def unpacked(scale, packed, shape):
    a, b, c = np.frombuffer(packed, np.uint8).reshape(-1, 3).T.astype(int)
    pairs = np.stack([a + (b % 16) * 256, b // 16 + c * 16], axis=1) - 2047
    return pairs.ravel()[: np.prod(shape)].reshape(shape) * scale


@pytest.mark.parametrize("shape", [(3, 3, 5, 4), (1, 1, 3, 3)], ids=["even", "odd"])
def test_a_kernel_in_12_bits_is_near_the_kernel(shape):
    array = np.random.default_rng(0).normal(size=shape) * 10.0 ** np.arange(shape[-1])
    array[..., 1] = 0  # a channel that does nothing must not divide by nothing
    scale, packed = _kernel(array)
    assert len(packed) == -(-array.size // 2) * 3
    difference = np.abs(unpacked(scale, packed, shape) - array)
    assert (difference <= scale * 0.501).all()
    assert (scale[[0, 2]] <= np.abs(array).max(axis=(0, 1, 2))[[0, 2]] / 2047 * 1.001).all()


def test_every_weight_travels_once():
    found = network(studio()._repr_html_())
    sizes = [np.prod(shape) for layer in found["layers"] for _, shape in layer["arrays"]]
    kernels = [s for layer in found["layers"] for _, s in layer["arrays"] if len(s) > 1]
    vectors = sum(s[0] for layer in found["layers"] for _, s in layer["arrays"] if len(s) == 1)
    scales = sum(shape[-1] for shape in kernels)
    assert len(base64.b64decode(found["floats"])) == 4 * (vectors + scales)
    packed = sum(-(-int(np.prod(shape)) // 2) * 3 for shape in kernels)
    assert len(base64.b64decode(found["kernels"])) == packed
    weights = initial_weights(SMALL, "generator", 0)
    averages = sum(a.size for name, a in weights.items() if name.endswith(("mean", "variance")))
    assert sum(sizes) == sum(a.size for a in weights.values()) - averages


def test_the_page_stays_below_a_megabyte():
    values = tuple(f"value {i}" for i in range(9))
    spec = presets.small(32, 3, conditions=tuple((f"attribute {i}", values) for i in range(6)))
    assert len(studio(spec)._repr_html_().encode()) < 1_000_000


# --------------------------------------------------------------------------------------- refusals


def test_a_layer_that_the_page_cannot_run_is_refused():
    first, *rest = SMALL.generator
    spec = replace(SMALL, generator=(first, Dropout(0.3), *rest))
    with pytest.raises(InputError, match="cannot run the layer Dropout; it can run Dense, Conv"):
        studio(spec)


def test_points_are_refused():
    with pytest.raises(InputError, match="'points' draws points, not pictures"):
        studio(presets.points())


@pytest.mark.parametrize("shares", [[0.5, 0.5, 1], [-0.1, 1.1, 0.5, 0.5], [0, 0, 0.5, 0.5]])
def test_shares_that_do_not_fit_are_refused(shares):
    with pytest.raises(InputError, match="Shares are 4 numbers from 0 to 1, one for each value"):
        studio(shares=shares)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda w: w.pop("norm1/beta"), "not the weights of this spec's generator; see norm1/beta"),
        (lambda w: w.update(more=np.zeros(3)), "see more"),
        (lambda w: w.update({"up1/kernel": np.zeros((4, 4, 128, 64))}), "see up1/kernel"),
        (lambda w: w["norm1/mean"].__setitem__(3, np.nan), "norm1/mean hold .* not a number"),
    ],
    ids=["missing", "unknown", "another shape", "not a number"],
)
def test_weights_that_do_not_fit_are_refused(change, sentence):
    weights = initial_weights(SMALL, "generator", 0)
    change(weights)
    with pytest.raises(InputError, match=sentence):
        studio(weights=weights)


# --------------------------------------------------------------------------------------- the page


def test_the_page_has_a_function_for_each_layer_that_is_let_in():
    table = re.search(
        r"^const layers = \{\n(.*?)^\};", read("avatarlib.show", "studio.js"), re.M | re.S
    )[1]
    assert tuple(re.findall(r"^  (\w+)[:(]", table, re.M)) == LAYERS


def test_studios_on_one_page_do_not_share_their_name():
    one = studio()
    names = [re.search(r'<figure class="studio" id="([^"]+)"', one._repr_html_())[1] for _ in "ab"]
    assert len(set(names)) == 2
    assert f'getElementById("{names[1]}")' not in one._repr_html_()


def test_colours_are_swatches_and_other_attributes_selects():
    page = studio()._repr_html_()
    assert tags(page, "select") == ['<select name="attribute-0" aria-label="hair style">']
    assert [tag for tag in tags(page, "input") if "radio" in tag] == [
        '<input type="radio" name="attribute-1" value="" checked>',
        *(
            f'<input type="radio" name="attribute-1" value="{k}" aria-label="{c}" title="{c}">'
            for k, c in enumerate(("#220f00", "#e9b729"))
        ),
    ]
    plain = studio(presets.small())._repr_html_()
    assert not tags(plain, "select") and "radio" not in "".join(tags(plain, "input"))


def test_attributes_and_values_are_called_what_the_writer_says():
    page = studio(words={"#e9b729": "gold", ("hair_colour", "#220f00"): "black", "bangs": "fringe"})
    assert network(page._repr_html_())["attributes"] == [
        {"label": "hair style", "values": ["fringe", "mo<hawk"], "shares": [0.5, 0.5]},
        {"label": "hair colour", "values": ["black", "gold"], "shares": [0.5, 0.5]},
    ]
    assert 'aria-label="gold"' in page._repr_html_()


def test_lots_follow_the_shares_of_the_file():
    drawn = network(studio(shares=[1, 3, 30, 10])._repr_html_())["attributes"]
    assert [attribute["shares"] for attribute in drawn] == [[0.25, 0.75], [0.75, 0.25]]


def test_what_the_writer_wrote_cannot_break_the_page():
    nasty = '"></script><script>alert()</script>'
    page = studio(alt=nasty, words={"bangs": nasty, "hair_colour": nasty})._repr_html_()
    assert len(tags(page, "script")) == page.count("</script>") == 2
    assert network(page)["attributes"][0]["values"][0] == nasty
    (still,) = tags(page, "img")
    assert html.unescape(re.search('alt="([^"]*)"', still)[1]) == nasty
