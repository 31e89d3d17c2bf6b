"""How long a run was at work, without the time in which its machine slept."""

import time

ASLEEP = 10.0  # a lap of more seconds, of which the processor worked next to none, was sleep
IDLE = 0.05  # this share of a lap is next to none


class Stopwatch:
    """Counts the seconds of work, lap by lap.

    A clock that somebody sets is no measure, so it asks a monotonic one. A laptop that was closed
    and a process that was stopped have not worked: such a lap counts as nothing.

    Args:
        clock: seconds that only grow.
        work: seconds of the processor's work for this process.
    """

    def __init__(self, clock=time.monotonic, work=time.process_time):
        self._clock, self._work = clock, work
        self._last = clock(), work()
        self.asleep = 0.0

    def lap(self):
        """The seconds since the last lap, a float; 0 if they were sleep (added to `asleep`)."""
        now = self._clock(), self._work()
        seconds, worked = (a - b for a, b in zip(now, self._last, strict=True))
        self._last = now
        if seconds > ASLEEP and worked < IDLE * seconds:
            self.asleep += seconds
            return 0.0
        return seconds
