"""The list of planted bugs still fits the library; `python verify/plant_bugs.py` plays it."""

import ast
import re
import tomllib
from pathlib import Path

import plant_bugs
import pytest

ROOT = Path(__file__).resolve().parents[1]
BUGS = tomllib.loads(plant_bugs.LIST.read_text(encoding="utf-8"))["bug"]


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


def test_the_record_is_that_of_the_list():
    """`python verify/plant_bugs.py` writes the record; whoever changes the list plays it again."""
    record = plant_bugs.TABLE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w-]+) \| (\S+) \| (red|equal) \|", record, re.MULTILINE)
    expected = [(bug["name"], bug["file"].removeprefix("avatarlib/")) for bug in BUGS]
    assert [(name, file) for name, file, _ in rows] == expected


def test_every_file_whose_tests_are_named_exists():
    assert [file for file in plant_bugs.NOTICE if not (ROOT / file).exists()] == []
    tests = {word for words in plant_bugs.NOTICE.values() for word in words.split()}
    assert [word for word in tests if not (ROOT / f"tests/test_{word}.py").exists()] == []


def test_random_mutations_are_a_function_of_the_seed_and_change_one_thing():
    made = list(plant_bugs.random_bugs(30, 5))
    assert [bug["text"] for bug in plant_bugs.random_bugs(30, 5)] == [bug["text"] for bug in made]
    for bug in made:
        before = ast.unparse(ast.parse((ROOT / bug["file"]).read_text(encoding="utf-8")))
        old, new = before.splitlines(), bug["text"].splitlines()
        assert len(old) == len(new)
        assert sum(a != b for a, b in zip(old, new, strict=True)) == 1, bug["name"]
