"""What people's answers allow one to say. The person is the unit, not the answer.

Two answers of one person resemble each other: some people see well, some say "real" to everything.
So 30 people with 60 answers each are no 1,800 independent looks, and every interval here is taken
over people. A rate of 0 or of 1 is a result like any other.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from avatarlib.core.errors import InputError
from avatarlib.core.randomness import generator
from avatarlib.metrics.result import Result, wilson_interval


@dataclass(frozen=True)
class People:
    """How each person did; every column float (p,), in the order of `names`.

    Attributes:
        names: of the people.
        n: answers.
        missed: share of generated pictures taken for real, 1 - H.
        false_alarm: F, share of real pictures called machine-made.
        error: (missed + false_alarm) / 2.
        low, high: a 95 % interval of it, for this person alone.
        sensitivity: d′.
        criterion: c, above 0 for a person who leans towards "real".
    """

    names: tuple[str, ...]
    n: np.ndarray
    missed: np.ndarray
    false_alarm: np.ndarray
    error: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sensitivity: np.ndarray
    criterion: np.ndarray


@dataclass(frozen=True)
class Finding:
    """A difference, its interval, and how surprising it is.

    Attributes:
        name: what was compared.
        value: the difference.
        low, high: its interval, of the `level` given.
        p: the test's p-value.
        people: how many people.
        level: of the interval, such as 0.95.
    """

    name: str
    value: float
    low: float
    high: float
    p: float
    people: int
    level: float = 0.95

    def __str__(self):
        return (
            f"{self.name}: {self.value:+.3f} ({self.level:.0%}: {self.low:+.3f} to "
            f"{self.high:+.3f}), p = {self.p:.2g}, {self.people} people"
        )


# ------------------------------------------------------------------------------- one person


def wilson(hits, n):
    """The 95 % interval of a proportion, for one person's answers (`wilson_interval`).

    Args:
        hits, n: counts, numbers or arrays, n at least 1. The answers must be independent of each
            other: one person's, or one of each person; never those of many people in one heap.

    Returns:
        (low, high), floats or arrays.
    """
    return wilson_interval(np.divide(hits, n), n)


def dprime(hits, machines, false_alarms, reals):
    """Sensitivity and criterion of signal detection (Macmillan and Creelman 2005, chapters 1, 2).

        d′ = z(H) - z(F),   c = -(z(H) + z(F)) / 2                    (`eq-human-dprime`)

    with z the quantile of the standard normal distribution. H and F are corrected so that 0 and 1
    stay finite: (x + ½) / (n + 1), the log-linear rule (Hautus 1995).

    Args:
        hits: how many generated pictures were called machine-made; of `machines`.
        false_alarms: how many real pictures were called machine-made; of `reals`.

    Returns:
        (d′, c), floats or arrays.
    """
    z_hit = stats.norm.ppf((np.asarray(hits) + 0.5) / (np.asarray(machines) + 1))
    z_false = stats.norm.ppf((np.asarray(false_alarms) + 0.5) / (np.asarray(reals) + 1))
    return z_hit - z_false, -(z_hit + z_false) / 2


def dprime_of_pairs(right, n):
    """d′ = √2 z(P) of a choice between two: "which of these is machine-made?"

    P is corrected as in `dprime`. With two looks at once the same eye is right more often, hence
    the root (Macmillan and Creelman 2005, chapter 7).
    """
    return np.sqrt(2) * stats.norm.ppf((np.asarray(right) + 0.5) / (np.asarray(n) + 1))


def per_person(answers, model=None):
    """How each person did; the error rate is that of `eq-human-error`.

    A person's interval joins two Wilson intervals, of the two kinds of error, as Newcombe (1998,
    method 10) does: the distances from the estimates to the ends are added in squares.

    Args:
        answers: `Answers`.
        model: whose pictures count as generated; all models' by default.

    Returns:
        `People`.

    Raises:
        InputError: no answers, no such model, or somebody saw only one kind of picture.
    """
    person, drawn, wrong, _ = _chosen(answers, model)
    who, row = np.unique(person, return_inverse=True)

    def count(of):
        return np.bincount(row, weights=of, minlength=len(who))

    machines, reals = count(drawn), count(~drawn)
    misses, alarms = count(drawn & wrong), count(~drawn & wrong)
    for kind, seen in (("machine-made", machines), ("real", reals)):
        if (seen == 0).any():
            name = answers.people[who[seen.argmin()]]
            raise InputError(
                f"{name} judged no {kind} picture; leave this person out, or ask about both kinds."
            )
    missed, false_alarm = misses / machines, alarms / reals
    ends = [wilson(misses, machines), wilson(alarms, reals)]
    down, up = (
        np.hypot(ends[0][side] - missed, ends[1][side] - false_alarm) / 2 for side in (0, 1)
    )
    error = (missed + false_alarm) / 2
    return People(
        tuple(answers.people[i] for i in who),
        machines + reals,
        missed,
        false_alarm,
        error,
        error - down,
        error + up,
        *dprime(machines - misses, machines, alarms, reals),
    )


# ---------------------------------------------------------------------------------- a model


def error_rate(answers, model=None, bootstrap=0, seed=0):
    """How often people are wrong: HYPE∞ of Zhou et al. (2019, arXiv:1904.01121).

        ½ (share of generated pictures taken for real + share of real ones called machine-made)

    for each person, then the mean over people. A coin scores 0.5, and so does a person who cannot
    tell, and one who gives every picture the same answer. The interval is Student's t over people,
    and holds for other people before these pictures; `over_people_and_pictures` looks further.

    Args:
        answers, model: as in `per_person`.
        bootstrap: if above 0, the interval is the percentile bootstrap over people with so many
            draws (Efron 1979); a little narrow for few people (see verify/people_intervals.md).
        seed: of the bootstrap.

    Returns:
        a `Result`, baseline 0.5; `real` and `generated` count different pictures.

    Raises:
        InputError: as `per_person`, or fewer than two people.
    """
    errors = per_person(answers, model).error
    ends = _over_people(errors)
    if bootstrap:
        draws = generator(seed, "people").integers(len(errors), size=(bootstrap, len(errors)))
        ends = np.quantile(errors[draws].mean(axis=1), [0.025, 0.975])
    name = "error rate of people"
    return _result(name, errors.mean(), stats.sem(errors), ends, 0.5, answers, model)


def sensitivity(answers, model=None):
    """The mean d′ over people, with Student's t interval over people; baseline 0.

    Unlike the error rate it does not reward a person for answering "real" to everything: that
    moves the criterion. See `per_person` for the arguments and `error_rate` for what is raised.
    """
    found = per_person(answers, model).sensitivity
    ends = _over_people(found)
    return _result("d′ of people", found.mean(), stats.sem(found), ends, 0.0, answers, model)


def over_people_and_pictures(answers, model=None, draws=2000, seed=0):
    """The error rate for other people before other pictures: a two-way bootstrap.

    People and pictures are drawn anew, with replacement, three times: people only, pictures only,
    both at once. An answer's own luck is in each variance, once, once and three times (Owen 2007,
    "The pigeonhole bootstrap", doi:10.1214/07-AOAS122), so

        variance = 2 (people + pictures) - both                      (`eq-human-two-way`)

    contains it once. The value is pooled over answers; where everybody sees the same pictures it
    is that of `error_rate`.

    Args:
        answers, model: as in `per_person`.
        draws: how many samples of each.
        seed: of the samples.

    Returns:
        a `Result` whose interval is Student's t, with one degree of freedom less than there are
        people or pictures, whichever are fewer; baseline 0.5.

    Raises:
        InputError: as `error_rate`.
    """
    people = len(per_person(answers, model).names)
    person, drawn, wrong, picture = _chosen(answers, model)
    rates, sizes = ([f(k) for k in (wrong[~drawn], wrong[drawn])] for f in (np.mean, len))
    effect = (wrong - np.take(rates, drawn.astype(int))) / np.take(sizes, drawn.astype(int)) / 2
    row, column = (np.unique(of, return_inverse=True)[1] for of in (person, picture))
    pictures = column.max() + 1
    table = np.zeros((people, pictures))  # what each pair adds to the rate
    np.add.at(table, (row, column), effect)
    rng = generator(seed, "people and pictures")
    one, other = (rng.multinomial(n, np.full(n, 1 / n), size=draws) for n in (people, pictures))
    samples = [
        one @ table.sum(axis=1),
        other @ table.sum(axis=0),
        (one @ table * other).sum(axis=1),
    ]
    alone, beside, both = np.var(samples, axis=1, ddof=1)
    error = np.sqrt(max(2 * (alone + beside) - both, alone, beside))
    half = _t(min(people, pictures)) * error
    name, value = "error rate of people, other pictures too", np.mean(rates)
    return _result(name, value, error, (value - half, value + half), 0.5, answers, model)


# ------------------------------------------------------------------------------ comparisons


def compare(answers, first, second, draws=10_000, seed=0):
    """By how much `first` fools the same people more than `second` does.

    Real pictures are judged once for both, so the difference of the two error rates is half that
    of the shares taken for real. The p-value, two-sided, is that of a permutation test: if the
    models were alike, each person's difference would as soon have the other sign (Fisher 1935).

        p = (1 + as extreme) / (1 + draws)                           (`eq-human-permutation`)

    where the 1 stands for what was observed (Phipson and Smyth 2010).

    Args:
        answers: `Answers` with both models, judged by the same people.
        first, second: names of two models.
        draws: random choices of signs.
        seed: of the signs.

    Returns:
        a `Finding`; its interval is Student's t over people.

    Raises:
        InputError: as `error_rate`, or people who judged only one of the two.
    """
    # Who judged one of the two only lacks a kind of picture, and per_person says so.
    differences = per_person(answers, first).error - per_person(answers, second).error
    low, high = _over_people(differences)
    signs = generator(seed, "signs").choice([-1, 1], size=(draws, len(differences)))
    chance = np.abs(signs @ differences)
    extreme = (chance >= np.abs(differences.sum()) - 1e-9).sum()  # ties count, despite rounding
    name = f"error rate of {first} less that of {second}"
    p = (1 + extreme) / (1 + draws)
    return Finding(name, float(differences.mean()), low, high, float(p), len(differences))


def compare_all(answers, **options):
    """`compare` for all pairs of models, with p-values as `holm` adjusts them.

    Returns:
        a list of `Finding`.
    """
    pairs = itertools.combinations(answers.sources[1:], 2)
    found = [compare(answers, *pair, **options) for pair in pairs]
    adjusted = holm([one.p for one in found])
    return [replace(one, p=float(p)) for one, p in zip(found, adjusted, strict=True)]


def holm(p_values):
    """P-values of several tests, adjusted so that 5 % is the risk of *any* false alarm (Holm 1979).

    The smallest is multiplied by the number of tests, the next by one less, and so on; none may be
    below an earlier one.

    Returns:
        float, in the order given.
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p)
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1)
    return adjusted


