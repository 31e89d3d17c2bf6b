"""The library's own shape: who imports whom, what an import costs, and how long things may be."""

import ast
import io
import os
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import avatarlib

LIBRARY = Path(avatarlib.__file__).parent
FILES = sorted(LIBRARY.rglob("*.py"))
# The rooms that others stand on, from the ground floor up, each with those it may know. Every other
# room, and every loose file, stands above: it knows whom it needs, and none of these knows it.
BELOW = {
    "core": set(),
    "data": {"core"},
    "theory": {"core"},
    "metrics": {"core"},
    "training": {"core", "data"},
    "backends": {"core", "data", "training"},
    "zoo": {"core", "data", "training", "backends"},
}
# What a reader of the book meets, and the kits around it; rule 9 of the architecture page.
COURSE = {"data", "theory", "metrics", "training", "backends"}
LOOSE = 5
FRAMEWORKS = {"torch", "tensorflow", "keras"}
NOT_AT_IMPORT = [*sorted(FRAMEWORKS), "matplotlib", "scipy", "joblib"]


def room(file):
    """data/folder.py -> data; cli.py -> cli."""
    return file.relative_to(LIBRARY).parts[0].removesuffix(".py")


def kit(file):
    """The room; but people, who live with evaluation, are a kit of their own."""
    return "people" if "people" in file.relative_to(LIBRARY).parts else room(file)


def imported(file):
    """Every module that a file imports, also inside its functions."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide the room"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_known(file):
    parts = [name.split(".") for name in imported(file)]
    return {part[1] for part in parts if part[0] == "avatarlib" and len(part) > 1}


@pytest.mark.parametrize("name", BELOW)
def test_a_room_imports_only_rooms_below_it(name):
    files = [file for file in FILES if room(file) == name]
    assert files
    for file in files:
        assert rooms_known(file) <= BELOW[name] | {name}, file


def test_rooms_above_do_not_go_round_in_a_circle():
    """Each knows whom it needs, but of two rooms only one knows the other."""
    known = {}
    for file in FILES:
        if room(file) not in {*BELOW, "__init__", "__main__"}:
            known.setdefault(room(file), set()).update(rooms_known(file) - {room(file)})
    pairs = {(one, other) for one, of in known.items() for other in of & known.keys()}
    assert not {pair for pair in pairs if pair[::-1] in pairs}


def test_few_files_are_loose():
    loose = [file.name for file in LIBRARY.glob("*.py")]
    assert len(loose) <= LOOSE, f"{loose}: give each a room"


def test_only_the_two_backends_import_a_framework():
    for file in FILES:
        known = {name.split(".")[0] for name in imported(file)} & FRAMEWORKS
        backend = file.relative_to(LIBRARY).parts[:2]
        own = {
            ("backends", "torch"): {"torch"},
            ("backends", "tensorflow"): {"tensorflow", "keras"},
        }.get(backend, set())
        assert known <= own, file


def test_importing_the_library_loads_no_framework_and_nothing_heavy():
    command = "import avatarlib, sys; print(*(m for m in sys.argv[1:] if m in sys.modules))"
    environment = os.environ | {"PYTHONPATH": str(LIBRARY.parent)}
    run = [sys.executable, "-c", command, *NOT_AT_IMPORT, "numpy"]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["numpy"]  # which shows that the list is looked at


@pytest.mark.parametrize("name, other", [("torch", "tensorflow"), ("tensorflow", "torch")])
def test_one_twin_does_not_load_the_other_framework(name, other):
    command = f"import avatarlib, sys; avatarlib.backend('{name}'); print('{other}' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(LIBRARY.parent)}
    run = [sys.executable, "-c", command]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# ------------------------------------------------------------------------------------------ size


def code_lines(text):
    """Lines with code: without docstrings, comments and blank lines."""
    lines = set()
    ignored = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in ignored and token.type != tokenize.ENDMARKER:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            string = body[0].value
            if isinstance(string, ast.Constant) and isinstance(string.value, str):
                lines.difference_update(range(string.lineno, string.end_lineno + 1))
    return len(lines)


def test_lines_of_code_are_counted_right():
    text = (
        '"""A docstring."""\n\n# a comment\nx = """a\nb"""\n\ndef f():\n    """One\n    two."""\n'
    )
    assert code_lines(text + "    return (1,\n            2)  # here\n") == 5


def test_the_library_stays_small():
    count = {}
    for file in FILES:
        count[kit(file)] = count.get(kit(file), 0) + code_lines(file.read_text(encoding="utf-8"))
    print(dict(count))
    assert sum(count[name] for name in COURSE) < 4000
    for name in count.keys() - COURSE:
        assert count[name] < 700, name


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(LIBRARY)))
def test_files_and_functions_fit(file):
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            string = ast.get_docstring(node, clean=False) or ""
            length = node.end_lineno - node.lineno + 1 - len(string.splitlines())
            assert length <= 60, f"{node.name} has {length} lines"
