"""Build the wheel and try it: `make wheel`, or `python tools/build_wheel.py --python python3.12`.

The wheel is checked as a registry would, must hold the library and nothing else, and is installed
into an empty environment, where it draws. It comes to _build/wheel.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "_build/wheel"
LARGEST = 20e6  # bytes
DRAW = """
import avatarlib as al
pictures = al.sample("big-smile-32", 4)
assert pictures.shape == (4, 32, 32, 3) and pictures.std() > 20, pictures.shape
print("avatarlib", al.__version__, "drew", len(pictures), "avatars")
"""


def main():
    """Build, check, install, draw; exit with 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", nargs="*", default=[sys.executable], help="to install it in")
    options = parser.parse_args()
    wheel = build()
    check(wheel)
    for python in options.python:
        draw(wheel, python)


def build():
    """The wheel's file."""
    shutil.rmtree(TARGET, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", TARGET]
    subprocess.run([*pip, ROOT], check=True)
    return next(TARGET.glob("*.whl"))


def check(wheel):
    """Its size, what is in it, and what a registry would object to."""
    size = wheel.stat().st_size
    strange = [
        name
        for name in zipfile.ZipFile(wheel).namelist()
        if not name.startswith(("avatarlib/", "avatarlib-"))
    ]
    if size > LARGEST:
        sys.exit(f"{wheel.name} has {size / 1e6:.1f} MB; {LARGEST / 1e6:.0f} is the most.")
    if strange:
        sys.exit(f"{wheel.name} holds what is not the library: {', '.join(strange[:5])}.")
    with environment(sys.executable, "twine") as python:
        subprocess.run([python, "-m", "twine", "check", "--strict", wheel], check=True)
    print(f"{wheel.name}: {size / 1e6:.1f} MB")


def draw(wheel, python):
    """Install it into an empty environment and draw."""
    with environment(python, "-c", ROOT / "constraints.txt", f"{wheel}[torch]") as inside:
        subprocess.run([inside, "-c", DRAW], cwd=TARGET, check=True)


@contextmanager
def environment(python, *wanted):
    """The Python of a new environment with some packages, which is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([python, "-m", "venv", folder], check=True)
        inside = Path(folder) / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        subprocess.run([inside, "-m", "pip", "install", "--quiet", *wanted], check=True)
        yield inside


if __name__ == "__main__":
    main()
