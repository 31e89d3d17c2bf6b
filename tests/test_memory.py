"""Memory is counted before it is taken."""

import os
import resource

import pytest

from avatarlib import sample
from avatarlib.core import memory
from avatarlib.core.errors import InputError
from avatarlib.core.memory import free_memory, need_memory
from avatarlib.data import render

GIB = 2**30


def test_more_than_there_is_is_refused_with_both_numbers(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 2 * GIB)
    need_memory(2 * GIB, "Exactly as many")
    with pytest.raises(InputError) as said:
        need_memory(2.5 * GIB, "Five avatars")
    assert str(said.value) == (
        "Five avatars would take 2.5 GiB of memory; 2.0 GiB are free. Ask for fewer or smaller "
        "ones."
    )


def test_where_the_system_does_not_say_nothing_is_refused(monkeypatch):
    for name in ("_in_meminfo", "_in_container", "_in_address_space"):
        monkeypatch.setattr(memory, name, lambda: None)
    assert free_memory() is None
    need_memory(1e30, "Whatever this is")


@pytest.mark.skipif(not os.path.exists("/proc/meminfo"), reason="this is not Linux")
def test_linux_says_how_much_is_free():
    in_all = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 2**20 < memory._in_meminfo() and 2**20 < free_memory()
    assert memory._in_meminfo() < 8 * in_all  # with swap


@pytest.mark.parametrize(
    "name, text, limit",
    [
        ("memory.max", "1073741824\n", GIB),
        ("memory.max", "max\n", None),
        ("memory/memory.limit_in_bytes", "2147483648\n", 2 * GIB),
        ("nothing", "", None),
    ],
)
def test_a_container_has_a_limit_of_its_own(tmp_path, monkeypatch, name, text, limit):
    monkeypatch.setattr(memory, "CONTAINER", tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    assert memory._in_container() == limit
    if limit:
        monkeypatch.setattr(memory, "_in_meminfo", lambda: 100 * GIB)
        monkeypatch.setattr(memory, "_in_address_space", lambda: None)
        assert free_memory() == limit


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="this is not Linux")
def test_the_limit_of_a_shell_counts(monkeypatch):
    assert memory._in_address_space() is None or memory._in_address_space() > 0
    monkeypatch.setattr(resource, "getrlimit", lambda which: (2**46, 2**46))
    assert 2**45 < memory._in_address_space() < 2**46


def test_too_many_avatars_are_refused_before_any_is_made():
    for count, size in ((4_000_000, 512), (10**12, 16)):
        with pytest.raises(InputError, match=f"{count:,} avatars of {size} pixels would take"):
            render("big-smile", count, size)
    with pytest.raises(InputError, match="GiB of memory; .* are free. Ask for fewer or smaller"):
        sample("big-smile-32", 10**12)
