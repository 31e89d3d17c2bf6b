"""A run on a drive that fails: slowly, fully, in the middle of a write, or by changing its mind.

The drive is a folder whose files are written through `open_there`, which fails as it is told.
"""

import errno
import os
import re
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from test_loop import POINTS, bits, new_points, ring

import avatarlib as al
from avatarlib import runs
from avatarlib.training import backup as module
from avatarlib.training.checkpoint import checkpoints, load_checkpoint
from avatarlib.training.loop import Budget, Loop

STEPS = 40


class Drive:
    """A folder that fails when `fault` says so, at its n-th write from now."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.fault, self.writes = folder, None, 0
        self.folder.mkdir()
        whole = module.atomic_write

        def atomic_write(path):
            if Path(path).is_relative_to(self.folder):
                self.writes += 1
                if self.fault:
                    self.fault(path)
            return whole(path)

        monkeypatch.setattr(module, "atomic_write", atomic_write)


@pytest.fixture
def drive(tmp_path, monkeypatch):
    return Drive(tmp_path / "drive", monkeypatch)


def start(local, place, steps=STEPS, callbacks=()):
    """A run that saves after each step."""
    return Loop(new_points(), ring(), Budget(steps), local, callbacks, backup=place, save_every=0)


def steps_there(place):
    return sorted(steps for steps, *_ in module._sound(place))


class Ended(Exception):
    """The machine is gone."""


class EndsAt(al.training.callbacks.Callback):
    """The machine ends after a step; what is being copied then is cut off."""

    def __init__(self, step):
        self.step = step

    def after_step(self, loop, statistics):
        if loop.gan.steps == self.step:
            loop.backup.finish = lambda: None
            raise Ended


def test_the_last_two_checkpoints_and_the_history_are_there(tmp_path, drive):
    run = start(tmp_path / "here", drive.folder)(False)
    assert steps_there(drive.folder) == [STEPS - 1, STEPS] and run.warnings == []
    for path in (*checkpoints(tmp_path / "here"), tmp_path / "here/history.jsonl"):
        assert (drive.folder / path.name).read_bytes() == path.read_bytes()
    assert not list(drive.folder.glob(".*"))


def test_another_machine_goes_on_from_there_bit_for_bit(tmp_path, drive):
    whole = Loop(new_points(), ring(), Budget(STEPS))(False)
    start(tmp_path / "first", drive.folder, 25)(False)
    loop = start(tmp_path / "second", drive.folder)
    assert loop.gan.steps == 25
    run = loop(False)
    assert bits(run.gan) == bits(whole.gan)
    assert [row["step"] for row in run.history] == list(range(1, STEPS + 1))


FAULTS = ["slow", "full", "gone in the middle", "back with an older file", "another name"]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", FAULTS)
def test_a_session_that_ends_loses_no_checkpoint_that_was_there(kind, seed, tmp_path, drive):
    """Two interruptions of each kind (verify/test_drive.py makes thirty)."""
    interrupt(kind, seed, tmp_path, drive)


def interrupt(kind, seed, tmp_path, drive):
    """Train, end at a random step under a fault, and go on elsewhere."""
    rng = np.random.default_rng([seed, FAULTS.index(kind)])
    end, begins = int(rng.integers(8, 30)), int(rng.integers(2, 6))
    verified = []

    class Watch(al.training.callbacks.Callback):
        def after_step(self, loop, statistics):
            if loop.gan.steps == begins:
                loop.backup.finish()
                verified.append(max(steps_there(drive.folder)))
                drive.fault = fault

    def fault(path):
        if kind == "slow":
            time.sleep(0.02)
        if kind == "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if kind == "gone in the middle" and rng.random() < 0.5:
            (drive.folder / f".{Path(path).name}.1.partial").write_bytes(b"half")
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))

    loop = start(tmp_path / "first", drive.folder, callbacks=[Watch(), EndsAt(end)])
    with pytest.raises(Ended):
        loop(False)
    if loop.backup._thread:
        loop.backup._thread.join()  # the process would be gone; here its thread would go on
    drive.fault = None
    there = checkpoints(drive.folder)
    if kind == "back with an older file" and len(there) == 2:
        shutil.copyfile(there[0], there[1])
    if kind == "another name":
        there[-1].rename(drive.folder / f"{there[-1].stem} (1).safetensors")
    assert max(steps_there(drive.folder)) >= verified[0]
    again = start(tmp_path / "second", drive.folder)
    assert again.gan.steps == max(steps_there(drive.folder))
    run = again(False)
    assert bits(run.gan) == bits(Loop(new_points(), ring(), Budget(STEPS))(False).gan)
    assert steps_there(drive.folder) == [STEPS - 1, STEPS]


def test_a_drive_without_space_is_named_and_training_goes_on(tmp_path, drive):
    def full(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    drive.fault = full
    run = start(tmp_path / "here", drive.folder, 10)(False)
    assert run.gan.steps == 10 and load_checkpoint(tmp_path / "here")[1]["steps"] == 10
    assert re.search(r"could not take a copy \(.*No space left.*safe in \S*here", run.warnings[-1])


def test_a_copy_that_is_not_what_was_written_does_not_count(tmp_path, drive, monkeypatch):
    """A drive that loses bytes without a word: the older checkpoint stays there."""
    start(tmp_path / "here", drive.folder, 5)(False)

    def read_bytes(path, read=Path.read_bytes):
        content = read(path)
        return content[:-1] if path.parent == drive.folder else content

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    run = start(tmp_path / "here", drive.folder, 9)(False)
    assert "is not what was written" in run.warnings[-1]
    monkeypatch.undo()
    assert 5 in steps_there(drive.folder)


def test_a_slow_drive_holds_no_step_up(tmp_path, drive):
    """The first copy lasts as long as all steps; then the newest checkpoint is copied."""
    trained, waited = threading.Event(), []
    drive.fault = lambda path: waited.append(trained.wait(60))

    class Trained(al.training.callbacks.Callback):
        def after_step(self, loop, statistics):
            if loop.gan.steps == 30:
                assert drive.writes == 1  # of the first checkpoint, and it is not there yet
                trained.set()

    start(tmp_path / "here", drive.folder, 30, [Trained()])(False)
    assert steps_there(drive.folder)[-1] == 30 and all(waited)


def test_what_is_here_and_newer_is_gone_on_with_and_said(tmp_path, drive, capsys):
    start(tmp_path / "here", drive.folder, 6)(False)
    for path in drive.folder.iterdir():
        path.unlink()
    assert start(tmp_path / "here", drive.folder).gan.steps == 6
    assert "has none. To start anew, choose another folder." in capsys.readouterr().out


def test_a_folder_on_drive_gets_copies_while_the_run_writes_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "DRIVE", str(tmp_path / "drive"))
    monkeypatch.setenv("AVATARLIB_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "drive/MyDrive/run"
    al.train(POINTS, ring(), steps=3, out=out, progress=False)
    assert (out / "checkpoint-00000003.safetensors").exists()
    assert al.train(POINTS, ring(), steps=5, out=out, progress=False).gan.steps == 5
    local = [path for path in (tmp_path / "cache/runs").iterdir()]
    assert len(local) == 1 and local[0].name.startswith("run-") and checkpoints(local[0])
