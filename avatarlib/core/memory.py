"""How much memory is free, asked before it is taken: a system without any kills without a word."""

from contextlib import suppress
from pathlib import Path

from avatarlib.core.errors import InputError

CONTAINER = Path("/sys/fs/cgroup")


def need_memory(needed, what):
    """Refuse work that the memory does not suffice for.

    Args:
        needed: bytes.
        what: takes them, for the sentence.

    Raises:
        InputError: there are fewer.
    """
    free = free_memory()
    if free is not None and needed > free:
        raise InputError(
            f"{what} would take {needed / 2**30:,.1f} GiB of memory; {free / 2**30:,.1f} GiB are "
            "free. Ask for fewer or smaller ones."
        )


def free_memory():
    """Bytes that this process may still take; None where the system does not say."""
    limits = [_in_meminfo(), _in_container(), _in_address_space()]
    return min((limit for limit in limits if limit is not None), default=None)


def _in_meminfo():
    """What Linux could give, some of it by swapping."""
    with suppress(OSError, LookupError, ValueError):
        lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
        found = {name: int(number) * 1024 for name, number, *_ in lines}
        return found["MemAvailable:"] + found["SwapFree:"]


def _in_container():
    """The limit of a container, such as Colab's or Docker's."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # not there, or "max"
            return int((CONTAINER / name).read_text())


def _in_address_space():
    """What `ulimit -v` leaves."""
    with suppress(ImportError, OSError, LookupError, ValueError):
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        return None if limit == resource.RLIM_INFINITY else limit - taken
