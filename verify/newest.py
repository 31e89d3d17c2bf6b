"""What most people's machines bring: builds for GPUs, the newest of everything, and Python 3.13.

    python verify/newest.py --python python3.13
    python verify/newest.py --python python3.11 --newest

Makes an environment of its own, beside this one, and runs in it the unit tests, every page under
both frameworks, and three pages that load both frameworks, twenty times. `--newest` leaves out
constraints.txt. The result is added to verify/newest.md.
"""

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "verify/newest.md"
PACKAGES = ("torch", "triton", "tensorflow", "numpy", "scipy", "pillow", "ipywidgets")
BOTH = (
    "book/05-code/two-frameworks-one-network.ipynb",
    "book/06-evaluation/scores.ipynb",
    "book/reference/model-cards.ipynb",
)
ONE_THREAD = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


def environment(python, newest, folder):
    """A new environment with the library and its extras; the path of its Python."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    run = folder / "bin/python"
    limits = [] if newest else ["-c", "constraints.txt"]
    command = [run, "-m", "pip", "install", "--quiet", *limits, "-e", ".[all]"]
    subprocess.run(command, cwd=ROOT, check=True)
    return run


def versions(run):
    """What the environment has: package -> version."""
    command = [run, "-m", "pip", "list", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = {one["name"].lower(): one["version"] for one in json.loads(done.stdout)}
    return {name: found[name] for name in PACKAGES if name in found}


def tests(run, *arguments, **variables):
    """Run pytest; give (its last line, minutes, whether all was green)."""
    start = time.monotonic()
    done = subprocess.run(
        [run, "-m", "pytest", "-q", *arguments],
        cwd=ROOT,
        env=os.environ | ONE_THREAD | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    print(done.stdout[-3000:], flush=True)
    lines = [line for line in done.stdout.splitlines() if re.search("passed|failed|error", line)]
    return (
        lines[-1].strip("= ") if lines else "nothing ran",
        (time.monotonic() - start) / 60,
        done.returncode == 0,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--newest", action="store_true", help="without constraints.txt")
    parser.add_argument("--environment", type=Path, help="one that is there already")
    parser.add_argument("--times", type=int, default=20, help="of the three pages")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = options.environment and options.environment / "bin/python"
        run = run or environment(options.python, options.newest, Path(folder))
        found, rows = versions(run), []
        rows.append(("unit tests", *tests(run, "tests", "--ignore", "tests/browser", "-n", "2")))
        for backend in ("torch", "tensorflow"):
            about = {"AVATARLIB_BACKEND": backend, "AVATARLIB_TIER": "check"}
            rows.append((f"every page, {backend}", *tests(run, "book", **about)))
        for i in range(options.times):
            backend = ("torch", "tensorflow")[i % 2]
            about = {"AVATARLIB_BACKEND": backend, "AVATARLIB_TIER": "check"}
            pages = BOTH if backend == "torch" else BOTH[1:]
            rows.append((f"three pages, time {i + 1}", *tests(run, *pages, **about)))
    write(found, options.newest, rows)
    return not all(green for *_, green in rows)


def write(found, newest, rows):
    """Add a section to the table."""
    title = "the newest of everything" if newest else "constraints.txt"
    listed = ", ".join(f"{name} {version}" for name, version in found.items())
    again = [row for row in rows if row[0].startswith("three pages")]
    lines = [f"\n## Python {platform.python_version()}, {title}, {datetime.date.today()}\n", listed]
    lines += ["", "| what | result | minutes |", "|---|---|---|"]
    lines += [f"| {what} | {said} | {minutes:.0f} |" for what, said, minutes, _ in rows[:3]]
    green = sum(row[3] for row in again)
    lines.append(f"| three pages that load both frameworks | {green} of {len(again)} times green | "
                 f"{sum(row[2] for row in again):.0f} |")  # fmt: skip
    before = TABLE.read_text(encoding="utf-8") if TABLE.exists() else "# Other machines\n"
    TABLE.write_text(before + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
