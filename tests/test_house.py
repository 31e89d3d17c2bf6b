"""The house rules: files that must agree with each other, and pages that must be complete."""

import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import rehearse
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from sphinx_external_toc.parsing import parse_toc_yaml

import avatarlib
from avatarlib.core import about

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
MEGABYTE = 1_000_000

# What Colab brings; avatarlib must install there without upgrading it.
COLAB = sorted((ROOT / "verify/colab").glob("*.txt"))


# ---------------------------------------------------------------- versions


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def direct_requirements():
    """Every dependency that pyproject.toml names, as {name: Requirement}."""
    lists = [project()["dependencies"], *project()["optional-dependencies"].values()]
    found = [Requirement(line) for lines in lists for line in lines]
    return {canonicalize_name(r.name): r for r in found if r.name != project()["name"]}


def pins():
    """The lines of constraints.txt, as {name: version}."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    assert all(len(pair) == 2 for pair in pairs), "a line that is not name==version"
    return {canonicalize_name(name): version for name, version in pairs}


def everything_that_comes_along(name, extras, found):
    """Add to `found` what installing name[extras] brings; return the names in it."""
    for line in metadata.requires(name) or []:
        need = Requirement(line)
        wanted = (need.marker.evaluate({"extra": e}) for e in ("", *extras))
        if need.marker is None or any(wanted):
            key = (canonicalize_name(need.name), frozenset(need.extras))
            if key not in found:
                found.add(key)
                everything_that_comes_along(*key, found)
    return {name for name, _ in found}


def test_every_direct_dependency_is_pinned_within_its_range():
    pinned = pins()
    for name, requirement in direct_requirements().items():
        assert name in pinned, f"{name} is in pyproject.toml, but not in constraints.txt"
        assert requirement.specifier.contains(pinned[name]), f"{requirement} and {pinned[name]}"


def test_constraints_have_no_local_versions():
    local = [name for name, version in pins().items() if Version(version).local]
    assert not local, f"only one machine has these builds: {local}"


def test_constraints_hold_what_comes_along_and_nothing_else():
    if sys.platform != "linux" or sys.version_info[:2] != (3, 11):
        pytest.skip("other systems and other Pythons need a few other packages")
    needed = everything_that_comes_along("avatarlib", ("all",), set()) - {"avatarlib"}
    # PyTorch's builds for GPUs bring packages of their own, with versions of their own.
    gpu = {name for name in needed if re.match("nvidia-|cuda-|triton", name)}
    assert needed - gpu - set(pins()) == set(), "not in constraints.txt"
    assert set(pins()) - needed == set(), "in constraints.txt, but nobody needs it"


def test_the_environment_has_the_pinned_versions():
    stamp = Path(sys.prefix, ".complete")
    if not stamp.exists() or stamp.read_text():
        pytest.skip("this environment was not made by `make install`, and may have other versions")
    needed = everything_that_comes_along("avatarlib", ("all",), set())
    pinned = {name: version for name, version in pins().items() if name in needed}
    wrong = {
        name: (version, metadata.version(name))
        for name, version in pinned.items()
        if Version(metadata.version(name)).public != version
    }
    assert not wrong, f"name: (constraints.txt, installed): {wrong}"


@pytest.mark.parametrize("file", COLAB, ids=[file.stem for file in COLAB])
def test_colab_need_not_upgrade_anything(file):
    python, has = rehearse.read_list(file)
    assert Requirement(f"python{project()['requires-python']}").specifier.contains(python)
    direct = direct_requirements()
    base = {canonicalize_name(Requirement(line).name) for line in project()["dependencies"]}
    assert {"numpy", "scipy", "pillow", "matplotlib", "ipywidgets", "typer"} <= has.keys() & base
    for name in has.keys() & (base | {"torch", "tensorflow"}):
        assert direct[name].specifier.contains(has[name]), f"{direct[name]}: {has[name]}"


def test_a_published_list_gives_its_versions(tmp_path, monkeypatch):
    """Wheels from an address and odd spellings, too; what is installed from a disk has none."""
    freeze = tmp_path / "pip-freeze.txt"
    freeze.write_text(
        "numpy==2.1.3\nPillow==11.3.0\njupyter_core==5.9\nnvidia-nccl-cu13==2.31\ngoogle-colab @ file:///colabtools/x.tar.gz\n"
        "torch @ https://download.pytorch.org/whl/cpu/torch-2.11.0%2Bcpu-cp313-cp313-linux.whl\n"
    )
    monkeypatch.setattr(rehearse, "LISTS", tmp_path / "colab")
    rehearse.renew(freeze, "3.13", "https://example.org", "2026-08-19")
    assert rehearse.read_list(tmp_path / "colab/2026-08-19.txt") == (
        "3.13",
        {"jupyter-core": "5.9", "numpy": "2.1.3", "pillow": "11.3.0", "torch": "2.11.0"},
    )


def test_conda_repeats_nothing():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, from_pip = conda["dependencies"]
    assert pip == "pip"
    assert from_pip == {"pip": ["-c constraints.txt", "-e .[all]"]}
    version = python.removeprefix("python=")
    assert Requirement(f"python{project()['requires-python']}").specifier.contains(version)


def test_the_library_says_what_the_project_says_of_itself():
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert about.REPOSITORY == config["repository"]["url"]
    assert project()["version"] == about.VERSION == avatarlib.__version__


def test_nobody_is_told_to_install_the_library_from_a_registry_that_does_not_have_it():
    files = [
        *ROOT.glob("*.md"),
        *(ROOT / "avatarlib").rglob("*.py"),
        *pages(".ipynb"),
        *pages(".md"),
    ]
    for file in files:
        text = file.read_text(encoding="utf-8").replace("\\", "")
        for rest in text.split('pip install "avatarlib')[1:]:
            assert re.match(r"\[[^\]]+\] @ git\+", rest), f"{file}: {rest[:60]}"


# ---------------------------------------------------------------- pages


def pages(suffix):
    """The files of book/ with this ending; folders that begin with _ or . hold other things."""
    return [
        path
        for path in sorted(BOOK.rglob(f"*{suffix}"))
        if not any(part.startswith(("_", ".")) for part in path.relative_to(BOOK).parts)
    ]


NOTEBOOKS = pages(".ipynb")
COMPARED = {"nbval-check-output", "keep_output"}
FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
LONGEST = 33  # lines of an open cell: a network of the classic DCGAN, which its page explains


def faults(notebook):
    """What is wrong with a stored notebook, one sentence a fault."""
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    found, compared, assertions = [], 0, 0
    for number, cell in enumerate(code, 1):
        where = f"code cell {number}"
        source = "".join(cell["source"])
        if not FOLDED & set(cell["metadata"].get("tags", [])):
            lines = sum(bool(line.strip()) for line in source.splitlines())
            if lines > LONGEST:
                found.append(f"{where} has {lines} open lines; split it, or fold it: hide-input")
        tags = COMPARED & set(cell["metadata"].get("tags", []))
        assertions += len(re.findall(r"^\s*assert\b", source, re.MULTILINE))
        if not tags:
            if cell["outputs"]:
                found.append(f"{where} has an output; `make lint` strips it")
            continue
        compared += 1
        if tags != COMPARED:
            found.append(f"{where} lacks the tag {(COMPARED - tags).pop()}")
        if not cell["outputs"]:
            found.append(f"{where} is to be compared, but has no output: nothing is compared")
        if cell["execution_count"] != 1:
            found.append(f"{where} is to be compared: set its execution_count to 1")
        if any("image/png" in output.get("data", {}) for output in cell["outputs"]):
            found.append(f"{where} stores a picture; only text is equal on every machine")
    if not compared:
        found.append("no cell is compared")
    if assertions < 2:
        found.append(f"{assertions} assertions; a page has at least two")
    return found


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.relative_to(BOOK).as_posix())
def test_notebook_is_stored_as_it_should_be(path):
    assert faults(json.loads(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.relative_to(BOOK).as_posix())
def test_no_paragraph_stands_twice_on_a_page(path):
    """A merge of two versions can leave a paragraph, or a heading, in both of its places."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    paragraphs = [part.strip() for part in text.split("\n\n")]
    said = [part for part in paragraphs if len(part) > 60 or part.startswith("#")]
    assert {part for part in said if said.count(part) > 1} == set()


