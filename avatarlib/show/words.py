"""Words for what a style's data call by number or by nickname."""

BIG_SMILE_WORDS = {
    ("skin_colour", "#643d19"): "darkest brown",
    ("skin_colour", "#8c5a2b"): "dark brown",
    ("skin_colour", "#a47539"): "brown",
    ("skin_colour", "#c99c62"): "light brown",
    ("skin_colour", "#e2ba87"): "tan",
    ("skin_colour", "#efcc9f"): "beige",
    ("skin_colour", "#f5d7b1"): "light beige",
    ("skin_colour", "#ffe4c0"): "lightest beige",
    ("hair_colour", "#220f00"): "black",
    ("hair_colour", "#238d80"): "green",
    ("hair_colour", "#3a1a00"): "dark brown",
    ("hair_colour", "#605de4"): "violet",
    ("hair_colour", "#71472d"): "brown",
    ("hair_colour", "#d56c0c"): "orange",
    ("hair_colour", "#e2ba87"): "blond",
    ("hair_colour", "#e9b729"): "yellow",
    "sailormoonCrown": "tiara",
    "mustache": "moustache",
}
