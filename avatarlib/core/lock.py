"""One writer in a folder: a lock that its holder cannot forget to give back."""

from pathlib import Path

from avatarlib.core.errors import InputError
from avatarlib.core.files import explained, lock


def lock_folder(folder):
    """Take a folder for oneself.

    The system gives it back when the file is closed or its process ends, however it ends.
    File systems that know no locks (some network drives) leave the folder open to everybody.

    Args:
        folder: an existing folder; a file named .lock appears in it.

    Returns:
        the open file; close it to let others in.

    Raises:
        InputError: another process, or another run of this one, has the folder; it may not be
            written to.
    """
    path = Path(folder) / ".lock"
    with explained(path):
        file = open(path, "wb")
    if lock(file) is False:
        file.close()
        raise InputError(
            f"Another run is writing into {folder} at this moment. Let it end, or choose another "
            "folder."
        )
    return file
