"""The one place where the library writes: whole files or none, folders, and the cache."""

import errno
import functools
import io
import os
import secrets
import stat
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

from avatarlib.core.errors import InputError

try:
    import fcntl
except ImportError:  # Windows, which neither renames nor removes a file that somebody has open
    fcntl = None
    import msvcrt

NPZ, ZIP, PICKLE = "an npz file", "a zip file", "a pickle"
STARTS = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"\x93NUMPY": "an npy file",
    b"\x80": PICKLE,
}
FILE_ENDINGS = (".html", ".json", ".npz", ".png", ".zip")
REASONS = {
    errno.ENOENT: "the folder {folder} does not exist. Create it first.",
    errno.ENOTDIR: "the folder {folder} does not exist: a file is in its place.",
    errno.EEXIST: "a file is in its place. Choose another name.",
    errno.EISDIR: "this is a folder. Give the name of a file.",
    errno.EACCES: "no permission for {folder}. Choose another folder.",
    errno.EPERM: "no permission for {folder}. Choose another folder.",
    errno.EROFS: "the disk of {folder} is read-only. Choose another folder.",
    errno.ENOSPC: "the disk is full. Nothing was written; make room and retry.",
    errno.EDQUOT: "the disk is full. Nothing was written; make room and retry.",
    errno.ELOOP: "this is a link that leads in circles. Give another name.",
    errno.ENAMETOOLONG: "the name is too long. Choose a shorter one.",
}


# ------------------------------------------------------------------------------------- writing


@contextmanager
def atomic_write(path):
    """Open a binary file that appears under `path` only when it is complete.

    The bytes go to a hidden file in the same folder, are flushed to the disk and then renamed. If
    anything fails on the way, the hidden file goes and an older file under `path` stays as it was.
    A link stays a link, and what it leads to is written; a pipe or a device gets all bytes at once.

    Args:
        path: where the finished file shall stand; its folder must exist.

    Yields:
        a binary file open for writing.

    Raises:
        InputError: the folder is missing, may not be written to, or its disk is full; the file is
            write-protected.
    """
    path = Path(path)
    with explained(path):
        target = _leads_to(path)
        with _at_once(path) if target is None else _renamed(target) as file:
            yield file


