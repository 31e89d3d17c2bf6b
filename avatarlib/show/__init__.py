"""Figures and widgets."""

from avatarlib.show.duel import Duel
from avatarlib.show.explorer import Explorer, picture
from avatarlib.show.film import Film
from avatarlib.show.grids import grid_figure, image_grid
from avatarlib.show.guess import Guess
from avatarlib.show.studio import Studio
from avatarlib.show.summary import summary
from avatarlib.show.words import BIG_SMILE_WORDS

__all__ = [
    "BIG_SMILE_WORDS",
    "Duel",
    "Explorer",
    "Film",
    "Guess",
    "Studio",
    "grid_figure",
    "picture",
    "image_grid",
    "summary",
]
