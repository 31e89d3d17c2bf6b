"""What people's answers say: against SciPy, enumeration, closed forms and observers we planted."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from avatarlib import InputError
from avatarlib.evaluation import people
from avatarlib.evaluation.people import Answers, simulate


def told(rows, sources=("real", "generator")):
    """Answers from {person: [(picture, source, machine), ...]}."""
    flat = [(i, *row) for i, of in enumerate(rows.values()) for row in of]
    person, picture, source, machine = (np.array(column) for column in zip(*flat, strict=True))
    times = np.full(len(flat), 900.0)
    return Answers(person, picture, source, machine.astype(bool), times, sources, tuple(rows))


def counted(**wrong):
    """Answers of people of whom we say (missed of 20, false alarms of 10)."""
    return told(
        {
            name: [(i, 1, i >= missed) for i in range(20)]
            + [(20 + i, 0, i < alarms) for i in range(10)]
            for name, (missed, alarms) in wrong.items()
        }
    )


CLASS = counted(ann=(5, 1), bob=(12, 4), cem=(20, 0), dora=(0, 0), eve=(9, 10))


# ------------------------------------------------------------------------------- one person


@pytest.mark.parametrize("hits, n", [(0, 1), (0, 30), (7, 30), (15, 30), (30, 30), (1, 1)])
def test_wilson_is_scipys(hits, n):
    other = stats.binomtest(hits, n).proportion_ci(method="wilson")
    assert np.allclose(people.wilson(hits, n), (other.low, other.high), atol=1e-12)


def test_each_person_by_hand():
    found = people.per_person(CLASS)
    assert found.names == ("ann", "bob", "cem", "dora", "eve")
    assert found.n.tolist() == [30] * 5
    assert np.allclose(found.missed, [0.25, 0.6, 1, 0, 0.45])
    assert np.allclose(found.false_alarm, [0.1, 0.4, 0, 0, 1])
    assert np.allclose(found.error, [0.175, 0.5, 0.5, 0, 0.725])  # not the share of wrong answers
    hit, false = np.array([15.5, 8.5]) / 21, np.array([1.5, 4.5]) / 11
    z = stats.norm.ppf
    assert np.allclose(found.sensitivity[:2], z(hit) - z(false))
    assert np.allclose(found.criterion[:2], -(z(hit) + z(false)) / 2)


def test_who_says_real_to_everything_is_blind_and_leans_towards_real():
    found = people.per_person(counted(cem=(20, 0), nay=(0, 10)))
    assert np.allclose(found.error, 0.5)
    assert found.criterion[0] > 1 and found.criterion[1] < -1
    assert np.abs(found.sensitivity).max() < 0.4  # 0, but for 20 pictures of a kind and 10
    assert np.isfinite([*found.sensitivity, *found.criterion, *found.low, *found.high]).all()


def test_a_persons_interval_joins_both_kinds_of_error():
    found = people.per_person(CLASS)
    low, high = people.wilson(5, 20), people.wilson(1, 10)
    down = np.hypot(0.25 - low[0], 0.1 - high[0]) / 2
    up = np.hypot(low[1] - 0.25, high[1] - 0.1) / 2
    assert np.isclose(found.low[0], 0.175 - down) and np.isclose(found.high[0], 0.175 + up)
    assert found.low[3] == 0 < found.high[3] < 0.2  # dora made no mistake, among 30


def test_sensitivity_of_observers_who_have_one():
    """The log-linear rule pulls a little towards 0; the rest is exact to 1 in 10,000 looks."""
    answers = simulate(1.3, people=3, trials=200_000, criterion=0.4, between=0, lean=0, seed=4)
    found = people.per_person(answers)
    assert np.allclose(found.sensitivity, 1.3, atol=0.03)
    assert np.allclose(found.criterion, 0.4, atol=0.015)


def test_two_at_once_are_easier():
    rng = np.random.default_rng(0)
    machine, real = rng.normal(0.9, 1, 100_000), rng.normal(0, 1, 100_000)
    assert np.isclose(people.dprime_of_pairs((machine > real).sum(), 100_000), 0.9, atol=0.02)
    assert np.isclose(people.dprime_of_pairs(10, 20), 0)
    assert np.isfinite(people.dprime_of_pairs([0, 20], 20)).all()


# ---------------------------------------------------------------------------------- a model


def test_the_error_rate_is_a_mean_of_people_and_its_interval_scipys():
    errors = people.per_person(CLASS).error
    found = people.error_rate(CLASS)
    other = stats.ttest_1samp(errors, 0).confidence_interval(0.95)
    assert np.isclose(found.value, errors.mean()) and found.baseline == 0.5
    assert np.allclose((found.low, found.high), other)
    assert np.isclose(found.error, errors.std(ddof=1) / np.sqrt(5))
    assert (found.real, found.generated) == (10, 20)
    d = people.sensitivity(CLASS)
    other = stats.ttest_1samp(people.per_person(CLASS).sensitivity, 0).confidence_interval(0.95)
    assert np.allclose((d.low, d.high), other) and d.baseline == 0


def test_the_bootstrap_is_scipys():
    answers = simulate(1.0, people=40, seed=2)
    errors = people.per_person(answers).error
    other = stats.bootstrap((errors,), np.mean, n_resamples=20_000, method="percentile", rng=0)
    found = people.error_rate(answers, bootstrap=20_000)
    assert np.allclose((found.low, found.high), other.confidence_interval, atol=2e-3)
    assert people.error_rate(answers, bootstrap=500) == people.error_rate(answers, bootstrap=500)


def test_one_model_among_several():
    answers = simulate({"clear": 3.0, "good": 0.3}, people=20, seed=1)
    alone = answers.source != 2
    columns = {c: getattr(answers, c)[alone] for c in ("person", "picture", "source", "machine")}
    cut = replace(answers, **columns, milliseconds=answers.milliseconds[alone])
    assert people.error_rate(answers, "clear").value == people.error_rate(cut).value
    assert people.error_rate(answers, "clear").generated == 15
    assert people.error_rate(answers).generated == 30
    assert people.error_rate(answers, "clear").value < people.error_rate(answers, "good").value


def test_intervals_over_people_cover_and_that_over_answers_does_not():
    """300 studies: a true 95 % would leave 92 to 98 % once in a hundred seeds."""
    studies = 300
    truth = people.true_error(1.05, 0, 0.4, 0.2)
    covered = np.zeros(3)
    for study in range(studies):
        answers = simulate(1.05, people=25, trials=200, seed=3, study=study)
        over_people = people.error_rate(answers)
        two_way = people.over_people_and_pictures(answers, draws=300)
        ends = [(over_people.low, over_people.high), (two_way.low, two_way.high)]
        ends.append(people.wilson(answers.wrong.sum(), len(answers)))
        covered += [low <= truth <= high for low, high in ends]
    person, both, naive = covered / studies
    assert 0.92 < person < 0.98 and 0.92 < both < 0.99
    assert naive < 0.75


def test_peculiar_pictures_need_the_second_way():
    """As above; with pictures that differ, the interval over people misses those not shown."""
    truth = people.true_error(1.05, 0, 0.4, 0.2, 0.5)
    covered = np.zeros(2)
    for study in range(200):
        answers = simulate(1.05, pictures=0.5, seed=5, study=study)
        found = people.error_rate(answers), people.over_people_and_pictures(answers, draws=300)
        covered += [one.low <= truth <= one.high for one in found]
    assert covered[0] / 200 < 0.88 and 0.91 < covered[1] / 200 < 0.99


def test_two_way_by_its_closed_form():
    """Two-way clustering (Cameron, Gelbach and Miller 2011): people + pictures - answers."""
    answers = simulate(1.0, people=30, trials=40, pictures=0.6, seed=6)
    wrong = answers.wrong.reshape(30, 40)
    effect = wrong - np.repeat([wrong[:, :20].mean(), wrong[:, 20:].mean()], 20)
    effect = effect / (30 * 40)
    squares = (effect.sum(1) ** 2).sum() + (effect.sum(0) ** 2).sum() - (effect**2).sum()
    found = people.over_people_and_pictures(answers, draws=20_000)
    assert np.isclose(found.error, np.sqrt(squares), rtol=0.03)
    assert np.isclose(found.value, people.error_rate(answers).value)
    assert np.isclose(found.high - found.value, stats.t.ppf(0.975, 29) * found.error)


# ------------------------------------------------------------------------------ comparisons


def two_models(missed):
    """Answers of people of whom we say (missed of a's 10, missed of b's 10)."""
    rows = {
        f"p{i}": [(j, 1, j >= a) for j in range(10)]
        + [(10 + j, 2, j >= b) for j in range(10)]
        + [(20 + j, 0, j < 3) for j in range(10)]
        for i, (a, b) in enumerate(missed)
    }
    return told(rows, ("real", "a", "b"))


MISSED = [(7, 3), (5, 5), (6, 4), (8, 5), (4, 5), (9, 6), (6, 3), (5, 3)]


def test_the_permutation_test_is_the_enumeration():
    differences = np.array([a - b for a, b in MISSED]) / 20
    signs = np.array(list(itertools.product([-1, 1], repeat=len(MISSED))))
    exact = (np.abs(signs @ differences) >= abs(differences.sum()) - 1e-12).mean()
    found = people.compare(two_models(MISSED), "a", "b", draws=100_000)
    assert abs(found.p - exact) < 4 * np.sqrt(exact / 100_000)  # one in 16,000 seeds
    assert np.isclose(found.value, differences.mean()) and found.value > 0
    ends = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert np.allclose((found.low, found.high), ends)
    back = people.compare(two_models(MISSED), "b", "a")
    assert np.isclose(back.value, -found.value) and abs(back.p - found.p) < 0.02


def test_a_p_value_is_never_zero_and_alike_is_one():
    assert people.compare(two_models([(9, 1)] * 20), "a", "b", draws=99).p == 0.01
    assert people.compare(two_models([(4, 4)] * 5), "a", "b").p == 1


def test_the_permutation_test_keeps_its_five_per_cent():
    """400 studies of two equal models: 5 % ± 3.3 points, three deviations."""
    p = [
        people.compare(
            simulate({"a": 1.0, "b": 1.0}, people=12, trials=40, seed=8, study=s), "a", "b", 499
        ).p
        for s in range(400)
    ]
    assert (np.array(p) <= 0.05).mean() < 0.083


def test_holm_by_hand():
    assert np.allclose(people.holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    assert np.allclose(people.holm([0.6, 0.5]), [1, 1])
    answers = simulate({"a": 2.5, "b": 1.0, "c": 0.9}, people=15, seed=1)
    found = people.compare_all(answers)
    raw = [people.compare(answers, *pair).p for pair in itertools.combinations("abc", 2)]
    assert np.allclose([one.p for one in found], people.holm(raw))
    assert [one.name[-1] for one in found] == ["b", "c", "c"]


@pytest.mark.parametrize("sensitivity", [0.0, 0.35, 1.0])
def test_equivalence_is_two_t_tests(sensitivity):
    answers = simulate(sensitivity, people=25, seed=9)
    errors = people.per_person(answers).error
    p = max(
        stats.ttest_1samp(errors, 0.5 - 0.06, alternative="greater").pvalue,
        stats.ttest_1samp(errors, 0.5 + 0.06, alternative="less").pvalue,
    )
    found = people.equivalence(answers, margin=0.06)
    assert np.isclose(found.p, p) and found.level == 0.9
    assert (found.p < 0.05) == (-0.06 < found.low and found.high < 0.06)
    ends = stats.ttest_1samp(errors - 0.5, 0).confidence_interval(0.9)
    assert np.allclose((found.low, found.high), ends)


def test_few_people_do_not_show_equivalence():
    three = simulate(0.4, people=3, trials=20, seed=1)
    found = people.error_rate(three)
    assert found.low < 0.5 < found.high  # "not significant"
    assert people.equivalence(three).p > 0.05
    assert people.equivalence(counted(cem=(20, 0), nay=(0, 10))).p < 1e-6  # all alike, at 0.5


def test_nothing_breaks_at_the_ends():
    for share in ((0, 0), (20, 10)):
        answers = counted(a=share, b=share)
        for found in (people.error_rate(answers), people.over_people_and_pictures(answers)):
            assert found.low == found.value == found.high == (share[0] > 0)
        assert people.equivalence(answers).p > 0.99
        assert np.isfinite(people.sensitivity(answers).value)


# --------------------------------------------------------------------------------- planning


def test_the_variance_of_a_person_is_that_of_simulated_ones():
    """σ of the true errors is taken from the observers' own numbers; the rest is arithmetic."""
    rng = np.random.default_rng(1)
    d, c = rng.normal(1.05, 0.4, 200_000), rng.normal(0, 0.2, 200_000)
    true = (stats.norm.cdf(c - d / 2) + stats.norm.cdf(-c - d / 2)) / 2
    assert np.isclose(true.mean(), people.true_error(1.05, 0, 0.4, 0.2), atol=1e-3)
    assert abs(true.std() - people.BETWEEN) < 0.005  # so the defaults are those of real people
    measured = people.per_person(simulate(1.05, people=20_000, seed=3)).error.var()
    planned = people.people_variance(true.mean(), 60, true.std())
    assert np.isclose(measured, planned, rtol=0.03)
    assert np.isclose(people.design_effect(0.3, 60, 0), 1)
    assert np.isclose(people.design_effect(0.3, 200), 5.78, atol=0.01)  # 1 + 199 · 0.071² / 0.21


