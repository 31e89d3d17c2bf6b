"""The builds for GPUs, the newest of everything, Python 3.13: `make test`, and pages again."""

import shutil
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("newest.py")


def test_what_most_machines_bring_passes_everything():
    python = shutil.which("python3.13") or sys.executable
    command = [sys.executable, SCRIPT, "--python", python, "--newest"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
