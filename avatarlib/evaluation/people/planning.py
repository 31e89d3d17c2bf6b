"""Before anybody is asked: how many people, and simulated ones to try the analysis on."""

import math

import numpy as np
from scipy import special, stats

from avatarlib.core.errors import InputError
from avatarlib.core.randomness import generator
from avatarlib.evaluation.people.answers import Answers
from avatarlib.show.trials import share_of_each

# Standard deviation between people of their true error rate: the median of the 41 experiments of
# Stein et al. (2023, arXiv:2306.04675), 1,036 people with 200 answers each; 0.037 to 0.108.
BETWEEN = 0.071
MOST = 10_000  # people in a plan


def people_variance(error, trials, between=BETWEEN):
    """Variance of one person's measured error rate around the mean of all people.

        σ² (1 - 1/T) + p (1 - p) / T                                 (`eq-human-variance`)

    The first part are the people, the second the luck of T answers, half of them about real
    pictures; more answers reduce only the second. A person has one error probability here for both
    kinds of pictures; where the two are far apart, the second part is a little smaller.

    Args:
        error: p, the mean error rate.
        trials: T, answers of each person.
        between: σ, standard deviation between people of their true error rate.
    """
    if not (0 < error < 1 and trials >= 1 and 0 <= between < math.sqrt(error * (1 - error))):
        raise InputError(
            "A plan needs an error rate between 0 and 1, at least one trial, and a standard "
            f"deviation below √(p (1 - p)), not {error}, {trials} and {between}."
        )
    return between**2 * (1 - 1 / trials) + error * (1 - error) / trials


def design_effect(error, trials, between=BETWEEN):
    """How many times larger the variance is than that of as many independent answers.

    1 + (T - 1) σ² / (p (1 - p))          (Kish 1965)
    """
    return people_variance(error, trials, between) / (error * (1 - error) / trials)


def people_for_interval(half_width, error=0.3, trials=60, between=BETWEEN):
    """How many people make the 95 % interval of the error rate as narrow as ± half_width.

    Returns:
        the smallest n with t(0.975, n - 1) √(variance / n) ≤ half_width.

    Raises:
        InputError: impossible numbers, or more than 10,000 people.
    """
    variance = people_variance(error, trials, between)
    return _smallest(
        lambda n: stats.t.ppf(0.975, n - 1) * np.sqrt(variance / n) <= half_width, half_width
    )


def people_for_difference(difference, error=0.3, trials=60, between=BETWEEN, power=0.8):
    """How many people find a difference between two models that everybody judges.

    A paired t-test at 5 %, two-sided, by the noncentral t distribution. The permutation test of
    `compare` is about as powerful.

    Args:
        difference: of the two error rates.
        error: their mean.
        trials: T, answers of each person; half about real pictures, a quarter about each model's.
        between: standard deviation between people of their true difference. The default is that of
            error rates: right if the errors on the two models correlate at one half.
        power: chance to find it.

    Returns:
        the number of people.

    Raises:
        InputError: as `people_for_interval`.
    """
    # Half the difference of two shares of T/4 answers each; the real pictures cancel.
    people_variance(error, trials, between)
    deviation = math.sqrt(between**2 + 2 * error * (1 - error) / trials)

    def reached(n):
        shift = abs(difference) / deviation * np.sqrt(n)
        return stats.nct.sf(stats.t.ppf(0.975, n - 1), n - 1, shift) >= power

    return _smallest(reached, difference)


def true_error(sensitivity, criterion=0.0, between=0.0, lean=0.0, pictures=0.0):
    """The mean error rate of all the observers that `simulate` draws from, over all pictures.

    ½ Φ(-(d′/2 - c) / s) + ½ Φ(-(d′/2 + c) / s),   s² = 1 + σ_d²/4 + σ_c² + σ_i²
    """
    s = math.sqrt(1 + between**2 / 4 + lean**2 + pictures**2)
    return float(
        sum(special.ndtr((sign * criterion - sensitivity / 2) / s) for sign in (1, -1)) / 2
    )


def simulate(
    sensitivity,
    people=30,
    trials=60,
    criterion=0.0,
    between=0.4,
    lean=0.2,
    pictures=0.0,
    seed=0,
    study=0,
):
    """Answers of people who do not exist, by the equal-variance model of signal detection.

    A real picture shows the evidence -m/2, with m the models' mean d′; a model's picture is its d′
    higher. What is peculiar to the picture is added, and in each look normal noise of deviation 1;
    above the person's criterion the answer is "machine". They test an analysis, and say nothing
    about anybody.

    Args:
        sensitivity: d′ of the average person, or {model: d′}.
        people: how many.
        trials: answers of each; half about real pictures, the rest in equal parts about each
            model's. Everybody sees the same pictures.
        criterion: c of the average person, above 0 for "real" in doubt.
        between: standard deviation of d′ between people.
        lean: standard deviation of c between people.
        pictures: standard deviation of what is peculiar to a picture.
        seed, study: a study is a function of both.

    Returns:
        `Answers`.

    Raises:
        InputError: trials that cannot be shared out.
    """
    if not isinstance(sensitivity, dict):
        sensitivity = {"generator": sensitivity}
    each = share_of_each(trials, len(sensitivity))
    rng = generator(seed, "observers", study)
    source = np.repeat(np.arange(len(sensitivity) + 1), [trials // 2, *len(sensitivity) * [each]])
    shown = np.array([0.0, *sensitivity.values()])
    offset, leaning = rng.normal(0, [[between], [lean]], (2, people))
    side = np.where(source > 0, 0.5, -0.5)
    evidence = (shown - shown[1:].mean() / 2)[source] + rng.normal(0, pictures, trials)
    evidence = evidence + offset[:, None] * side + rng.normal(size=(people, trials))
    return Answers(
        person=np.repeat(np.arange(people), trials),
        picture=np.tile(np.arange(trials), people),
        source=np.tile(source, people),
        machine=(evidence > criterion + leaning[:, None]).ravel(),
        milliseconds=rng.lognormal(7.2, 0.5, people * trials),
        sources=("real", *sensitivity),
        people=tuple(f"simulated-{i + 1}" for i in range(people)),
    )


def _smallest(reached, goal):
    """The smallest number of people, at least 2, who reach a goal."""
    n = np.arange(2, MOST + 1)
    enough = reached(n) if 0 < abs(goal) < 1 else np.array([False])
    if not enough.any():
        raise InputError(f"No study of up to {MOST:,} people reaches {goal}; a goal is a share.")
    return int(n[enough.argmax()])