def test_a_plan_for_a_width_is_kept_and_is_the_smallest():
    n = people.people_for_interval(0.04, error=0.3, trials=60)
    deviation = np.sqrt(people.people_variance(0.3, 60))
    half = [stats.t.ppf(0.975, m - 1) * deviation / np.sqrt(m) for m in (n - 1, n)]
    assert half[1] <= 0.04 < half[0]
    wide = [people.people_for_interval(0.05, trials=t) for t in (20, 60, 200, 10_000)]
    assert wide == sorted(wide, reverse=True) and wide[-1] > 8  # more answers are no more people


def test_a_plan_for_power_has_it():
    """1,000 studies of the size planned for 80 %: ± 4.5 points are three and a half deviations."""
    plan = {"difference": 0.08, "error": 0.3, "trials": 40, "between": 0.05}
    n = people.people_for_difference(**plan)
    rng = np.random.default_rng(2)
    own = rng.normal(0.08, 0.05, (1000, n))  # each person's true difference
    missed = [rng.binomial(10, np.clip(0.3 + side * own, 0, 1)) / 10 for side in (1, -1)]
    measured = (missed[0] - missed[1]) / 2
    power = (stats.ttest_1samp(measured, 0, axis=1).pvalue < 0.05).mean()
    assert abs(power - 0.8) < 0.045 + 0.02  # and one person more or less is two points
    fewer = (stats.ttest_1samp(measured[:, : n - 4], 0, axis=1).pvalue < 0.05).mean()
    assert fewer < 0.75
    assert people.people_for_difference(**plan, power=0.9) > n


