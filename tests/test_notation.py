"""The table of equations is complete: each has its function, which names it, and its test."""

import ast
import json
import re
from pathlib import Path

import pytest

from avatarlib import metrics, theory
from avatarlib.evaluation import people

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "book" / "reference" / "notation.md"
CHAPTERS = sorted((ROOT / "book").glob("0[234]-*.ipynb")) + sorted(
    (ROOT / "book" / "06-evaluation").glob("*.ipynb")
)
ROOMS = {"theory": theory, "metrics": metrics, "people": people}
ROW = re.compile(r"^\| \{eq\}`(eq-[\w-]+)` \| (?:`([^`]+)`|definition only) \| (?:`(\w+)`|) ?\|$")


def equations(chapter):
    """The labels of a notebook's numbered equations."""
    cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return re.findall(r"```\{math\}\n:label: (eq-[\w-]+)", text)


def rows():
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    found = [ROW.match(line) for line in lines if line.startswith("| {eq}")]
    assert all(found), "a row that cannot be read"
    return [match.groups() for match in found]


def functions_of_tests():
    for file in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield node.name


def test_the_table_has_the_chapters_equations_and_no_others():
    numbered = [label for chapter in CHAPTERS for label in equations(chapter)]
    assert len(numbered) == len(set(numbered)) > 0
    assert {label for label, *_ in rows()} == set(numbered)


@pytest.mark.parametrize(("label", "function", "test"), rows())
def test_function_and_test_exist_and_the_function_names_its_equation(label, function, test):
    if function is None:
        assert test is None, "a definition has no test"
        return
    found = eval(function, vars(theory) | ROOMS)
    parts = found if isinstance(found, theory.Loss) else [found]
    assert any(f"`{label}`" in (part.__doc__ or "") for part in parts)
    assert test in set(functions_of_tests())


def test_every_equation_that_a_docstring_names_is_numbered_on_a_page():
    named = set()
    for room in ROOMS:
        for file in (ROOT / "avatarlib" / room).glob("*.py"):
            named |= set(re.findall(r"`(eq-[\w-]+)`", file.read_text(encoding="utf-8")))
    numbered = {label for chapter in CHAPTERS for label in equations(chapter)}
    assert named <= numbered, "named in a docstring, but on no page"
