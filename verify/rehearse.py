"""Colab, rehearsed: its versions, each page alone in an empty folder, its own first cell unchanged.

    python verify/rehearse.py                      every list in verify/colab
    python verify/rehearse.py --list 2026-08-19    one of them
    python verify/rehearse.py --here               in this Python's environment: Colab's own image
    python verify/rehearse.py --renew FREEZE --python 3.13 --source ADDRESS --date 2026-08-19

Colab publishes what its machines have installed (github.com/googlecolab/backend-info). From such a
list an environment is made here; then every notebook of colab/ runs in it to its end, under both
frameworks, and its first cell installs avatarlib from the address of the repository, which git
finds on this disk. The result is added to verify/rehearse.md.
"""

import argparse
import datetime
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
LISTS = ROOT / "verify/colab"
TABLE = ROOT / "verify/rehearse.md"
PAGES = ROOT / "colab"
# What a machine of Colab's has and a page needs, or whatever runs a page; pip adds what these need.
HAVE = """
    torch tensorflow keras numpy scipy matplotlib pillow ipywidgets widgetsnbextension ipython
    ipykernel notebook nbclient nbformat joblib safetensors platformdirs tqdm typer setuptools pip
""".split()
ONE_THREAD = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}

# Runs in the environment that is rehearsed: executes a notebook and prints its fault, if any.
RUN = """
import sys, nbclient, nbformat
page = nbformat.read(sys.argv[1], 4)
client = nbclient.NotebookClient(page, timeout=600, kernel_name="python3")
try:
    client.execute()
except nbclient.exceptions.CellExecutionError as error:
    sys.exit(str(error)[-3000:])
"""


# ------------------------------------------------------------------------------------ the lists


def renew(freeze, python, source, date):
    """Write a list of ours from a published one: a head of comments, and name==version lines."""
    pins = dict(filter(None, map(pin, Path(freeze).read_text(encoding="utf-8").splitlines())))
    lines = [
        f"# What Google Colab had installed on {date}, with Python {python}.",
        f"# Source: {source}",
        f"# python verify/rehearse.py --renew FILE --python {python} --date {date} --source ...",
        *(f"{name}=={version}" for name, version in sorted(pins.items())),
    ]
    LISTS.mkdir(exist_ok=True)
    (LISTS / f"{date}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def pin(line):
    """("numpy", "2.1.3") of a line of `pip freeze`; a wheel's address names its version."""
    name, _, wheel = line.partition(" @ ")
    if wheel:
        found = re.search(r"/[\w.]+-([\d.]+)(?:%2B\w+)?-cp\d+-", wheel)
        return found and (name.lower(), found[1])
    name, _, version = line.partition("==")
    name = name.lower().replace("_", "-")
    # PyTorch from the registry brings a card's libraries in versions of its own.
    return (name, version) if version and not name.startswith("nvidia-") else None


def read_list(file):
    """(Python's version, {name: version}) of a list of ours."""
    text = file.read_text(encoding="utf-8")
    pins = dict(line.split("==") for line in text.splitlines() if "==" in line and line[0] != "#")
    return re.search(r"with Python (\d+\.\d+)", text)[1], pins


# ------------------------------------------------------------------------------------ the machine


def environment(file, folder):
    """An environment with a list's versions of what Colab's machines have; its Python."""
    python, pins = read_list(file)
    program = shutil.which(f"python{python}")
    if not program:
        sys.exit(f"{file.name} is of Python {python}, and there is no python{python} here.")
    subprocess.run([program, "-m", "venv", folder], check=True)
    limits = folder / "constraints.txt"
    limits.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()))
    wanted = [f"{name}=={pins[name]}" for name in HAVE if name in pins]
    install = [folder / "bin/python", "-m", "pip", "install", "--quiet", "-c", limits]
    subprocess.run([*install, *wanted], check=True)
    return folder / "bin/python"


def freeze(python):
    """{name: version} of what a Python's environment has."""
    command = [python, "-m", "pip", "list", "--format", "json"]
    listed = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return {one["name"].lower(): one["version"] for one in listed}


