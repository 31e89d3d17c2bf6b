"""Writing files so that no half-written one is ever taken for whole."""

import errno
import os
from contextlib import contextmanager, suppress
from pathlib import Path

from avatarlib.core.errors import InputError


@contextmanager
def atomic_write(path):
    """Open a binary file that appears under `path` only when it is complete.

    The bytes go to a hidden file in the same folder, are flushed to the disk and then renamed. If
    anything fails on the way, the hidden file goes and an older file under `path` stays as it was.

    Args:
        path: where the finished file shall stand; its folder must exist.

    Yields:
        a binary file open for writing.

    Raises:
        InputError: the folder is missing, may not be written to, or its disk is full.
    """
    path = Path(path)
    # The process number keeps two runs that write the same file out of each other's way.
    partial = path.parent / f".{path.name}.{os.getpid()}.partial"
    try:
        try:
            with open(partial, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
            _sync_folder(path.parent)
        except OSError as error:
            raise InputError(_explain(error, path)) from error
    finally:
        with suppress(OSError):  # it is renamed, or there was none
            partial.unlink()


def remove_partial_files(folder):
    """Remove what `atomic_write` leaves in a folder when its program is killed while it writes."""
    for partial in Path(folder).glob(".*.partial"):
        with suppress(OSError):
            partial.unlink()


def _sync_folder(folder):
    """Make the renaming itself last; Windows cannot open folders, and some file systems refuse."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _explain(error, path):
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return f"Cannot write {path}: the folder {path.parent} does not exist. Create it first."
    if isinstance(error, PermissionError):
        return f"Cannot write {path}: no permission for {path.parent}. Choose another folder."
    if isinstance(error, IsADirectoryError):
        return f"Cannot write {path}: this is a folder. Give the name of a file."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"Cannot write {path}: the disk is full. Nothing was written; make room and retry."
    return f"Cannot write {path}: {error.strerror or error}."
