"""The reader as the discriminator: one picture at a time, real or drawn?"""

import base64
import html
import itertools
import json
from importlib import resources

import numpy as np

from avatarlib.core.errors import InputError
from avatarlib.show.grids import data_uri, image_grid

_guess_number = itertools.count(1)
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
        self.kinds, self.trials, self.rounds = ("real", *drawn), trials, rounds
        self.credit = credit
        _check(real, drawn, trials, rounds)
        share = trials // 2 // len(drawn)
        groups = [(real, trials // 2), *((of, share) for of in drawn.values())]
        rng = np.random.default_rng(seed)
        pictures, answers = [], []
        for i in range(rounds):
            shown = np.concatenate([of[i * n : (i + 1) * n] for of, n in groups])
            kinds = np.repeat(np.arange(len(groups)), [n for _, n in groups])
            order = rng.permutation(trials)
            pictures.append(shown[order])
            answers.append(kinds[order])
        self.pictures, self.answers = np.concatenate(pictures), np.concatenate(answers)

    def _repr_html_(self):
        name = f"guess-{next(_guess_number)}"
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
        return _file("guess.html").format(
            name=name,
            trials=self.trials,
            still=data_uri(image_grid(self.pictures[: self.trials], columns=6, zoom=2, gap=2)),
            real=real,
            pictures=data_uri(image_grid(self.pictures, columns=COLUMNS)),
            about=json.dumps(about).replace("<", "\\u003c"),
            credit=f'<p class="guess-credit">{html.escape(self.credit)}</p>' if self.credit else "",
            style=_file("guess.css"),
            script=_file("guess.js"),
        )


def _check(real, drawn, trials, rounds):
    if not drawn or trials < 2 or trials % (2 * len(drawn)) or rounds < 1:
        raise InputError(
            f"{trials} trials cannot be half real and half from {len(drawn)} kinds of drawings, "
            "equally many of each."
        )
    for name, pictures in {"real": real, **drawn}.items():
        if pictures.dtype != np.uint8 or pictures.shape[1:] != real.shape[1:]:
            raise InputError(
                f"The pictures {name!r} are {pictures.dtype} {pictures.shape[1:]}; all are uint8 "
                f"and of one size, here {real.shape[1:]}."
            )
        needed = rounds * trials // 2 // (1 if name == "real" else len(drawn))
        if len(pictures) < needed:
            raise InputError(f"{len(pictures)} pictures {name!r} are too few; it takes {needed}.")


def _file(name):
    return resources.files("avatarlib.show").joinpath(name).read_text(encoding="utf-8")
