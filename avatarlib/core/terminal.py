"""What is shown while the library works: sentences and progress bars, which never stop it."""

import codecs
import sys
import unicodedata
from contextlib import suppress

from tqdm import tqdm

PLAIN = "avatarlib.plain"  # how to encode what a code page lacks
LOOK_ALIKES = str.maketrans("“”‘’–−×", "\"\"''--x")


def say(text=""):
    """Print a text and a line's end; what cannot be shown is shown otherwise, or not at all."""
    tqdm.write(str(text), file=Screen(sys.stdout))


def bar(*, shown=True, **settings):
    """A progress bar of tqdm on standard error; where that is gone, the work goes on without."""
    with suppress(OSError, ValueError):  # tqdm flushes the stream itself when it begins
        if sys.stderr:
            sys.stderr.flush()
            return tqdm(file=Screen(sys.stderr), disable=not shown, **settings)
    return tqdm(disable=True, **settings)


class Screen:
    """A stream to show something on, which may be closed, cut off or missing (None)."""

    def __init__(self, stream):
        self._stream = stream

    def write(self, text):
        """Write a text, if it can be written."""
        with suppress(OSError, ValueError, AttributeError):
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                known = self._stream.encoding
                self._stream.write(text.encode(known, PLAIN).decode(known))

    def flush(self):
        """Send what was written on its way, if there is one."""
        with suppress(OSError, ValueError, AttributeError):
            self._stream.flush()

    def __eq__(self, other):  # tqdm asks whether a bar stands where it is about to write
        return self._stream is getattr(other, "_stream", other)

    def __getattr__(self, name):
        return getattr(self._stream, name)


def _plainly(error):
    """A letter without its accent, a sign that looks alike, or the character's number."""
    missing = error.object[error.start : error.end]
    plain = ""
    for character in missing.translate(LOOK_ALIKES):
        parts = unicodedata.normalize("NFKD", character)
        plain += parts.encode("ascii", "ignore").decode() or ascii(character)[1:-1]
    return plain, error.end


codecs.register_error(PLAIN, _plainly)
