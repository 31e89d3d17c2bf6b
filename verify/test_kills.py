"""A run that is killed fifty times ends like one that was left in peace. Some 25 minutes."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import kills


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_fifty_kills_change_no_bit(backend):
    counts, differing = kills.compare(backend, 12_000, 50, 3 * kills.STOPS)
    print(backend, counts)
    assert not differing
    assert counts["SIGKILL"] == 50 and counts["inside a write"] >= 10
    assert counts["SIGTERM"] == counts["SIGINT"] == 3
