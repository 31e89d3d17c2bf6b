"""Neighbourhoods against the package prdc, against plain distances, by hand and by simulation."""

import numpy as np
import pytest
from prdc import compute_prdc
from scipy.spatial.distance import cdist

from avatarlib.core.errors import InputError
from avatarlib.metrics import duplicates, nearest, neighbours, prdc

NAMES = ("precision", "recall", "density", "coverage")
RNG = np.random.default_rng(0)


def values(real, generated, **k):
    return {name: result.value for name, result in prdc(real, generated, **k).items()}


def plain(real, generated, k=3, k_density=5):
    """The definitions, word for word, with a matrix of all distances."""

    def radii(points, k):
        return np.sort(cdist(points, points, "sqeuclidean"), axis=1)[:, k]  # column 0 is itself

    between = cdist(generated, real, "sqeuclidean")
    hits = between <= radii(real, k_density)
    return {
        "precision": (between <= radii(real, k)).any(axis=1).mean(),
        "recall": (between <= radii(generated, k)[:, None]).any(axis=0).mean(),
        "density": hits.mean() * len(real) / k_density,
        "coverage": hits.any(axis=0).mean(),
    }


@pytest.mark.parametrize("n, m, d", [(300, 200, 8), (150, 260, 64), (120, 120, 2)])
@pytest.mark.parametrize("k", [1, 3, 5])
def test_without_ties_prdc_says_the_same(n, m, d, k, capsys):
    real, generated = RNG.normal(size=(n, d)), 0.8 * RNG.normal(size=(m, d)) + 0.1
    theirs = compute_prdc(real, generated, k)
    found = values(real, generated, k=k, k_density=k)
    for name in ("precision", "recall", "coverage"):
        assert found[name] == theirs[name]
    assert found["density"] == pytest.approx(theirs["density"], rel=1e-15 * n)


def test_a_tiny_example_by_hand():
    """Radii 1, 1, 0, 0, 4 (k = 1) and 3, 2, 2, 2, 4 (k = 2); generated ones 4, 1, 1, 1, 1."""
    real = np.array([[0.0], [1], [3], [3], [7]])
    generated = np.array([[-1.0], [3], [4], [11], [12]])
    found = prdc(real, generated, "a ruler", k=1, k_density=2)
    assert {name: result.value for name, result in found.items()} == {
        "precision": 4 / 5,  # -1 and 11 lie on a border, 12 outside; 3 in balls of radius 0
        "recall": 4 / 5,  # all but 7
        "density": 11 / (2 * 5),  # 2 + 5 + 3 + 1 + 0 balls
        "coverage": 1,
    }
    baselines = [found[name].baseline for name in NAMES]
    # 7 lies in no other one's ball; (4 · 3) / (9 · 8) of the balls would be empty.
    assert baselines == pytest.approx([4 / 5, 4 / 5, 1, 1 - 12 / 72])
    for name, result in found.items():
        assert (result.name, result.features, result.real, result.generated) == (
            (name, "a ruler", 5, 5)
        )
        assert np.isnan([result.error, result.low, result.high]).all()  # too few for five parts


def test_copies_lie_on_borders_exactly():
    """Each generated picture is a real one, so hundreds of distances equal a radius."""
    real = np.abs(RNG.normal(size=(200, 64))) + 30
    generated = np.repeat(real[:60], 2, axis=0)
    assert values(real, generated) == pytest.approx(plain(real, generated), rel=1e-14)
    assert values(generated, real) == pytest.approx(plain(generated, real), rel=1e-14)


def test_coarse_numbers_far_from_zero():
    """Whole numbers have ties everywhere, and |x|² + |y|² - 2xy has no digit left at 2^30."""
    real, generated = RNG.integers(0, 4, (250, 5)), RNG.integers(1, 5, (150, 5))
    expected = plain(real, generated)
    assert values(real, generated) == pytest.approx(expected, rel=1e-14)
    assert values(real + 2.0**30, generated + 2.0**30) == pytest.approx(expected, rel=1e-14)
    far = np.vstack([real, np.full((1, 5), 10**8)])
    assert values(far, generated) == pytest.approx(plain(far, generated), rel=1e-14)


def test_the_size_of_blocks_does_not_matter(monkeypatch):
    real, generated = RNG.normal(size=(230, 6)), RNG.normal(size=(170, 6))
    whole = prdc(real, generated)
    monkeypatch.setattr(neighbours, "BLOCK", 1000)
    assert prdc(real, generated) == whole


def test_real_and_generated_are_told_apart():
    """A narrow generator is precise and repeats itself; a wide one the other way round."""
    wide, narrow = RNG.normal(size=(300, 16)), 0.6 * RNG.normal(size=(200, 16))
    found, swapped = values(wide, narrow), values(narrow, wide)
    assert found["precision"] > 0.95 > 0.3 > found["recall"] and found["density"] > 1.5
    assert swapped["precision"] == found["recall"] and swapped["recall"] == found["precision"]


def test_baselines_are_the_means_of_two_samples_of_one_thing():
    """300 pairs: each mean within five of its standard errors, once in a million runs not."""
    n, m = 150, 25
    pairs = [prdc(*(RNG.normal(size=(k, 6)) for k in (n, m))) for _ in range(300)]
    for name in NAMES:
        gap = np.array([pair[name].value - pair[name].baseline for pair in pairs])
        # The precision's balls in the baseline are n - 1; the others are exact.
        assert abs(gap.mean()) < 5 * gap.std() / np.sqrt(300) + 1e-3 * (name == "precision")
    # As many balls as there are generated ones: each of 26 real ones, against the other 25.
    baselines = np.array([pair["recall"].baseline for pair in pairs])
    np.testing.assert_allclose(26 * baselines, np.round(26 * baselines), atol=1e-9)


