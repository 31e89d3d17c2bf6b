"""Our scores are those of torch-fidelity and pytorch-fid; a few minutes, and some gigabytes.

The environment is made once, in _build/verify-metrics; delete that folder to have it made anew.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "_build/verify-metrics"
# pytorch-fid calls SciPy's sqrtm with an argument that 1.18 has no more.
WANTED = ["torch-fidelity==0.4.0", "pytorch-fid==0.3.0", "scipy<1.18"]


@pytest.fixture(scope="module")
def python():
    """The Python of an environment with those libraries and ours."""
    found, stamp = FOLDER / "bin/python", FOLDER / ".complete"
    if not stamp.exists():
        subprocess.run([sys.executable, "-m", "venv", FOLDER], check=True)
        command = [found, "-m", "pip", "install", "--quiet", *WANTED, "--editable", ROOT]
        subprocess.run(command, check=True)
        stamp.touch()
    return found


def test_the_same_features_have_the_same_scores(python):
    script = Path(__file__).with_name("metric_libraries.py")
    done = subprocess.run([python, script], stdout=subprocess.PIPE, text=True)
    print(done.stdout)
    assert done.returncode == 0, done.stdout
