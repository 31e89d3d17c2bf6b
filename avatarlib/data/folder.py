"""Your own pictures: a folder or a zip file becomes an `AvatarSet`; nothing is silently lost."""

import io
import os
import re
import stat
import threading
import warnings
import zipfile
import zlib
from collections import Counter
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import (
    Image,
    ImageCms,
    ImageOps,
    PngImagePlugin,
    UnidentifiedImageError,
    features,
)

from avatarlib.core import values
from avatarlib.core.errors import InputError
from avatarlib.core.pixels import opaque_colour
from avatarlib.data.avatarset import Attribute, AvatarSet

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM")
if features.check("avif"):
    FORMATS = (*FORMATS, "AVIF")
MOST_BYTES = 64 * 2**20  # of one file
MOST_PIXELS = 64_000_000  # of one picture; a tiny file can claim 50,000 x 50,000
# What systems keep beside pictures: thumbnails, caches, bins.
NOT_THE_USERS = {"@eaDir", "__MACOSX", "$RECYCLE.BIN", "System Volume Information", "lost+found"}
# How other files begin, and what to do with them.
OTHER_FILES = {
    rb".{4}ftyp(hei[cfsmx]|hev[cx]|mif1|msf1)": "HEIC, which is not read; save it as PNG or JPEG",
    rb".{4}ftypavi[fs]": "AVIF, which this Pillow does not read; save it as PNG or JPEG",
    rb"\s*(<\?xml.*?>|<!--.*?-->|<!DOCTYPE.*?>|\s)*<svg": "SVG, a drawing; export it as PNG",
    rb"%PDF": "a PDF; export its pictures as PNG",
    rb"8BPS": "a Photoshop file; export it as PNG",
}
DAMAGED_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)


def read_folder(
    path, size, *, fit="crop", background="white", licence="unknown", creator="unknown"
):
    """Read every picture in a folder (with its subfolders) or in a zip file.

    Pictures are turned upright (EXIF), brought to sRGB (colour profile), laid on the background
    where they are transparent, made square and resized with antialiasing; of an animation, the
    first frame counts. Folders that systems keep for themselves are left out. The name of the
    subfolder becomes the attribute "folder" if there are several. Zip files are read in memory:
    nothing is ever unpacked to the disk.

    Args:
        path: a folder or a .zip file.
        size: width and height of the result in pixels. Smaller pictures are left out, not blown up.
        fit: "crop" cuts the longer side in the middle; "pad" adds background to the shorter one.
        background: a colour name or #rrggbb.
        licence, creator: what you know about the pictures; kept with them.

    Returns:
        (avatars, left_out): the set, images uint8 (n, size, size, 3) in the order of their names,
        and name -> reason for each file that is not in it.

    Raises:
        InputError: no such folder, no usable picture in it, or an argument that makes no sense.
    """
    path = Path(path)
    size = values.whole(size, "The size, in pixels,", 1, 1024)
    if fit not in ("crop", "pad"):
        raise InputError(f'fit is "crop" or "pad", not {fit!r}.')
    colour = opaque_colour(background)
    images, names, left_out, odd_profiles = [], [], {}, []
    for name, read in _entries(path):
        try:
            image, has_odd_profile = _open(read())
            images.append(_square(image, size, fit, colour))
            names.append(name)
            odd_profiles += [name] * has_odd_profile
        except _Unusable as reason:
            left_out[name] = str(reason)
    if odd_profiles:
        warnings.warn(
            f"{len(odd_profiles)} of the pictures, such as {odd_profiles[0]}, have a colour "
            "profile that cannot be used; their colours were taken for sRGB.",
            stacklevel=2,
        )
    if not images:
        reasons = "; ".join(f"{n} × {r}" for r, n in Counter(left_out.values()).most_common(3))
        raise InputError(
            f"No usable picture in {path} ({reasons or 'it is empty'}). We read "
            f"{', '.join(FORMATS)}."
        )
    avatars = AvatarSet(
        np.stack(images),
        _folder_attribute(names),
        licence=licence,
        creator=creator,
        source=path.name,
        options={"files": names, "size": size, "fit": fit, "background": background},
    )
    return avatars, left_out