@pytest.mark.parametrize("d, scale", [(2, 1), (6, 0.8), (40, 0.9)])
def test_intervals_hold_the_mean_score(d, scale):
    """200 pairs. Where an interval holds 0.93, fewer than 0.86 happen once in ten thousand runs."""
    pairs = [
        prdc(RNG.normal(size=(200, d)), scale * RNG.normal(size=(160, d)) + 0.1) for _ in range(200)
    ]
    for name in NAMES:
        found = [pair[name] for pair in pairs]
        mean = np.mean([one.value for one in found])
        assert np.mean([one.low <= mean <= one.high for one in found]) > 0.86, name
        spread = np.std([one.value for one in found])
        assert 0.75 < np.mean([one.error for one in found]) / spread < 2.3, name
        assert all(one.low >= 0 for one in found)
        assert name == "density" or all(one.high <= 1 for one in found)


def test_a_collapsed_generator_has_a_score():
    real = RNG.normal(size=(120, 5))
    found = prdc(real, np.repeat(real[:1], 100, axis=0))
    precision, recall = found["precision"], found["recall"]
    assert precision.value == 1 and recall.value == 1 / 120
    assert precision.error == 0 and 0.8 < precision.low < 1 == pytest.approx(precision.high)
    assert 0 < found["coverage"].value < 0.2


def test_copies_make_recall_fall_whatever_the_variety():
    """A tenth of the variety is seen by coverage; recall sees only whether it is filled up."""
    few = RNG.normal(size=(60, 8))
    real = RNG.normal(size=(600, 8))
    once, ten_times = values(real, few), values(real, np.repeat(few, 10, axis=0))
    assert once["recall"] > 0.7 and ten_times["recall"] == 0
    assert once["coverage"] == ten_times["coverage"] < 0.6


def test_perfect_shares_whose_parts_are_not():
    """All 100 are inside, but not in each fifth of the set."""
    real = np.arange(100.0)[:, None]
    precision = prdc(real, real + RNG.uniform(-1, 1, (100, 1)))["precision"]
    assert precision.value == 1 and precision.low < 1 == pytest.approx(precision.high)


def test_the_nearest_reference():
    queries, references = RNG.normal(size=(50, 12)), RNG.normal(size=(80, 12))
    index, distance = nearest(queries, references)
    all_of_them = cdist(queries, references)
    assert (index == all_of_them.argmin(axis=1)).all()
    np.testing.assert_allclose(distance, all_of_them.min(axis=1), rtol=1e-14)
    index, distance = nearest(references, references, exclude_self=True)
    all_of_them = cdist(references, references)
    np.fill_diagonal(all_of_them, np.inf)
    assert (index == all_of_them.argmin(axis=1)).all() and (distance > 0).all()


def test_a_copy_is_at_distance_zero_and_a_near_copy_is_not():
    """At 10^6 from the origin, products lose what differences keep."""
    references = RNG.normal(size=(300, 100)) + 1e6
    references[200] = references[7]
    queries = references[[7, 200, 30]]
    queries[2, 5] += 2e-9
    index, distance = nearest(queries, references)
    assert index.tolist() == [7, 7, 30] and distance[:2].tolist() == [0, 0]
    assert distance[2] == abs(queries[2, 5] - references[30, 5]) > 0
    index, distance = nearest(references, references, exclude_self=True)
    assert (index[[7, 200]] == [200, 7]).all() and (distance == 0).sum() == 2


def test_duplicates_are_counted():
    features = RNG.normal(size=(10, 4))
    assert duplicates(features) == 0
    features[3] = features[5] = features[0]
    features[8] = features[9]
    assert duplicates(features) == 0.5
    assert duplicates(np.array([[0.0, 1.0], [-0.0, 1.0]])) == 1
    assert duplicates(np.ones((1, 3))) == 0


@pytest.mark.parametrize(
    "real, generated, k, sentence",
    [
        (np.eye(9), np.eye(5, 9), 3, "generated features have 5 rows,.* at least 6"),
        (np.eye(5), np.eye(9, 5), 3, "real features have 5 rows,.* at least 6"),
        (np.eye(9), np.eye(9), 9, "at least 10"),
        (np.eye(9), np.eye(9), 0, "k counts neighbours, so it is at least 1, not 0"),
        (np.eye(9), np.eye(9, 8), 3, "of 9 and of 8 numbers"),
        (np.eye(9), np.full((9, 9), np.nan), 3, "generated features are not numbers"),
        (np.ones((9, 9)), np.eye(9), 3, "All real features are the same"),
    ],
)
def test_bad_features_are_a_sentence(real, generated, k, sentence):
    with pytest.raises(InputError, match=sentence):
        prdc(real, generated, k=k)


def test_bad_queries_are_a_sentence():
    with pytest.raises(InputError, match="of 3 and of 4 numbers"):
        nearest(np.eye(3), np.eye(4))
    with pytest.raises(InputError, match="queries' features are not numbers"):
        nearest(np.full((2, 2), np.inf), np.eye(2))
    with pytest.raises(InputError, match="its own set only"):
        nearest(np.eye(3), 2 * np.eye(3), exclude_self=True)
    with pytest.raises(InputError, match="at least 2"):
        nearest(np.ones((1, 3)), np.ones((1, 3)), exclude_self=True)
    with pytest.raises(InputError, match="pictures' features have 0 rows"):
        duplicates(np.empty((0, 3)))
