"""Draw book/_static/cover.png: the first 64 avatars of seed 7 from grey-28, unselected."""

from pathlib import Path

import avatarlib as al

gan = al.backend()
pictures = gan.generate(al.pretrained("grey-28"), al.noise(7, "latent", 0, (64, 100)))
sheet = al.show.sheet(al.to_uint8(pictures), columns=16, zoom=3)
sheet.save(Path(__file__).parents[1] / "book" / "_static" / "cover.png", optimize=True)
