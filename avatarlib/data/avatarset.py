"""`AvatarSet`: pictures, what is known about each, and whom to credit for them."""

import hashlib
import json
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from numbers import Real
from pathlib import Path
from typing import NamedTuple

import numpy as np

from avatarlib.core.errors import InputError
from avatarlib.core.files import NPZ, PICKLE, atomic_write, check_output, content
from avatarlib.core.randomness import generator
from avatarlib.core.values import plain

FORMAT = "avatarlib.AvatarSet/1"
LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, the weights of Pillow's mode "L"


class Attribute(NamedTuple):
    """One labelled property: `categories[codes[i]]` is its value for picture i."""

    codes: np.ndarray  # uint16 (n,)
    categories: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class AvatarSet:
    """Pictures of one size with their labels and their licence.

    Attributes:
        images: uint8 (n, height, width, channels), 1 channel (grey) or 3 (red, green, blue).
        attributes: name -> Attribute, the named categories.
        numbers: name -> float32 (n,), what varies without categories, such as an angle in degrees.
        licence: the licence's name, for instance "CC BY 4.0"; "unknown" where nobody stated one.
        creator: whom to credit.
        source: where the originals come from.
        options: everything that made the set (style, seed, weights, versions), as plain data.

    Raises:
        InputError: the parts do not fit together.
    """

    images: np.ndarray
    attributes: dict[str, Attribute] = field(default_factory=dict)
    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    licence: str = "unknown"
    creator: str = "unknown"
    source: str = "unknown"
    options: dict = field(default_factory=dict)

    def __post_init__(self):
        images = self.images
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 4:
            raise InputError(
                "An AvatarSet needs its images as one uint8 array (n, height, width, channels); "
                f"this is {_describe(images)}."
            )
        if images.shape[3] not in (1, 3):
            raise InputError(f"Images have 1 or 3 channels; these have {images.shape[3]}.")
        for name, (codes, categories) in self.attributes.items():
            if not _is_column(codes, np.uint16, len(images)) or (codes >= len(categories)).any():
                raise InputError(
                    f"The attribute {name!r} does not fit the {len(images)} images: its codes are "
                    "one uint16 array (n,), each below the number of categories."
                )
        for name, values in self.numbers.items():
            if not _is_column(values, np.float32, len(images)):
                raise InputError(
                    f"The number {name!r} does not fit the {len(images)} images: it is one float32 "
                    "array (n,)."
                )

    def __len__(self):
        return len(self.images)

    def __repr__(self):
        _, height, width, channels = self.images.shape
        return (
            f"AvatarSet({len(self):,} images {height}x{width}x{channels}, "
            f"{len(self.attributes)} attributes, {self.licence}, by {self.creator})"
        )

    def __getitem__(self, rows):
        """The chosen rows (a slice, a boolean mask or an integer array) as a set of their own."""
        if isinstance(rows, int | np.integer):
            raise InputError(f"Use avatars.images[{rows}] for one picture; a set needs a slice.")
        return replace(
            self,
            images=self.images[rows],
            attributes={
                k: Attribute(a.codes[rows], a.categories) for k, a in self.attributes.items()
            },
            numbers={k: values[rows] for k, values in self.numbers.items()},
        )

    @property
    def credit(self):
        """One sentence that names the creator, the source and the licence."""
        return f"Avatars: {self.source} by {self.creator}, licence {self.licence}."

    def labels(self, name):
        """The values of one attribute, an array of n strings."""
        codes, categories = self._attribute(name)
        return np.array(categories)[codes]

    def counts(self, name):
        """How often each category of an attribute occurs: name -> int, in the categories' order."""
        codes, categories = self._attribute(name)
        occurrences = np.bincount(codes, minlength=len(categories)).tolist()
        return dict(zip(categories, occurrences, strict=True))

    def _attribute(self, name):
        if name not in self.attributes:
            raise InputError(f"No attribute {name!r}; there are {', '.join(self.attributes)}.")
        return self.attributes[name]

    def grey(self):
        """The same set in one channel: luminance by ITU-R BT.601, rounded to uint8."""
        if self.images.shape[3] == 1:
            return self
        luminance = np.rint(self.images @ LUMINANCE)[..., None].astype(np.uint8)
        return replace(self, images=luminance)

    def split(self, *fractions, seed=0):
        """Cut the set at random into disjoint parts.

        Equal pictures stay together: a random set of cartoons holds duplicates, and a picture that
        stood both in training and in held-out data would make every score too good. Parts may
        therefore differ from the exact fraction by a few pictures.

        Args:
            fractions: at least two positive numbers that sum to 1.
            seed: integer; equal seeds give equal parts.

        Returns:
            one AvatarSet for each fraction, in random order within.

        Raises:
            InputError: fractions that do not sum to 1, or a part that would be empty.
        """
        if not len(self):
            raise InputError("There is nothing to split: the set is empty.")
        positive = len(fractions) > 1 and all(
            isinstance(part, Real) and part > 0 for part in fractions
        )
        if not positive or abs(sum(fractions) - 1) > 1e-9:
            raise InputError(f"The fractions of a split are positive, with sum 1, not {fractions}.")
        rng = generator(seed, "split")
        group = _groups_of_equals(self.images)
        rank = rng.permutation(len(self))[group]
        order = np.lexsort((rng.permutation(len(self)), rank))
        cuts = np.rint(np.cumsum(fractions[:-1]) * len(self)).astype(int)
        # A cut inside a group of equal pictures moves to the group's end.
        ends = np.searchsorted(rank[order], rank[order][cuts - 1], side="right")
        parts = [self[rows] for rows in np.split(order, ends)]
        if min(map(len, parts)) == 0:
            raise InputError(f"{len(self)} pictures are too few to split into {fractions}.")
        return tuple(parts)

    def batches(self, size, seed=0, epoch=0):
        """Go once through the set in random order, in batches of equal size.

        The last pictures that do not fill a batch are left out of this epoch; another epoch has
        another order and leaves out others.

        Args:
            size: pictures in a batch, 1 to n.
            seed, epoch: integers; equal ones give the same order.

        Yields:
            uint8 (size, height, width, channels).

        Raises:
            InputError: the batch is empty or larger than the set.
        """
        if not isinstance(size, int | np.integer) or not 1 <= size <= len(self):
            raise InputError(f"A batch has between 1 and {len(self)} pictures, not {size!r}.")
        order = generator(seed, "order", epoch).permutation(len(self))
        return (
            self.images[order[start : start + size]]
            for start in range(0, len(self) - size + 1, size)
        )

    def save(self, path):
        """Write everything into one npz file, complete or not at all.

        Raises:
            InputError: the place cannot be written to, or the name does not end in .npz.
        """
        check_output(path, (".npz",))
        about = {
            "format": FORMAT,
            "categories": {name: list(a.categories) for name, a in self.attributes.items()},
            "numbers": list(self.numbers),
            **{key: getattr(self, key) for key in ("licence", "creator", "source", "options")},
        }
        meta = plain(about, "What a set says of itself")
        n = len(self)
        codes = [a.codes for a in self.attributes.values()] or [np.empty((n, 0))]
        numbers = list(self.numbers.values()) or [np.empty((n, 0))]
        arrays = {
            "images": self.images,
            "codes": np.column_stack(codes).astype(np.uint16),
            "numbers": np.column_stack(numbers).astype(np.float32),
            "meta": np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8),
        }
        # What np.savez_compressed does, but three times as fast, since drawings compress easily.
        with (
            atomic_write(path) as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as npz,
        ):
            for name, array in arrays.items():
                with npz.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)

    @classmethod
    def load(cls, path):
        """Read a set that `save` wrote.

        Raises:
            InputError: no such file, damaged, from another program, or with Python objects inside.
        """
        path = Path(path)
        try:
            with open(path, "rb"):
                kind = content(path)
            if kind not in (NPZ, PICKLE):  # NumPy would take the rest for pickles
                raise ValueError(kind)
            with np.load(path, allow_pickle=False) as file:
                meta = json.loads(file["meta"].tobytes())
                if meta["format"] != FORMAT:
                    raise InputError(f"it has the format {meta['format']}; this reads {FORMAT}.")
                images, codes, numbers = file["images"], file["codes"], file["numbers"]
            columns = zip(meta["categories"].items(), codes.T, strict=True)
            attributes = {k: Attribute(column, tuple(names)) for (k, names), column in columns}
            numbers = dict(zip(meta["numbers"], numbers.T, strict=True))
            keys = ("licence", "creator", "source", "options")
            return cls(images, attributes, numbers, **{key: meta[key] for key in keys})
        except InputError as error:
            raise InputError(f"{path} is not usable: {error}") from error
        except FileNotFoundError as error:
            raise InputError(f"There is no file {path}.") from error
        except (IsADirectoryError, PermissionError) as error:
            raise InputError(f"Cannot read {path}: {error.strerror.lower()}.") from error
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
            raise InputError(f"{path} is damaged or incomplete. Make or copy it again.") from error
        except (LookupError, ValueError, TypeError, ArithmeticError, MemoryError) as error:
            if "allow_pickle" in str(error) or "pickled" in str(error):
                reason = "it holds Python objects (a pickle), which can run code when opened"
            elif kind in (NPZ, ""):
                reason = "it was not written by AvatarSet.save"
            else:
                reason = f"it is {kind}"
            raise InputError(f"{path} is not an avatar set: {reason}.") from error


def _groups_of_equals(images):
    """A number for each picture, int (n,), the same for pictures that are equal in every pixel."""
    digests = [hashlib.blake2b(picture.tobytes(), digest_size=8).digest() for picture in images]
    return np.unique([int.from_bytes(d, "little") for d in digests], return_inverse=True)[1]


def _is_column(values, dtype, n):
    return isinstance(values, np.ndarray) and values.dtype == dtype and values.shape == (n,)


def _describe(images):
    if isinstance(images, np.ndarray):
        return f"an array of {images.dtype} with shape {images.shape}"
    return f"a {type(images).__name__}"
