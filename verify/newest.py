"""What most people's machines bring: builds for GPUs, the newest of everything, and Python 3.13.

    python verify/newest.py --python python3.13
    python verify/newest.py --python python3.11 --newest

Makes an environment of its own, beside this one, and runs `make test` in it, and then three pages
where both frameworks meet, twenty times. `--newest` leaves out constraints.txt. The result is added
to verify/newest.md.
"""

import argparse
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "verify/newest.md"
PACKAGES = ("torch", "triton", "tensorflow", "numpy", "scipy", "pillow", "ipywidgets")
# Where both meet: two twins in one process; TensorFlow imported by its own name; weights of PyTorch
# that TensorFlow reads.
BOTH = {
    "torch": ["book/05-code/two-frameworks-one-network.ipynb"],
    "tensorflow": ["book/05-code/dcgan-tensorflow.ipynb", "book/06-evaluation/scores.ipynb"],
}
ONE_THREAD = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


def environment(python, newest, folder):
    """A new environment with the library and its extras, complete in the eyes of the Makefile."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    limits = [] if newest else ["-c", "constraints.txt"]
    command = [folder / "bin/python", "-m", "pip", "install", "--quiet", *limits, "-e", ".[all]"]
    subprocess.run(command, cwd=ROOT, check=True)
    # `make` finds it complete; a test finds that its versions are others on purpose.
    (folder / ".complete").write_text("the newest of everything\n" if newest else "")


def versions(folder):
    """What the environment has: package -> version, and Python's own."""
    command = [folder / "bin/python", "-m", "pip", "inspect"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    about = json.loads(done.stdout)
    found = {
        one["metadata"]["name"].lower(): one["metadata"]["version"] for one in about["installed"]
    }
    named = {name: found[name] for name in PACKAGES if name in found}
    return {"Python": about["environment"]["python_full_version"]} | named


def run(*command, **variables):
    """Run a command; give (pytest's last lines, minutes, whether it ended well)."""
    start = time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    print(done.stdout[-20_000:], flush=True)
    lines = re.findall(
        r"^=+ (.*\b(?:passed|failed|error)\b.*?) in .*=+$", done.stdout, re.MULTILINE
    )
    minutes = (time.monotonic() - start) / 60
    return "; ".join(lines) or "nothing ran", minutes, done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--newest", action="store_true", help="without constraints.txt")
    parser.add_argument("--environment", type=Path, help="one that is there already")
    parser.add_argument("--times", type=int, default=20, help="of the three pages")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as new:
        folder = options.environment and options.environment.absolute()
        if not folder:
            folder = Path(new) / "venv"
            environment(options.python, options.newest, folder)
        rows = [("`make test`", *run("make", "test", f"VENV={folder}"))]
        for i in range(options.times):
            for backend, pages in BOTH.items():
                about = ONE_THREAD | {"AVATARLIB_BACKEND": backend, "AVATARLIB_TIER": "check"}
                command = [folder / "bin/python", "-m", "pytest", *pages]
                rows.append((f"time {i + 1}, {backend}", *run(*command, **about)))
        write(versions(folder), options.newest, rows)
    return not all(good for *_, good in rows)


def write(found, newest, rows):
    """Add a section to the table."""
    title = "the newest of everything" if newest else "constraints.txt"
    listed = ", ".join(f"{name} {version}" for name, version in found.items())
    (what, said, minutes, _), *again = rows
    green, spent = sum(good for *_, good in again), sum(row[2] for row in again)
    lines = [
        f"\n## {title[0].upper() + title[1:]}, {datetime.date.today()}\n",
        listed,
        "",
        "| what | result | minutes |",
        "|---|---|---|",
        f"| {what} | {said} | {minutes:.0f} |",
        f"| three pages where both frameworks meet, {len(again) // len(BOTH)} times | "
        f"{green} of {len(again)} runs green | {spent:.0f} |",
    ]
    before = TABLE.read_text(encoding="utf-8") if TABLE.exists() else "# Other machines\n"
    TABLE.write_text(before + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
