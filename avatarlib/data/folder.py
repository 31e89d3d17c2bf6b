"""Your own pictures: a folder or a zip file becomes an `AvatarSet`; nothing is silently lost."""

import io
import os
import stat
import warnings
import zipfile
import zlib
from collections import Counter
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, ImageColor, ImageOps, UnidentifiedImageError

from avatarlib.core.errors import InputError
from avatarlib.data.avatarset import Attribute, AvatarSet

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM")
MOST_BYTES = 64 * 2**20  # of one file
MOST_PIXELS = 64_000_000  # of one picture; a tiny file can claim 50,000 x 50,000
DAMAGED_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)


def read_folder(
    path, size, *, fit="crop", background="white", licence="unknown", creator="unknown"
):
    """Read every picture in a folder (with its subfolders) or in a zip file.

    Pictures are turned upright (EXIF), laid on the background where they are transparent, made
    square and resized with antialiasing; of an animation, the first frame counts. The name of the
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
    if not isinstance(size, int) or not 1 <= size <= 1024:
        raise InputError(f"The size is 1 to 1024 pixels, not {size!r}.")
    if fit not in ("crop", "pad"):
        raise InputError(f'fit is "crop" or "pad", not {fit!r}.')
    try:
        colour = ImageColor.getrgb(background)[:3]
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{background!r} is no colour. Write a name or #rrggbb.") from error

    images, names, left_out = [], [], {}
    for name, read in _entries(path):
        try:
            images.append(_square(_open(read()), size, fit, colour))
            names.append(name)
        except _Unusable as reason:
            left_out[name] = str(reason)
    if not images:
        reasons = "; ".join(f"{n} × {r}" for r, n in Counter(left_out.values()).most_common(3))
        raise InputError(f"No usable picture in {path} ({reasons or 'it is empty'}).")
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
            files += [Path(folder, name) for name in names + links]
        for file in sorted(files + [Path(error.filename) for error in unreadable]):
            yield file.relative_to(path).as_posix(), lambda file=file: _read_file(file)
    elif os.path.isfile(path) and zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                members = [member for member in archive.infolist() if not member.is_dir()]
                for member in sorted(members, key=lambda member: member.filename):
                    yield member.filename, lambda member=member: _read_member(archive, member)
        except DAMAGED_ZIP as error:
            raise InputError(f"{path} is damaged: {error}. Make or copy it again.") from error
    elif os.path.exists(path):
        raise InputError(f"{path} is neither a folder nor a zip file.")
    else:
        raise InputError(f"There is no folder or zip file {path}.")


def _read_file(file):
    try:
        status = file.stat()
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


def _read_member(archive, member):
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts:
        raise _Unusable("its name points outside the zip file")
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
    """The first frame, upright, in mode RGBA or RGB."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            if image.width * image.height > MOST_PIXELS:
                raise _Unusable(f"more than {MOST_PIXELS // 10**6} million pixels")
            image.load()
            return _eight_bits(ImageOps.exif_transpose(image))
        except _Unusable:
            raise
        except UnidentifiedImageError as error:
            raise _Unusable("not a picture that we read") from error
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise _Unusable(f"more than {MOST_PIXELS // 10**6} million pixels") from error
        except Exception as error:  # whatever a damaged file leads Pillow to
            raise _Unusable("damaged or incomplete") from error


def _eight_bits(image):
    if image.mode == "F":
        raise _Unusable("floating-point pixels, whose range is not stated")
    if image.mode.startswith("I"):  # 16 bits a pixel; Pillow's own conversion would clip at 255
        grey = np.asarray(image)
        if grey.min() < 0 or grey.max() > 65535:
            raise _Unusable("more than 16 bits a pixel")
        return Image.fromarray(np.rint(grey / 257).astype(np.uint8)).convert("RGB")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


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
