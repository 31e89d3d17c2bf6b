"""The reader as the discriminator: one picture at a time, real or drawn?"""

import base64

import numpy as np

from avatarlib.core import values
from avatarlib.show.grids import image_grid
from avatarlib.show.html import as_json, credit, data_uri, fill
from avatarlib.show.trials import check_pictures, share_of_each

COLUMNS = 5


class Guess:
    """A test of the reader's eye, which works in a page without a kernel.

    A round shows half real, half drawn pictures in random order. At its end the page says how many
    answers were right, in all and for each kind, with a 95 % interval (Wilson 1927). All pictures
    lie in one image, so that neither size nor name tells them apart.

    Args:
        real: uint8 (n, height, width, channels).
        drawn: name of a kind, such as "after 782 steps" -> pictures of the same size.
        trials: pictures in a round, divisible by twice the number of kinds.
        rounds: how many rounds before pictures come again.
        seed: of the order.
        credit: whose style it is; stands below.

    Attributes:
        kinds: "real", and the names of `drawn`.
        pictures: all that are shown, uint8 (rounds * trials, height, width, channels).
        answers: index into `kinds` of each, int (rounds * trials,).

    Raises:
        InputError: too few pictures, different sizes, or trials that cannot be shared out.
    """

    def __init__(self, real, drawn, trials=18, rounds=2, seed=0, credit=None):
        trials = values.whole(trials, "The number of trials", 2)
        rounds = values.whole(rounds, "The number of rounds", 1)
        self.kinds, self.trials, self.rounds = ("real", *drawn), trials, rounds
        self.credit = credit
        check_pictures(real, drawn, trials, rounds)
        share = share_of_each(trials, len(drawn))
        groups = [(real, trials // 2), *((of, share) for of in drawn.values())]
        rng = np.random.default_rng(values.seed(seed))
        pictures, answers = [], []
        for i in range(rounds):
            shown = np.concatenate([of[i * n : (i + 1) * n] for of, n in groups])
            kinds = np.repeat(np.arange(len(groups)), [n for _, n in groups])
            order = rng.permutation(trials)
            pictures.append(shown[order])
            answers.append(kinds[order])
        self.pictures, self.answers = np.concatenate(pictures), np.concatenate(answers)

    def _repr_html_(self):
        first = self.answers[: self.trials]
        real = ", ".join(str(i + 1) for i in np.flatnonzero(first == 0))
        size = self.pictures.shape[1:3]
        about = {
            "trials": self.trials,
            "rounds": self.rounds,
            "size": size,
            "columns": COLUMNS,
            "kinds": self.kinds,
            # Not to hide anything, only so that nobody reads the answers by accident.
            "answers": base64.b64encode(self.answers.astype(np.uint8).tobytes()).decode(),
        }
        return fill(
            __package__,
            "guess",
            trials=self.trials,
            still=data_uri(image_grid(self.pictures[: self.trials], columns=6, zoom=2, gap=2)),
            real=real,
            pictures=data_uri(image_grid(self.pictures, columns=COLUMNS)),
            about=as_json(about),
            credit=credit("guess", self.credit),
        )