def write_text(path, text):
    """Write a text as UTF-8 with `atomic_write`.

    File names need not be text; their odd bytes are written with a backslash, as JSON has it.
    """
    with atomic_write(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


def append(path, text):
    """Write a text behind what a file holds, completely or not at all.

    Raises:
        InputError: as `atomic_write`.
    """
    with explained(Path(path)), open(path, "ab", buffering=0) as file:
        size, rest = file.tell(), text.encode()
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:
            file.truncate(size)
            raise


def make_folder(folder):
    """Make a folder, and those that it lies in, where they are missing.

    Raises:
        InputError: it cannot be made, with the reason.
    """
    real, there = _nearest(folder)
    with explained(Path(folder), "make the folder", there):
        os.makedirs(real, exist_ok=True)  # also at the end of a link


def remove_partial_files(folder):
    """Remove what `atomic_write` leaves in a folder when its program is killed while it writes.

    Files that a living program still writes stay.
    """
    for partial in Path(folder).glob(".*.partial"):
        with suppress(OSError):
            if fcntl is None:
                partial.unlink()
                continue
            with open(partial, "rb+") as file:
                if lock(file):
                    partial.unlink()


def lock(file):
    """Lock a file for oneself until it is closed or the process ends, however it ends.

    Args:
        file: open for writing.

    Returns:
        True; False where somebody else has it; None where the disk knows no locks (some network
        drives).
    """
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        return True
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return None


# --------------------------------------------------------------------- before the work is done


def check_output(path, endings, inputs=()):
    """Try whether a file can be written, before the work begins whose result it shall hold.

    Args:
        path: the file.
        endings: of its name, in small letters, such as (".png", ".npz"): they say what it holds.
        inputs: files that are read, and that must not be overwritten.

    Returns:
        which of the endings it has; the first one for a pipe or a device, whose name says nothing.

    Raises:
        InputError: as `atomic_write`; another ending; the file is one of the inputs.
    """
    path = Path(path)
    with explained(path):
        target = _leads_to(path)
        if target is None:
            return endings[0]
        if any(target.exists() and os.path.exists(i) and target.samefile(i) for i in inputs):
            raise InputError(
                f"Cannot write {path}: it is what is read, and would be lost. Give another name."
            )
        if path.suffix.lower() not in endings:
            raise InputError(
                f"Cannot write {path}: a name says what the file holds. Let it end in "
                f"{' or '.join(endings)}."
            )
        _try(target.parent)
    return path.suffix.lower()


def check_folder(folder):
    """Try whether a folder can be made and written to, before the work begins; it is not made.

    Raises:
        InputError: as `make_folder`; its name is that of a file.
    """
    real, there = _nearest(folder)
    if real.suffix.lower() in FILE_ENDINGS and real != there:
        raise InputError(f"{folder} is the name of a file. Give that of a folder.")
    with explained(Path(folder), "make the folder", there):
        if not there.is_dir():
            raise FileExistsError(errno.EEXIST, "a file")
        _try(there)


def content(path):
    """What a file holds, by its first bytes: names are only names.

    Returns:
        `NPZ`, `ZIP`, `PICKLE`, "a safetensors file", "a PNG picture" …; "" where they say nothing.
    """
    start = b""
    if os.path.isfile(path):  # to look into a pipe would empty it
        with suppress(OSError), open(path, "rb") as file:
            start = file.read(300)
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 2**27:
        return "a safetensors file"
    if start.startswith(b"PK"):
        first = start[30 : 30 + int.from_bytes(start[26:28], "little")]  # its first member's name
        return NPZ if first.endswith(b".npy") else PICKLE if first.endswith(b".pkl") else ZIP
    return next((kind for begin, kind in STARTS.items() if start.startswith(begin)), "")


# ----------------------------------------------------------------------------------- the cache


def cache_folder():
    """Where what takes long is kept: $AVATARLIB_CACHE, or the user's cache folder.

    Raises:
        InputError: it begins with the home of a user whom the system does not know.
    """
    import platformdirs

    chosen = os.environ.get("AVATARLIB_CACHE", "").strip()
    return _absolute(chosen or platformdirs.user_cache_dir("avatarlib"))


@functools.cache  # so that a relative folder stays the same when the program goes elsewhere
def _absolute(folder):
    """A folder out of a variable that no shell may have seen: ~ and $HOME mean what they mean."""
    written_out = Path(os.path.expanduser(os.path.expandvars(folder)))
    if written_out.parts[:1] and written_out.parts[0].startswith(("~", "$")):
        raise InputError(f"There is no folder {folder} for a cache; set AVATARLIB_CACHE to one.")
    return written_out.absolute()


def from_cache(name, read, make, write):
    """What the cache holds; else what is made now, and kept for the next time.

    The cache is a convenience: where it cannot be read or written, one warning says so, and the
    work is done without it.

    Args:
        name: of the file in the cache folder.
        read: called with the file's path, gives what it holds.
        make: called without arguments, gives the same.
        write: called with the path and with what was made.
    """
    file = problem = None
    try:
        file = cache_folder() / name
        if os.path.exists(file):
            return read(file)
    except InputError as error:
        problem = f"{error} Making it again."
    made = make()
    try:
        if file:
            make_folder(file.parent)
            remove_partial_files(file.parent)
            write(file, made)
    except InputError as error:
        problem = f"What was made could not be kept for the next time. {error}"
    if problem:
        warnings.warn(problem, stacklevel=3)
    return made


# --------------------------------------------------------------------------------- how it works


def _leads_to(path):
    """The plain file, there or not yet, that a path leads to; None: a pipe or a device."""
    target = Path(os.path.realpath(path))
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return target
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "a folder")
    if stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        raise InputError(f"Cannot write {path}: it is a disk or a socket. Give the name of a file.")
    if not stat.S_ISREG(mode) or not os.path.exists(target):  # /dev/stdout may be nameless
        return None
    if not os.access(target, os.W_OK):
        raise InputError(f"Cannot write {path}: it is write-protected. Give another name.")
    return target


@contextmanager
def _at_once(path):
    file = io.BytesIO()
    yield file
    with open(path, "wb") as opened:
        opened.write(file.getvalue())


@contextmanager
def _renamed(target):
    partial, file = _partial(target.parent)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            with suppress(OSError):  # there is no older file, or the disk knows no such rights
                os.chmod(partial, stat.S_IMODE(os.stat(target).st_mode))
            if fcntl:
                os.replace(partial, target)  # while it is locked, so that nobody removes it before
        if not fcntl:
            os.replace(partial, target)
        _sync_folder(target.parent)
    finally:
        with suppress(OSError):  # it is renamed
            partial.unlink()


def _partial(folder):
    """A new hidden file that no thread, process or machine shares: its path, and it, locked."""
    while True:
        path = folder / f".{secrets.token_hex(8)}.partial"  # short, whatever the file's own name
        with suppress(FileExistsError):
            file = open(path, "xb")
            if lock(file) is not False and path.exists():
                return path, file
            file.close()  # somebody who tidied up had it in hand


def _nearest(folder):
    """Where a folder really lies, through links, and what is there of that path."""
    real = there = Path(os.path.realpath(folder))
    while not os.path.exists(there):
        there = there.parent
    return real, there


def _try(folder):
    path, file = _partial(folder)
    file.close()
    path.unlink()


def _sync_folder(folder):
    """Make the renaming itself last; Windows cannot open folders, and some file systems refuse."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def explained(path, what="write", folder=None):
    """Turn what the system says into a sentence; `folder` is where it said so."""
    try:
        yield
    except OSError as error:
        if folder is None:
            folder = Path(os.path.realpath(path)).parent if os.path.islink(path) else path.parent
        reason = REASONS.get(error.errno, f"{error.strerror or error}.").format(folder=folder)
        raise InputError(f"Cannot {what} {path}: {reason}") from error