def equivalence(answers, model=None, margin=0.05):
    """Is the error rate within a margin of a coin's? Two one-sided t-tests (Schuirmann 1987).

    "Not significantly different from 0.5" shows nothing: few people suffice for it. This shows
    that the mean over people is near it: p is small only if both "the rate is below 0.5 - margin"
    and "it is above 0.5 + margin" are refuted (`eq-human-tost`). State the margin before you look.
    People who give every picture the same answer score 0.5, too: show `sensitivity` beside it.

    Returns:
        a `Finding` of (error rate - 0.5) with its 90 % interval, which lies within ± margin
        exactly if p < 0.05.

    Raises:
        InputError: as `error_rate`, or a margin outside 0 to 0.5.
    """
    if not 0 < margin < 0.5:
        raise InputError(f"The margin is a share between 0 and 0.5, not {margin}.")
    away = per_person(answers, model).error - 0.5
    low, high = _over_people(away, 0.9)
    mean, error = away.mean(), max(stats.sem(away), 1e-12)  # if all are alike, it is certain
    p = stats.t.sf((margin - abs(mean)) / error, len(away) - 1)  # the larger of the two
    name = f"error rate of {model or 'all models'} less a coin's, within {margin}"
    return Finding(name, float(mean), low, high, float(p), len(away), 0.9)


