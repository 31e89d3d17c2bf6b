"""Figures and widgets."""

from avatarlib.show.sheets import Film, grid, sheet
from avatarlib.show.summary import summary

__all__ = ["Film", "grid", "sheet", "summary"]
