"""Every planted bug of the list turns a test red, or is proved to change no number."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("plant_bugs.py")


def test_no_planted_bug_survives():
    command = [sys.executable, SCRIPT, "--random", "0", "--no-table"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    survivors = [line for line in done.stdout.splitlines() if line.startswith("SURVIVED")]
    assert done.returncode == 0, survivors or done.stdout[-2000:]