CHAPTERS = [path for path in NOTEBOOKS if path.relative_to(BOOK).parts[0][0].isdigit()]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.relative_to(BOOK).as_posix())
def test_a_chapter_says_its_minutes_and_goals_and_what_its_figures_show(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    start = "\n".join("".join(cell["source"]) for cell in cells[:4])
    assert "minutes to read" in start and re.search("you can\n\n[*-] ", start)
    for cell in cells:
        if "mystnb" in cell["metadata"]:
            alt = cell["metadata"]["mystnb"].get("image", {}).get("alt", "")
            assert len(alt) > 20, f"a figure without an alternative text: {cell['source'][:3]}"
    guide = (BOOK / "how-to-use.md").read_text(encoding="utf-8")
    name = path.relative_to(BOOK).as_posix()
    assert f"({name})" in guide, "how-to-use.md, last table: which section of the article is it?"


def test_a_faulty_notebook_is_found():
    def cell(source="", outputs=(), count=1, tags=tuple(COMPARED)):
        return {
            "cell_type": "code",
            "source": source,
            "outputs": list(outputs),
            "execution_count": count,
            "metadata": {"tags": list(tags)},
        }

    text = {"output_type": "stream", "name": "stdout", "text": "1\n"}
    picture = {"output_type": "display_data", "data": {"image/png": ""}}
    good = cell("assert True\nassert 1", [text])
    assert faults({"cells": [good]}) == []
    for bad, word in [
        (cell(outputs=[]), "nothing is compared"),
        (cell(outputs=[text], count=None), "execution_count"),
        (cell(outputs=[text], tags=["keep_output"]), "lacks the tag nbval-check-output"),
        (cell(outputs=[text], tags=["nbval-check-output"]), "lacks the tag keep_output"),
        (cell(outputs=[text], tags=[]), "strips it"),
        (cell(outputs=[picture]), "picture"),
    ]:
        assert len(faults({"cells": [good, bad]})) == 1
        assert word in faults({"cells": [good, bad]})[0]
    assert len(faults({"cells": []})) == 2  # nothing compared, nothing asserted


def test_every_page_is_in_the_table_of_contents_and_the_other_way_round():
    listed = set(parse_toc_yaml(ROOT / "_toc.yml"))
    there = [p.relative_to(ROOT).with_suffix("").as_posix() for p in pages(".md") + NOTEBOOKS]
    assert len(there) == len(set(there)), "a page is there twice, as .md and as .ipynb"
    assert listed - set(there) == set(), "in _toc.yml, but not in book/"
    assert set(there) - listed == set(), "in book/, but not in _toc.yml"


# ---------------------------------------------------------------- all files


@pytest.fixture(scope="module")
def files():
    """The files that belong to the project, those included that are about to be committed."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"]
    try:
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is not a git clone, so nobody can say which files are the project's")
    return [path for name in set(run.stdout.split("\0")) if (path := ROOT / name).is_file()]


def lines_with(pattern, files):
    """Where the pattern occurs in text files, as "file:line: text"."""
    found = []
    for path in files:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # a picture, or weights
        name = path.relative_to(ROOT).as_posix()
        hits = [(number, line) for number, line in enumerate(lines, 1) if re.search(pattern, line)]
        found += [f"{name}:{number}: {line[:100]}" for number, line in hits]
    return found


# The patterns are written so that they do not find themselves.
UNFINISHED = r"\b(?:TO[D]O|FIX[M]E|X[X]X)\b"
MACHINE = r"(?<![\w.:~$/>-])/(?:home|Users|root|work|mnt|opt|tmp)/\w|\b[A-Z]:\\\\?Users\\"
REGISTRY = (
    r"pypi\.(?:org|python)|pythonhosted\.|test\.pypi|registry\.npmjs|anaconda\.org|index[-]url"
)


@pytest.mark.parametrize(
    ("pattern", "what"),
    [(UNFINISHED, "unfinished work"), (MACHINE, "a path of one machine"), (REGISTRY, "a registry")],
    ids=["unfinished", "machine", "registry"],
)
def test_no_file_mentions(files, pattern, what):
    assert lines_with(pattern, files) == [], what


def test_files_are_small(files):
    sizes = {path.relative_to(ROOT).as_posix(): path.stat().st_size for path in files}
    assert {n: size for n, size in sizes.items() if size > 5 * MEGABYTE} == {}
    assert sum(sizes.values()) < 60 * MEGABYTE


def code(notebook):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")


def imports(text, package):
    """Where a package is first imported by its own name; None if it is not."""
    found = re.search(rf"^(?:import|from) {package}\b", text, re.MULTILINE)
    return found and found.start()


def test_a_page_that_imports_both_frameworks_imports_triton_before_them():
    found = {page.stem: code(page) for page in NOTEBOOKS}
    both = {p: t for p, t in found.items() if imports(t, "torch") and imports(t, "tensorflow")}
    assert list(both) == ["two-frameworks-one-network"]
    for text in both.values():
        first = text.index("from avatarlib.backends import triton_first")
        assert first < imports(text, "torch") and first < imports(text, "tensorflow")


def test_a_page_that_imports_tensorflow_by_its_own_name_asks_for_errors_only():
    """The level counts only if it is set before; on Colab the notes would stand in the page."""
    for page in NOTEBOOKS:
        text = code(page)
        if imports(text, "tensorflow"):
            assert "TF_CPP_MIN_LOG_LEVEL" in text[: imports(text, "tensorflow")], page


REFERENCE = ("glossary", "model-cards", "status", "api/index", "architecture", "bibliography")


def test_the_reference_pages_stand_in_the_table_of_contents():
    listed = set(parse_toc_yaml(ROOT / "_toc.yml"))
    assert {f"book/reference/{name}" for name in REFERENCE} <= listed
    status = next(page for page in pages(".md") if page.stem == "status")
    assert "```{nb-exec-table}" in status.read_text(encoding="utf-8")
