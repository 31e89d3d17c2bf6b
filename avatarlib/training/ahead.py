"""What coming steps are made from, got ready by other threads while a card computes."""

from concurrent.futures import ThreadPoolExecutor

STEPS = 16  # got ready ahead of their time, at most
READ_LATER = 8  # steps that a card may be behind what it was asked for


class Ahead:
    """A function of the step's number, computed before it is asked for.

    Use it in a `with` statement: at its end, the threads end.

    Args:
        function: from a step's number to whatever it is made from; no state, so that it may run in
            several threads at once. NumPy lets other threads run while it draws.
        threads: how many; 0 computes each step when it is asked for.
    """

    def __init__(self, function, threads):
        self._function, self._waiting = function, {}
        self._pool = ThreadPoolExecutor(threads, "ahead") if threads else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def __call__(self, step):
        """What the step is made from."""
        if not self._pool:
            return self._function(step)
        for coming in range(step, step + STEPS):
            if coming not in self._waiting:
                self._waiting[coming] = self._pool.submit(self._function, coming)
        return self._waiting.pop(step).result()


def spare_threads():
    """How many threads may get batches ready: one fewer than processors, at least 1."""
    from joblib import cpu_count  # it knows what a container may use; it takes a while to import

    return max(cpu_count() - 1, 1)