class _Unusable(Exception):
    """Why one file is left out."""


def _entries(path):
    """Pairs (name, function that reads the file's bytes), sorted by name."""
    if os.path.isdir(path):
        files, unreadable = [], []
        for folder, subfolders, names in os.walk(path, onerror=unreadable.append):
            links = [name for name in subfolders if os.path.islink(os.path.join(folder, name))]
            hidden = [name for name in subfolders if _is_the_systems(name)]
            subfolders[:] = [name for name in subfolders if name not in hidden]
            files += [Path(folder, name) for name in dict.fromkeys(names + links + hidden)]
        for file in sorted(files + [Path(error.filename) for error in unreadable]):
            yield file.relative_to(path).as_posix(), lambda file=file: _read_file(file)
    elif os.path.isfile(path) and zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                for name, member in _members(archive):
                    yield name, lambda name=name, member=member: _read_member(archive, name, member)
        except DAMAGED_ZIP as error:
            raise InputError(f"{path} is damaged: {error}. Make or copy it again.") from error
    elif os.path.exists(path):
        raise InputError(f"{path} is {_what_else(path)}")
    else:
        raise InputError(f"There is no folder or zip file {path}.")


def _is_the_systems(name):
    """Whether a folder is hidden, or one that a system keeps for itself."""
    return name.startswith(".") or name in NOT_THE_USERS


def _members(archive):
    """Pairs (name, member), sorted by name; Windows' backslash is /, no two names are the same."""
    seen = Counter()
    members = [(member.filename.replace("\\", "/"), member) for member in archive.infolist()]
    for name, member in sorted(members, key=lambda pair: pair[0]):
        if not name.endswith("/"):
            seen[name] += 1
            yield name if seen[name] == 1 else f"{name} ({seen[name]})", member


