"""A newcomer's first minutes: clone, `make install`, and the versions are those of constraints.txt.

It downloads everything anew, and takes some minutes.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone of the last commit, installed."""
    folder = tmp_path_factory.mktemp("fresh") / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    # The makefile that runs this test hands its own settings down; a newcomer has none.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    subprocess.run(["make", "install", "PYTHON=python3"], cwd=folder, env=environment, check=True)
    return folder


def test_exactly_the_pinned_versions_were_installed(clone):
    command = [".venv/bin/python", "-m", "pip", "freeze", "--all", "--exclude-editable"]
    frozen = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=True).stdout
    installed = {re.sub(r"\+.*", "", line) for line in frozen.splitlines()}
    pinned = (clone / "constraints.txt").read_text().splitlines()
    # pip is as old as the Python; PyTorch's builds for GPUs bring packages of their own.
    other = re.compile(r"pip==|nvidia-|cuda-|triton==")
    assert {line for line in installed if not other.match(line)} == set(pinned[1:])


def test_the_library_runs(clone):
    command = [".venv/bin/python", "-m", "avatarlib", "--help"]
    assert "render" in subprocess.run(command, cwd=clone, capture_output=True, text=True).stdout


def test_a_half_made_environment_is_made_again(clone):
    """What an interrupted installation leaves is thrown away, not mended."""
    (clone / ".venv" / ".complete").unlink()
    plan = subprocess.run(["make", "-n", "install"], cwd=clone, capture_output=True, text=True)
    assert "-m venv .venv" in plan.stdout
