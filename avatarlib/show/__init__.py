"""Figures and widgets."""

from avatarlib.show.sheets import Film, grid, sheet

__all__ = ["Film", "grid", "sheet"]
