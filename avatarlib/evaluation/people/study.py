"""A blinded study as one offline page to hand out, and the key to it, which stays at home."""

import base64
import hashlib
import html
import io
import itertools
import json
import math
from pathlib import Path

import numpy as np
from PIL import Image

from avatarlib.core import values
from avatarlib.core.about import VERSION
from avatarlib.core.errors import InputError
from avatarlib.core.files import make_folder, write_text
from avatarlib.core.randomness import generator
from avatarlib.show.html import as_json, credit, fill, read
from avatarlib.show.trials import check_pictures, share_of_each

KEY_FORMAT = "avatarlib.study-key/1"


class Study:
    """Which avatars did a designer draw, and which did a machine make? A study of many people.

    Everybody judges all pictures, in an order of their own: half real, half generated, as in
    HYPE∞ (Zhou et al. 2019, arXiv:1904.01121), and some of pure noise, the catch trials, which show
    who looks. The page holds no truth but that of the practice pictures, which are shown in no
    other trial. All its PNGs are stored without compression and have the same number of bytes.

    Args:
        real: uint8 (n, height, width, channels), channels 1, 3 or 4.
        models: name of a model -> its pictures, of the same size; equally many of each are shown.
        trials: pictures that count, divisible by twice the number of models.
        practice: pictures with feedback beforehand, an even number.
        catch: pictures of pure noise among the trials; the right answer to them is "machine".
        seed: of what is chosen and of its order.
        credit: whose style it is; stands at the foot of the page.
        title: of the page; by default a question, in the reader's language.

    Attributes:
        id: the study's name, made from what is shown.
        pictures: uint8 (trials + catch, height, width, channels), as they are numbered.
        sources: where each of `pictures` comes from: ("real", index), ("a model", index) or
            ("catch", index).
        practice, practice_sources: the same of the practice pictures.

    Raises:
        InputError: too few pictures, different sizes, or trials that cannot be shared out.
    """

    def __init__(
        self, real, models, *, trials=60, practice=8, catch=6, seed=0, credit=None, title=None
    ):
        trials = values.whole(trials, "The number of trials", 2)
        practice = values.whole(practice, "The number of pictures for practice")
        catch = values.whole(catch, "The number of catch trials")
        seed = values.seed(seed)
        _check(real, models, trials, practice)
        self.names, self.seed, self.credit, self.title = ("real", *models), seed, credit, title
        groups = {"real": real, **models}
        # Who knows the page and this file, but not the pictures we chose from, cannot repeat this.
        rng = generator(seed, f"study {_digest(*groups.values())}")
        groups["catch"] = rng.integers(0, 256, (catch, *real.shape[1:]), dtype=np.uint8)
        supply = {name: iter(rng.permutation(len(of)).tolist()) for name, of in groups.items()}

        def choose(names):
            chosen = [(name, next(supply[name])) for name in rng.permutation(names).tolist()]
            shown = [groups[name][i] for name, i in chosen]
            return np.array(shown).reshape(len(shown), *real.shape[1:]), chosen

        counted = [*["real"] * len(models), *models] * share_of_each(trials, len(models))
        self.pictures, self.sources = choose(counted + ["catch"] * catch)
        machines = list(itertools.islice(itertools.cycle(models), practice // 2))
        self.practice, self.practice_sources = choose(["real"] * (practice // 2) + machines)
        self.id = _digest(self.pictures, self.practice)[:12]

    def key(self):
        """The truth about each picture, how the study was made, and who will be left out.

        Never to be given to participants. The rules of exclusion stand here before anybody has
        answered, and `read_answers` follows them.
        """
        catch = sum(name == "catch" for name, _ in self.sources)
        return {
            "format": KEY_FORMAT,
            "study": self.id,
            "sources": list(self.names),
            "pictures": [list(source) for source in self.sources],
            "practice": [list(source) for source in self.practice_sources],
            "exclude": {"catch_right_below": math.ceil(catch * 5 / 6), "median_ms_below": 300},
            "seed": self.seed,
            "made_by": f"avatarlib {VERSION}",
        }

    def page(self):
        """The page to hand out, as HTML: one file that asks nobody for anything."""
        title = html.escape(self.title or "Avatars")
        return read(__package__, "page.html").format(title=title, widget=self._widget(page=True))

    def save(self, folder):
        """Write `study.html`, to hand out, and `key.json`, to keep, into a folder.

        Raises:
            InputError: the folder holds another study's key, or cannot be written to.
        """
        folder = Path(folder)
        make_folder(folder)
        _keep_other_keys(folder / "key.json", self.id)
        # The key first: a page without its key would collect answers that nobody can read.
        write_text(folder / "key.json", json.dumps(self.key(), ensure_ascii=False))
        write_text(folder / "study.html", self.page())

    def _repr_html_(self):
        return self._widget(page=False)

    def _widget(self, page):
        about = {
            "study": self.id,
            "page": page,
            "title": self.title,
            "pictures": [_png(picture) for picture in self.pictures],
            "practice": [
                {"picture": _png(picture), "machine": source != "real"}
                for picture, (source, _) in zip(self.practice, self.practice_sources, strict=True)
            ],
        }
        return fill(
            __package__,
            "study",
            name="study" if page else None,
            title_tag="h1" if page else "p",
            head_tag="h2" if page else "p",
            shape=self.pictures.shape,
            about=as_json(about),
            credit=credit("study", self.credit),
        )


def _check(real, models, trials, practice):
    if "catch" in models:
        raise InputError("A model cannot be called 'catch', as the pictures of noise are.")
    if practice % 2:
        raise InputError(f"{practice} pictures for practice cannot be half real; take an even one.")
    check_pictures(real, models, trials, practice=practice)


def _keep_other_keys(path, study):
    """Refuse to write over the key of another study, or over what may be one."""
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it holds no JSON"
        raise InputError(
            f"Cannot read {path}, which may be the key of another study: {reason}. Choose another "
            "folder."
        ) from error
    if not isinstance(found, dict) or found.get("study") != study:
        raise InputError(
            f"{path} belongs to another study, whose answers nobody can read without it; choose "
            "another folder."
        )


def _digest(*arrays):
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.shape} ".encode() + array.tobytes())
    return found.hexdigest()


def _png(picture):
    """A PNG, in base64, whose length says nothing: without compression, so only the size counts."""
    png = io.BytesIO()
    image = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
    image.save(png, "PNG", compress_level=0)
    return base64.b64encode(png.getvalue()).decode()
