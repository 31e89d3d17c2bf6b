"""Two hundred kills, two containers, four threads and a full disk damage no file. Two minutes."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import writes


def test_two_hundred_kills_leave_no_damaged_file(tmp_path):
    count, inside, broken, left = writes.kills(tmp_path, 200)
    print(f"{inside} of {count} inside a write")
    assert inside >= 50 and not broken and not left


def test_two_containers_with_one_process_number_share_a_folder(tmp_path):
    for line in writes.containers(tmp_path, 20):
        assert line.endswith("problems: none"), line
    assert writes.damaged(tmp_path) == []


def test_four_threads_share_a_folder(tmp_path):
    found = writes.threads(tmp_path, 20)
    assert len(found) == 4 and all(saves > 5 and not problems for saves, problems in found)


def test_a_disk_that_fills_up_damages_nothing_and_is_named(tmp_path):
    found = writes.full_disk(tmp_path)
    if found is None:
        pytest.skip("only root may mount a disk, and not everywhere")
    attempts, said, broken = found
    assert attempts > 100 and said == [writes.SAID] and not broken


def test_a_damaged_file_would_be_found(tmp_path):
    writes.write_all(tmp_path, 1)
    assert writes.damaged(tmp_path) == []
    for name in writes.NAMES:
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    assert sorted(writes.damaged(tmp_path)) == sorted(writes.NAMES)
