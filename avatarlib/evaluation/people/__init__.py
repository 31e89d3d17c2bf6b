"""Asking people: a blinded study to hand out, and what its answers allow one to say."""

from avatarlib.evaluation.people.analysis import (
    Finding,
    People,
    compare,
    compare_all,
    dprime,
    dprime_of_pairs,
    equivalence,
    error_rate,
    holm,
    over_people_and_pictures,
    per_person,
    sensitivity,
    wilson,
)
from avatarlib.evaluation.people.answers import Answers
from avatarlib.evaluation.people.planning import (
    BETWEEN,
    design_effect,
    people_for_difference,
    people_for_interval,
    people_variance,
    simulate,
    true_error,
)
from avatarlib.evaluation.people.reading import read_answers
from avatarlib.evaluation.people.study import Study

__all__ = [
    "BETWEEN",
    "Answers",
    "Finding",
    "People",
    "Study",
    "compare",
    "compare_all",
    "design_effect",
    "dprime",
    "dprime_of_pairs",
    "equivalence",
    "error_rate",
    "holm",
    "over_people_and_pictures",
    "people_for_difference",
    "people_for_interval",
    "people_variance",
    "per_person",
    "read_answers",
    "sensitivity",
    "simulate",
    "true_error",
    "wilson",
]
