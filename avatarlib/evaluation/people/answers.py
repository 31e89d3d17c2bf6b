"""What people answered, one row a picture that one of them judged."""

from dataclasses import dataclass

import numpy as np

from avatarlib.core.errors import InputError


@dataclass(frozen=True)
class Answers:
    """Judgements of many people, as columns of equal length.

    Attributes:
        person: who, int (t,), numbers from 0.
        picture: which picture of the study, int (t,), numbers from 0.
        source: where the picture comes from, int (t,): 0 is real, k is `sources[k]`.
        machine: whether the person said "made by a machine", bool (t,).
        milliseconds: how long it took, float (t,).
        sources: names, "real" first, then the models.
        people: the people's random names, as they stand in their files.

    Raises:
        InputError: columns of different lengths, or numbers without a name.
    """

    person: np.ndarray
    picture: np.ndarray
    source: np.ndarray
    machine: np.ndarray
    milliseconds: np.ndarray
    sources: tuple[str, ...]
    people: tuple[str, ...]

    def __post_init__(self):
        columns = (self.person, self.picture, self.source, self.machine, self.milliseconds)
        lengths = sorted({len(column) for column in columns})
        if len(lengths) != 1:
            raise InputError(f"The columns of the answers have different lengths: {lengths}.")
        for name, column, names in (
            ("person", self.person, self.people),
            ("source", self.source, self.sources),
        ):
            if len(column) and not 0 <= column.min() <= column.max() < len(names):
                raise InputError(f"Some answers have a {name} without a name; re-read the files.")

    def __len__(self):
        return len(self.person)

    @property
    def wrong(self):
        """Whether each answer was wrong, bool (t,)."""
        return self.machine != (self.source > 0)
