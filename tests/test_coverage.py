"""Which attribute values are drawn, and how often: planted truths, by hand and by simulation."""

import numpy as np
import pytest

from avatarlib.core.errors import InputError
from avatarlib.metrics import attribute_coverage, total_variation

RNG = np.random.default_rng(0)
SURE = np.eye(4)
# A classifier that errs more at some values than at others.
ERRS = np.array([[0.8, 0.1, 0.1, 0], [0.2, 0.7, 0, 0.1], [0, 0.1, 0.9, 0], [0, 0, 0.1, 0.9]])
DATA = np.array([0.4, 0.3, 0.2, 0.1])


def codes(shares, n, errors=SURE):
    """n pictures with such shares, as the classifier sees them."""
    true = RNG.choice(len(shares), n, p=shares)
    return (RNG.random(n)[:, None] > errors.cumsum(axis=1)[true, :-1]).sum(axis=1)


def test_by_hand():
    """Shares 2/4, 2/4, 0, 0 against 5/10, 1/10, 4/10, 0: ½ (0 + 0.4 + 0.4); two of three drawn."""
    generated, real = np.array([0, 1, 0, 1]), np.repeat([0, 1, 2], [5, 1, 4])
    found = total_variation(generated, real, SURE, "eyes", "a classifier")
    assert found.value == pytest.approx(0.4)
    assert (found.name, found.features) == ("total variation of eyes", "a classifier")
    assert (found.real, found.generated) == (10, 4)
    found = attribute_coverage(generated, real, SURE, "eyes", "a classifier")
    assert found.value == pytest.approx(2 / 3) and found.name == "attribute coverage of eyes"
    assert (found.real, found.generated, found.features) == (10, 4, "a classifier")
    assert total_variation(generated, real, SURE).name == "total variation"


@pytest.mark.parametrize("drawn, kept", [(9, 3 / 4), (10, 1), (0, 3 / 4)])
def test_a_tenth_as_often_counts_as_drawn(drawn, kept):
    real = np.repeat(range(4), 100)
    generated = np.repeat(range(4), [drawn, 90, 100, 210 - drawn])
    assert attribute_coverage(generated, real, SURE).value == kept


def test_a_value_that_the_data_do_not_have_is_a_difference_but_covers_nothing():
    generated, real = np.repeat([0, 3], 50), np.repeat([0, 1], 50)
    assert total_variation(generated, real, SURE).value == pytest.approx(0.5)
    assert attribute_coverage(generated, real, SURE).value == 0.5


def test_the_judges_errors_are_corrected():
    """40,000 pictures: four standard errors: 0.02. The classifier sees what is never drawn."""
    planted = np.array([0.4, 0.3, 0.3, 0])
    generated, real = codes(planted, 40_000, ERRS), codes(DATA, 40_000)
    assert total_variation(generated, real, ERRS).value == pytest.approx(0.1, abs=0.02)
    assert attribute_coverage(generated, real, ERRS).value == 3 / 4
    assert attribute_coverage(generated, real, SURE).value == 1
    generated = codes(DATA, 40_000, ERRS)
    assert total_variation(generated, real, ERRS).value < 0.02
    assert total_variation(generated, real, SURE).value > 0.03


@pytest.mark.parametrize("errors", [SURE, ERRS])
def test_the_baseline_of_perfect_generators(errors):
    """The mean of 150 of them, within five standard errors."""
    found = [total_variation(codes(DATA, 300, errors), codes(DATA, 500), errors) for _ in range(60)]
    means = [one.value for one in found]
    expected = np.mean([one.baseline for one in found])
    assert abs(np.mean(means) - expected) < 5 * np.std(means) / np.sqrt(len(means))
    if errors is SURE:  # normal theory: Σ √(p (1 - p) (1/n + 1/m) / 2π)
        theory = np.sqrt(DATA * (1 - DATA) * (1 / 300 + 1 / 500) / (2 * np.pi)).sum()
        assert expected == pytest.approx(theory, rel=0.03)


def test_the_baseline_of_coverage_knows_how_many_pictures_there_are():
    """The rarest value has 1 %. Of thirty pictures, 0.74 times none shows it, drawn well or not;
    of 12,000, none shows it only if it is drawn less than a tenth as often.
    """
    real = np.repeat(range(4), [500, 300, 190, 10])
    found = attribute_coverage(np.repeat(range(3), 10), real, SURE)
    assert found.baseline == pytest.approx(1 - 0.99**30 / 4, abs=0.01)
    assert (found.low, found.value, found.high) == (3 / 4, 3 / 4, 1)
    found = attribute_coverage(np.repeat(range(3), 4000), real, SURE)
    assert (found.low, found.value, found.high) == (3 / 4, 3 / 4, 3 / 4)
    found = attribute_coverage(np.repeat(range(4), [400, 300, 200, 1]), real, SURE)
    assert (found.low, found.value, found.high) == (3 / 4, 1, 1)


@pytest.mark.parametrize(
    "data, planted, errors",
    [
        (DATA, [0.45, 0.25, 0.25, 0.05], ERRS),
        (DATA, [0.7, 0.3, 0, 0], ERRS),
        (np.full(8, 1 / 8), np.full(8, 1 / 8), 0.9 * np.eye(8) + 0.0125),
    ],
)
def test_intervals_hold_the_truth(data, planted, errors):
    """80 pairs. Where an interval holds 0.93, fewer than 0.82 happen once in a thousand runs."""
    truth, sure = abs(planted - data).sum() / 2, np.eye(len(data))
    held = []
    for _ in range(80):
        found = total_variation(codes(planted, 400, errors), codes(data, 600, sure), errors)
        held.append(found.low <= truth <= found.high)
        assert 0 <= found.low <= found.value <= found.high <= 1
        assert found.high - found.low < 0.25
    assert np.mean(held) >= 0.82


@pytest.mark.parametrize("score", [total_variation, attribute_coverage])
@pytest.mark.parametrize(
    "seen, real, sentence",
    [
        (np.array([0, 4]), np.array([0, 1]), "numbered from 0 to 3"),
        (np.array([0, 1]), np.array([-1, 1]), "numbered from 0 to 3"),
        (np.array([0.0, 1.0]), np.array([0, 1]), "whole numbers"),
        (np.array([0, 1]), np.array([], dtype=int), "n at least 1"),
        (np.zeros((2, 2), dtype=int), np.array([0, 1]), "whole numbers"),
    ],
)
def test_bad_codes_are_a_sentence(score, seen, real, sentence):
    with pytest.raises(InputError, match=sentence):
        score(seen, real, SURE)