def variables(backend):
    """The environment's own variables; git finds the repository's address on this disk."""
    address = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]
    own = {
        "AVATARLIB_BACKEND": backend,
        "AVATARLIB_TIER": "check",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{ROOT.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": address["url"],
    }
    return os.environ | ONE_THREAD | own


# ------------------------------------------------------------------------------------ the pages


def install(python):
    """Do what the first code cell of a page says; (seconds, megabytes, what it changed)."""
    before = freeze(python)
    _, *command = shlex.split(first_cell(next(PAGES.rglob("*.ipynb"))))
    start = time.monotonic()
    done = subprocess.run(
        [python, "-m", "pip", *command, "--no-cache-dir"],
        env=variables("torch"),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"The first cell failed:\n{done.stdout}\n{done.stderr}")
    seconds, after = time.monotonic() - start, freeze(python)
    sizes = re.findall(r"Downloading \S+ \(([\d.]+) (kB|MB)\)", done.stdout)
    megabytes = sum(float(size) / (1000 if unit == "kB" else 1) for size, unit in sizes)
    return seconds, megabytes, {name for name in before if after.get(name) != before[name]}


def first_cell(path):
    """The source of a notebook's first code cell."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    source = next(cell["source"] for cell in cells if cell["cell_type"] == "code")
    return "".join(source).strip()


def rehearse(page, python, backend):
    """Run one page alone in an empty folder; (seconds, its fault or "")."""
    with tempfile.TemporaryDirectory() as empty:
        shutil.copy(page, empty)
        start = time.monotonic()
        done = subprocess.run(
            [python, "-c", RUN, page.name],
            cwd=empty,
            env=variables(backend) | {"AVATARLIB_CACHE": f"{empty}/cache"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        return time.monotonic() - start, done.stderr.strip() if done.returncode else ""


def backends_of(page):
    """The frameworks under which a page is to run, as its source in the book says."""
    source = ROOT / page.relative_to(PAGES)
    metadata = json.loads(source.read_text(encoding="utf-8"))["metadata"]
    return metadata.get("avatarlib", {}).get("backends", ["torch", "tensorflow"])


def rehearse_all(python):
    """Run every page; (lines of the table, whether all went well)."""
    seconds, megabytes, changed = install(python)
    lines = [
        f"The first cell: {seconds:.0f} s, {megabytes:.1f} MB downloaded; installed packages that "
        f"it changed: {', '.join(sorted(changed)) or 'none'}.",
        "",
        "| page | backend | seconds | |",
        "|---|---|---|---|",
    ]
    good = not changed
    for page in sorted(PAGES.rglob("*.ipynb")):
        for backend in backends_of(page):
            spent, fault = rehearse(page, python, backend)
            name = page.relative_to(PAGES).as_posix()
            lines.append(
                f"| {name} | {backend} | {spent:.0f} | {'FAILED' if fault else 'passed'} |"
            )
            print(lines[-1], fault, sep="\n" if fault else "", flush=True)
            good = good and not fault
    return lines, good


def report(title, python):
    """Rehearse everything and add a section to the table; whether all went well."""
    lines, good = rehearse_all(python)
    found = freeze(python)
    versions = ", ".join(f"{name} {found[name]}" for name in HAVE[:4] if name in found)
    before = TABLE.read_text(encoding="utf-8") if TABLE.exists() else "# Colab, rehearsed\n"
    title = f"\n## {title}, rehearsed on {datetime.date.today()}\n"
    text = "\n".join([before + title, f"{versions}.", "", *lines]) + "\n"
    TABLE.write_text(text, encoding="utf-8")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", help="a date; without it, each of verify/colab")
    parser.add_argument("--environment", type=Path, help="the Python of one that is there already")
    parser.add_argument("--here", action="store_true", help="in this Python's environment")
    parser.add_argument("--renew", metavar="FREEZE", help="make a list from a published one")
    parser.add_argument("--python", help="of that list, such as 3.13")
    parser.add_argument("--source", help="of that list, an address")
    parser.add_argument("--date", help="of that list")
    options = parser.parse_args()
    if options.renew:
        renew(options.renew, options.python, options.source, options.date)
        return 0
    if options.here:
        return not report("Colab's image", Path(sys.executable))
    good = True
    for file in sorted(LISTS.glob(f"{options.list or '*'}.txt")):
        with tempfile.TemporaryDirectory() as new:
            python = options.environment or environment(file, Path(new) / "venv")
            good = report(f"Colab's list of {file.stem}", python.absolute()) and good
    return not good


if __name__ == "__main__":
    sys.exit(main())
