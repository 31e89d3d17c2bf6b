"""A run's files, copied to a place that may fail: Google Drive, a network folder, a stick.

Training writes to this machine's own disk, so that a slow or broken drive holds nothing up. After
each checkpoint a thread copies what is new, reads it back and compares; only then do older
checkpoints go from there. Whatever fails there is said, and tried again after the next checkpoint.
"""

import re
import threading
from contextlib import suppress
from pathlib import Path

from avatarlib.core.arrays import load_arrays, save_arrays
from avatarlib.core.errors import InputError
from avatarlib.core.files import atomic_write, make_folder, remove_partial_files
from avatarlib.core.terminal import say
from avatarlib.training.checkpoint import KEPT, checkpoints

# Drive keeps two files of one name apart as "checkpoint-00000012 (1).safetensors".
CHECKPOINT = re.compile(r"checkpoint-\d+( \(\d+\))?\.safetensors( \(\d+\))?")


class Backup:
    """Copies of a run's folder in another folder.

    Args:
        folder: where the run writes, on this machine.
        place: where the copies go. It need not exist yet, nor stay.

    Attributes:
        problem: a sentence about what failed last; None when all that is new has been copied.
    """

    def __init__(self, folder, place):
        self.folder, self.place, self.problem = Path(folder), Path(place), None
        self._copied, self._thread = {}, None

    def fetch(self):
        """Bring the newest sound checkpoint here, unless the run's own folder is as far.

        What counts is what a file says of itself: a drive may give an older file back, or another
        name.

        Raises:
            InputError: this machine's folder cannot be written to.
        """
        make_folder(self.folder)
        own = max((steps for steps, *_ in _sound(self.folder)), default=-1)
        steps, arrays, header = max(
            _sound(self.place), key=lambda one: one[0], default=(-1, None, None)
        )
        if steps < own:
            say(
                f"Going on from the copy of this run in {self.folder}, after step {own:,}; "
                f"{self.place} has {'an older one' if steps >= 0 else 'none'}. To start anew, "
                "choose another folder."
            )
        if steps <= own:
            return
        save_arrays(self.folder / f"checkpoint-{steps:08}.safetensors", arrays, header)
        with suppress(OSError):  # a run goes on without its history, too
            rows = (self.place / "history.jsonl").read_bytes()
            with atomic_write(self.folder / "history.jsonl") as file:
                file.write(rows)

    def start(self):
        """Copy what is new, in a thread of its own; one that is still at it is not disturbed."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._copy, name="backup", daemon=True)
            self._thread.start()

    def finish(self):
        """Wait until everything that is new has been copied, or has failed."""
        if self._thread:
            self._thread.join()
        self._copy()

    def _copy(self):
        try:
            self._copy_new_files()
            self.problem = None
        except (OSError, InputError) as error:
            self.problem = (
                f"{self.place} could not take a copy ({error}). Training goes on; the run is safe "
                f"in {self.folder} as long as this machine is. The next checkpoint tries again."
            )

    def _copy_new_files(self):
        """Each file whose size or time has changed, the checkpoints first."""
        make_folder(self.place)
        remove_partial_files(self.place)
        for path in sorted(self._new_files(), key=lambda path: not CHECKPOINT.match(path.name)):
            with suppress(FileNotFoundError):  # the run has removed it meanwhile
                stamp = _stamp(path)
                target = self.place / path.relative_to(self.folder)
                make_folder(target.parent)
                _copy_file(path, target)
                self._copied[path] = stamp
        self._remove_old()

    def _new_files(self):
        for path in self.folder.rglob("*"):
            hidden = any(part.startswith(".") for part in path.relative_to(self.folder).parts)
            with suppress(FileNotFoundError):
                if path.is_file() and not hidden and _stamp(path) != self._copied.get(path):
                    yield path

    def _remove_old(self):
        """From there, all checkpoints but the last ones, each of which was read back."""
        kept = {path.name for path in checkpoints(self.folder)[-KEPT:] if path in self._copied}
        if len(kept) < min(KEPT, len(checkpoints(self.folder))):
            return
        for path in self.place.iterdir():
            if CHECKPOINT.fullmatch(path.name) and path.name not in kept:
                path.unlink()


def _sound(folder):
    """(steps, arrays, header) of each checkpoint in a folder that can be read whole."""
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            if CHECKPOINT.fullmatch(path.name):
                with suppress(OSError, InputError, KeyError):
                    arrays, header = load_arrays(path)
                    yield header["steps"], arrays, header


def _stamp(path):
    about = path.stat()
    return about.st_size, about.st_mtime_ns


def _copy_file(path, target):
    """Copy, and read back.

    Raises:
        OSError: the copy is not what was written.
    """
    content = path.read_bytes()
    with atomic_write(target) as file:
        file.write(content)
    if target.read_bytes() != content:
        target.unlink()
        raise OSError(f"what {target.name} holds there is not what was written")