def _what_else(path):
    """What a file is that is neither a folder nor a zip file, and what to do."""
    try:
        with open(path, "rb") as file:
            start = file.read(512)
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror or error}.") from error
    if start.startswith(b"PK"):
        return "an incomplete zip file: its end is missing. Download or copy it again."
    if start.startswith((b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ")) or (
        start[257:262] == b"ustar"
    ):
        return "an archive of another kind. Unpack it, or make a zip file of it."
    return "neither a folder nor a zip file."


def _read_file(file):
    try:
        status = file.stat()
        if stat.S_ISDIR(status.st_mode) and _is_the_systems(file.name) and not file.is_symlink():
            raise _Unusable("a folder of the system's, which was not looked into")
        if stat.S_ISDIR(status.st_mode):  # os.walk does not go there, lest it walk in circles
            raise _Unusable("a link to a folder" if file.is_symlink() else "no permission")
        if not stat.S_ISREG(status.st_mode):
            raise _Unusable("neither a file nor a folder")
        if status.st_size > MOST_BYTES:
            raise _Unusable(f"larger than {MOST_BYTES // 2**20} MiB")
        return file.read_bytes()
    except PermissionError as error:
        raise _Unusable("no permission") from error
    except OSError as error:  # a link that leads nowhere, or in circles
        raise _Unusable(f"cannot be read: {error.strerror}") from error


def _read_member(archive, name, member):
    name = PurePosixPath(name)
    if name.is_absolute() or ".." in name.parts:
        raise _Unusable("its name points outside the zip file")
    if any(map(_is_the_systems, name.parent.parts)):
        raise _Unusable("in a folder of the system's")
    if member.flag_bits & 1:
        raise _Unusable("encrypted")
    try:
        with archive.open(member) as file:
            content = file.read(MOST_BYTES + 1)
    except DAMAGED_ZIP as error:
        raise _Unusable("damaged inside the zip file") from error
    if len(content) > MOST_BYTES:
        raise _Unusable(f"larger than {MOST_BYTES // 2**20} MiB")
    return content


def _open(content):
    """The first frame, upright, in mode RGBA or RGB and in sRGB; and whether a profile was odd."""
    with warnings.catch_warnings(), _long_texts():
        warnings.simplefilter("ignore")  # of EXIF and the like, which is no picture's fault
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            if image.width * image.height > MOST_PIXELS:
                raise _Unusable(f"more than {MOST_PIXELS // 10**6} million pixels")
            image.load()
            _refuse_an_unstated_range(image)
            return _in_srgb(_eight_bits(_upright(image)), image.info.get("icc_profile"))
        except _Unusable:
            raise
        except UnidentifiedImageError as error:
            raise _Unusable(_what_instead(content)) from error
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise _Unusable(f"more than {MOST_PIXELS // 10**6} million pixels") from error
        except Exception as error:  # whatever a damaged file leads Pillow to
            raise _Unusable("damaged or incomplete") from error


_texts = threading.Lock()


@contextmanager
def _long_texts():
    """Let Pillow read texts and colour profiles of a megabyte and more, which are no attack here.

    The file itself has at most MOST_BYTES. Pillow has this limit in one place for everybody, so it
    is put back at once, and threads take turns.
    """
    limits = ("MAX_TEXT_CHUNK", "MAX_TEXT_MEMORY")
    with _texts:
        before = {name: getattr(PngImagePlugin, name) for name in limits}
        try:
            for name in limits:
                setattr(PngImagePlugin, name, MOST_BYTES)
            yield
        finally:
            for name, value in before.items():
                setattr(PngImagePlugin, name, value)


def _what_instead(content):
    for start, what in OTHER_FILES.items():
        if re.match(start, content[:4096], re.DOTALL):
            return what
    return "not a picture that we read"


def _upright(image):
    """Turned as its EXIF says; a picture whose EXIF cannot be read stays as it is."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # whatever odd metadata lead Pillow to: the picture itself is sound
        return image


def _refuse_an_unstated_range(image):
    """Sixteen bits are 0 to 65,535; of floats and of 32 bits nobody knows what is white."""
    if image.mode == "F":
        raise _Unusable("floating-point pixels, whose range is not stated")
    bits_of_a_tiff = getattr(image, "tag_v2", {}).get(258, (16,))
    if image.mode.startswith("I") and max(bits_of_a_tiff) > 16:
        raise _Unusable("32 bits a pixel, whose range is not stated; save it with 8 or 16 bits")
    if 2 in getattr(image, "tag_v2", {}).get(339, ()):
        raise _Unusable("numbers with a sign, whose range is not stated")


def _eight_bits(image):
    """In a mode of 8 bits a channel: RGBA where something is transparent, else L, RGB or CMYK."""
    if image.mode.startswith("I"):
        return _from_sixteen_bits(image)
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def _from_sixteen_bits(image):
    """Pillow's own conversion would clip at 255."""
    grey = np.asarray(image)
    levels = np.rint(grey / 257).astype(np.uint8)
    clear = image.info.get("transparency")
    if clear is None:
        return Image.fromarray(levels)
    alpha = np.where(grey == clear, 0, 255).astype(np.uint8)
    return Image.merge("LA", [Image.fromarray(levels), Image.fromarray(alpha)]).convert("RGBA")


def _in_srgb(image, profile):
    """(the picture in RGBA or RGB, its colours those of its profile; whether that was odd)."""
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours, odd = image.convert("RGB") if alpha else image, False
    if profile:
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            colours = ImageCms.profileToProfile(colours, own, srgb, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):  # of another kind than the picture
            odd = True
    colours = colours.convert("RGB")
    if alpha:
        colours.putalpha(alpha)
    return colours, odd


def _square(image, size, fit, colour):
    if min(image.size) < size:
        raise _Unusable(f"smaller than {size} pixels")
    if fit == "pad" and max(image.size) > size * min(image.size):
        raise _Unusable("so narrow that nothing would be left of it")
    if image.mode == "RGBA":
        ground = Image.new("RGBA", image.size, (*colour, 255))
        image = Image.alpha_composite(ground, image).convert("RGB")
    if fit == "crop":
        return np.asarray(ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS))
    return np.asarray(ImageOps.pad(image, (size, size), Image.Resampling.LANCZOS, color=colour))


def _folder_attribute(names):
    folders = [PurePosixPath(name).parent.as_posix() for name in names]
    categories = tuple(sorted(set(folders)))
    if len(categories) == 1:
        return {}
    return {"folder": Attribute(np.searchsorted(categories, folders).astype(np.uint16), categories)}
