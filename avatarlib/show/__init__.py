"""Figures and widgets."""

from avatarlib.show.sheets import Film, grid, sheet
from avatarlib.show.studio import Studio
from avatarlib.show.summary import summary

__all__ = ["Film", "Studio", "grid", "sheet", "summary"]
