"""Ctrl-C and SIGTERM, noted and acted on when ready; and helpers that end with their parent."""

import os
import signal
import threading
import time
from contextlib import suppress


class Interruption:
    """Notes SIGTERM and Ctrl-C, so that a step can be finished and saved first.

    A second signal acts at once, as usual. Outside the main thread Python has no signals, and
    nothing is noted.
    """

    def __enter__(self):
        self.signal, self._before = None, {}
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(ValueError):  # not the main thread
                self._before[number] = signal.signal(number, self._note)
        return self

    def _note(self, number, frame):
        self.signal = number
        self._restore()

    def _restore(self):
        for number, handler in self._before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        self._before = {}

    def __exit__(self, *error):
        self._restore()
        if self.signal and not any(error):
            signal.raise_signal(self.signal)  # SIGINT becomes KeyboardInterrupt, SIGTERM ends


def end_with_parent(parent):
    """Watch the process that began the work: once it is gone, however it ended, end, too.

    A worker of a killed process would wait in a pipe for ever. On Windows, where a process keeps
    the name of its dead parent, nothing is watched.

    Args:
        parent: its number; called from that process itself, this does nothing.
    """
    if os.getpid() == parent:
        return

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
