"""One writer in a folder: a lock that its holder cannot forget to give back."""

from contextlib import suppress
from pathlib import Path

from avatarlib.core.errors import InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt


def lock_folder(folder):
    """Take a folder for oneself.

    The system gives the lock back when the file is closed or its process ends, however it ends.
    File systems that know no locks (some network drives) leave the folder open to everybody.

    Args:
        folder: an existing folder; the lock is a file `.lock` in it.

    Returns:
        the open file; close it to let others in.

    Raises:
        InputError: another process, or another run of this one, has the folder.
    """
    file = open(Path(folder) / ".lock", "wb")
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except (BlockingIOError, PermissionError) as error:
        with suppress(OSError):
            file.close()
        raise InputError(
            f"Another run is writing into {folder} at this moment. Let it end, or choose another "
            "folder."
        ) from error
    except OSError:  # no locks here: as good as it gets
        pass
    return file