# ---------------------------------------------------------------------------------- helpers


def _chosen(answers, model):
    """Columns (person, drawn, wrong, picture) of the real pictures and of one model's, or all's."""
    if not len(answers):
        raise InputError("There are no answers; read some with read_answers.")
    models = answers.sources[1:]
    if model is not None and model not in models:
        raise InputError(f"No model {model!r} was judged in this study; there is: {models}.")
    keep = np.ones(len(answers), bool)
    if model is not None:
        keep = np.isin(answers.source, [0, answers.sources.index(model)])
    columns = (answers.person, answers.source > 0, answers.wrong, answers.picture)
    return tuple(np.asarray(column)[keep] for column in columns)


def _t(people, level=0.95):
    """How many standard errors an interval over people reaches."""
    if people < 2:
        raise InputError("One person's answers say nothing about others; ask at least two people.")
    return stats.t.ppf((1 + level) / 2, people - 1)


def _over_people(values, level=0.95):
    """Student's t interval of a mean over people."""
    half = _t(len(values), level) * stats.sem(values)
    return float(values.mean() - half), float(values.mean() + half)


def _result(name, value, error, ends, baseline, answers, model):
    """A `Result` that counts people and different pictures."""
    person, drawn, _, picture = _chosen(answers, model)
    real, made, people = (len(np.unique(of)) for of in (picture[~drawn], picture[drawn], person))
    numbers = map(float, (value, error, *ends, baseline))
    return Result(name, *numbers, real, made, f"the eyes of {people} people")
