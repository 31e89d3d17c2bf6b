"""Draw book/_static/cover.png: the first 64 avatars of seed 7, unselected."""

from pathlib import Path

import avatarlib as al

sheet = al.show.image_grid(al.sample("big-smile-32-on-demand", 64), columns=16, zoom=3)
sheet.save(Path(__file__).parents[1] / "book" / "_static" / "cover.png", optimize=True)
