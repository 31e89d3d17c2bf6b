"""Recipes: a TOML file that says what to learn from, which network, and for how long.

    style = "big-smile"     # a DiceBear style, or: avatars = "mine.npz"
    count = 20_000
    size = 32
    spec = "small"          # article, dcgan, small or medium
    minutes = 5             # or: steps = 5000

    [config]                # what differs from the network's own training configuration
    batch = 32

Every setting is described at `Recipe`.
"""

import tomllib
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from avatarlib.core import values
from avatarlib.core.errors import InputError
from avatarlib.data import AvatarSet, render
from avatarlib.data.conditions import conditions
from avatarlib.training import presets
from avatarlib.training.loop import Budget
from avatarlib.training.spec import TrainingConfig

SPECS = {
    "article": presets.article,
    "dcgan": presets.dcgan,
    "small": presets.small,
    "medium": presets.medium,
}


@dataclass(frozen=True)
class Recipe:
    """All that a run needs.

    Attributes:
        style, count, data_seed: what `avatarlib.data.render` draws; or
        avatars: an npz file of an AvatarSet instead.
        size: 28, 32 or 64 pixels.
        grey: one channel instead of three.
        spec: "article", "dcgan", "small" or "medium".
        conditions: attributes to draw on demand ("small" and "medium" only).
        spectral_norm: whether the discriminator has it.
        seed: of weights, latents and everything else.
        steps, minutes: the budget, one of the two.
        config: settings of `TrainingConfig` that differ from the spec's own.

    Raises:
        InputError: settings that do not go together.
    """

    style: str | None = None
    avatars: str | None = None
    count: int = 20_000
    data_seed: int = 0
    size: int = 32
    grey: bool = False
    spec: str = "small"
    conditions: tuple[str, ...] = ()
    spectral_norm: bool = False
    seed: int = 0
    steps: int | None = None
    minutes: float | None = None
    config: dict = field(default_factory=dict)

    def __post_init__(self):
        self._check_types()
        if (self.style is None) == (self.avatars is None):
            raise InputError("A recipe names a style, or a file of avatars, and not both.")
        if self.spec not in SPECS:
            raise InputError(f"The spec is one of {', '.join(SPECS)}, not {self.spec!r}.")
        if self.conditions and self.spec not in ("small", "medium"):
            raise InputError('Only the specs "small" and "medium" draw by conditions.')
        unknown = self.config.keys() - asdict(TrainingConfig()).keys()
        if unknown:
            raise InputError(
                f"The training configuration has no setting {', '.join(sorted(unknown))}."
            )
        self.budget()

    def _check_types(self):
        for name in ("style", "avatars", "spec"):
            if getattr(self, name) is not None:
                values.of_type(getattr(self, name), name, str, "a text in quotes")
        for name in ("grey", "spectral_norm"):
            values.of_type(getattr(self, name), name, bool, "true or false")
        for name, least in (("count", 1), ("size", 1), ("data_seed", 0), ("seed", 0)):
            values.whole(getattr(self, name), name, least, values.LARGEST_SEED)
        values.of_type(self.config, "config", dict, "a table, [config]")
        values.of_type(self.conditions, "conditions", tuple, "a list of texts in quotes")
        for name in self.conditions:
            values.of_type(name, "Each of the conditions", str, "a text in quotes")

    def budget(self):
        """How long the run may be, a `Budget`."""
        return Budget(self.steps, self.minutes)

    def data(self, progress=True):
        """The avatars, an AvatarSet: rendered, or read from the file."""
        if self.avatars:
            found = AvatarSet.load(self.avatars)
        else:
            found = render(self.style, self.count, self.size, self.data_seed, progress=progress)
        return found.grey() if self.grey else found

    def network(self, avatars):
        """The `Spec`, with the values of the attributes that these avatars have."""
        settings = {"conditions": conditions(avatars, self.conditions)} if self.conditions else {}
        spec = SPECS[self.spec](self.size, 1 if self.grey else 3, **settings)
        config = replace(spec.config, **self.config)
        return replace(spec, config=config, spectral_norm=self.spectral_norm)


def load_recipe(path):
    """Read a recipe.

    Raises:
        InputError: no such file, no TOML, unknown or unfitting settings.
    """
    path = Path(path)
    try:
        plain = tomllib.loads(text_of(path))
    except FileNotFoundError as error:
        raise InputError(f"There is no recipe {path}.") from error
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.") from error
    except tomllib.TOMLDecodeError as error:
        hint = " In paths, write / for \\, or the text in '…'." if "\\" in text_of(path) else ""
        raise InputError(f"{path} is not a TOML file: {error}.{hint}") from error
    unknown = plain.keys() - Recipe.__dataclass_fields__.keys()
    if unknown:
        known = ", ".join(Recipe.__dataclass_fields__)
        raise InputError(f"{path}: no setting {', '.join(sorted(unknown))}; there are {known}.")
    try:
        if isinstance(plain.get("conditions"), list):
            plain["conditions"] = tuple(plain["conditions"])
        recipe = Recipe(**plain)
        TrainingConfig(**recipe.config)  # wrong settings are told now, with the file's name
        return recipe
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def text_of(path):
    """A file's text as editors write it: UTF-8, with or without a mark, or Windows' UTF-16."""
    content = path.read_bytes()
    coding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(coding)
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text in UTF-8: {error}. Save it as UTF-8.") from error
