"""The list of planted bugs still fits the library; `python verify/plant_bugs.py` plays it."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
tomllib = pytest.importorskip("tomllib")  # Python 3.11
LIST = ROOT / "verify/planted_bugs.toml"
if not LIST.exists():
    pytest.skip("a copy of the library without the list", allow_module_level=True)
BUGS = tomllib.loads(LIST.read_text(encoding="utf-8"))["bug"]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug["name"])
def test_a_bug_can_be_planted(bug):
    text = (ROOT / bug["file"]).read_text(encoding="utf-8")
    assert text.count(bug["old"]) == 1, "say in the list what stands there now"
    assert bug["new"] != bug["old"] and bug["reader"].endswith(".")
    planted = ast.parse(text.replace(bug["old"], bug["new"]))
    assert ast.dump(planted) != ast.dump(ast.parse(text))  # no mere comment


def test_the_list_is_long_and_covers_both_twins():
    names = [bug["name"] for bug in BUGS]
    assert len(set(names)) == len(names) >= 30
    for room in ("torch", "tensorflow", "training"):
        assert sum(f"/{room}/" in bug["file"] for bug in BUGS) >= 10


def test_random_mutations_are_a_function_of_the_seed_and_change_one_thing(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "verify"))
    plant_bugs = pytest.importorskip("plant_bugs")
    made = list(plant_bugs.random_bugs(30, 5))
    assert [bug["text"] for bug in plant_bugs.random_bugs(30, 5)] == [bug["text"] for bug in made]
    for bug in made:
        before = ast.unparse(ast.parse((ROOT / bug["file"]).read_text(encoding="utf-8")))
        old, new = before.splitlines(), bug["text"].splitlines()
        assert len(old) == len(new)
        assert sum(a != b for a, b in zip(old, new, strict=True)) == 1, bug["name"]
    sys.modules.pop("plant_bugs")
