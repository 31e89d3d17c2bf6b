"""Proof that the notebooks' tests can fail.

nbval stays green, and compares nothing, when an output or its execution count is missing. So these
tests run little notebooks exactly as the book's are run, by book/pytest.ini and book/conftest.py.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def book(tmp_path):
    """An empty book whose notebooks run by the same rules as the real one's."""
    for name in ("pytest.ini", "conftest.py"):
        shutil.copy(ROOT / "book" / name, tmp_path)
    return tmp_path


def write(book, name="page", code="print((28, 28, 1))", stored="(28, 28, 1)\n", metadata=None):
    """Put a page into the book: a cell that is compared, and one that is only run."""
    tags = {"tags": ["nbval-check-output", "keep_output"]}
    compared = new_code_cell(code, metadata=tags, execution_count=1)
    compared.outputs = [new_output("stream", name="stdout", text=stored)]
    plain = new_code_cell("print('of no interest')", execution_count=2)
    plain.outputs = [new_output("stream", name="stdout", text="another text\n")]
    path = book / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=[compared, plain], metadata=metadata or {}), path)
    return path


def run(book, backend="torch"):
    """`pytest book`, as the Makefile says it; return the exit code and what was printed."""
    # Not the variables by which the pytest that runs this test would disturb the other one.
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV_"))}
    command = [sys.executable, "-m", "pytest", str(book)]
    environment = clean | {"AVATARLIB_BACKEND": backend, "AVATARLIB_TIER": "check"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    return result.returncode, result.stdout + result.stderr


def strip(path):
    """nbstripout with the options of the commit hook."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    entry = next(hook["entry"] for hook in hooks if hook["id"] == "nbstripout").split()
    assert entry[0] == "nbstripout"
    subprocess.run([sys.executable, "-m", *entry, str(path)], check=True)


@pytest.mark.parametrize(("backend", "cells"), [("torch", 4), ("tensorflow", 6)])
def test_good_pages_are_green_under_their_frameworks(book, backend, cells):
    warning = "import sys; print('a newer version warns', file=sys.stderr)"
    write(book, "as-run", code=f"{warning}\nprint((28, 28, 1))")
    strip(write(book, "stripped"))
    write(book, "one-framework", metadata={"avatarlib": {"backends": ["tensorflow"]}})
    code, printed = run(book, backend)
    assert code == 0, printed
    assert f" {cells} passed" in printed


def test_broken_cells_and_changed_outputs_are_red(book):
    write(book, "good")
    write(book, "broken", code="print((28, 28, 1))\nassert 1 == 2")
    write(book, "changed", stored="(32, 32, 3)\n")
    strip(write(book, "changed-and-stripped", stored="(32, 32, 3)\n"))
    code, printed = run(book)
    assert code == 1, printed
    # Each page's second cell stores another text than it prints, too; nobody compares it.
    red = set(re.findall(r"^FAILED .*?([\w-]+)\.ipynb::Cell (\d)", printed, re.MULTILINE))
    assert red == {("broken", "0"), ("changed", "0"), ("changed-and-stripped", "0")}, printed
    assert "3 failed, 5 passed" in printed


def test_stripping_keeps_only_what_is_compared(book):
    path = write(book)
    strip(path)
    compared, plain = nbformat.read(path, 4).cells
    assert compared.outputs and compared.execution_count == 1
    assert plain.outputs == []


def test_the_makefile_runs_the_book_by_these_rules():
    """The Makefile adds nothing to `pytest book` but the number of processes."""
    lines = [line for line in (ROOT / "Makefile").read_text().splitlines() if " book -n" in line]
    assert [re.sub(r"^.*\$\(PYTEST\) ", "", line) for line in lines] == ["book -n $(JOBS)"] * 2