# ---------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: people.error_rate(counted(ann=(5, 1))), "at least two people"),
        (lambda: people.compare(two_models(MISSED[:1]), "a", "b"), "at least two people"),
        (lambda: people.over_people_and_pictures(counted(ann=(5, 1))), "at least two people"),
        (lambda: people.error_rate(told({"ann": [(0, 1, 1)], "bob": [(0, 1, 0)]})), "no real"),
        (lambda: people.per_person(told({"a": [(0, 0, 1)], "zoe": [(0, 0, 0)]})), "no machine"),
        (lambda: people.error_rate(CLASS, "stylegan"), "'stylegan'"),
        (lambda: people.error_rate(CLASS, "real"), "'real'"),
        (lambda: people.equivalence(CLASS, margin=0), "margin"),
        (lambda: simulate({"a": 1, "b": 1}, trials=30), "multiple of 4"),
        (lambda: people.people_for_interval(0), "goal"),
        (lambda: people.people_for_interval(1e-6), "10,000"),
        (lambda: people.people_for_interval(0.05, error=0), "error rate"),
        (lambda: people.people_for_difference(0.1, error=0.3, between=0.5), "deviation"),
    ],
)
def test_bad_input_gets_a_sentence(call, words):
    with pytest.raises(InputError, match=words) as told_so:
        call()
    assert str(told_so.value).endswith(".")


def test_no_answers():
    columns = [getattr(CLASS, c)[:0] for c in ("person", "picture", "source", "machine")]
    with pytest.raises(InputError, match="no answers"):
        people.per_person(Answers(*columns, CLASS.milliseconds[:0], CLASS.sources, ()))


def test_somebody_who_saw_one_model_only():
    answers = told(
        {
            "ann": [(0, 0, 0), (1, 1, 1), (2, 2, 1)],
            "bob": [(0, 0, 0), (1, 1, 1), (1, 1, 0)],
        },
        ("real", "a", "b"),
    )
    with pytest.raises(InputError, match="bob judged no"):
        people.compare(answers, "a", "b")
