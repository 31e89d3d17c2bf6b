"""The Colab edition: complete, in step with the book, and plain Markdown that any program shows."""

import json
import re
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "book/_ext"))  # where Sphinx finds it, too

import colab_edition  # noqa: E402
from plain_markdown import code as in_a_line  # noqa: E402
from plain_markdown import escape  # noqa: E402

EDITION = ROOT / "colab"
PAGES = [page for page in parse_toc_yaml(ROOT / "_toc.yml") if (ROOT / f"{page}.ipynb").exists()]
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
RAW = [r"```\{", ":::", r"\{[\w:-]+\}`", r"^\([\w-]+\)=", r"\[\^\w+\]", "^:(?:name|label|alt):"]
each_page = pytest.mark.parametrize("page", PAGES)
parser = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin, double_inline=True)


def read(folder, page):
    return nbformat.read(folder / f"{page}.ipynb", 4)


def words(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def code(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def test_each_notebook_of_the_book_has_one_and_nothing_else_is_there():
    found = {path.relative_to(EDITION).with_suffix("").as_posix() for path in EDITION.rglob("*.*")}
    assert found == set(PAGES) and len(PAGES) >= 14


@each_page
def test_it_is_made_of_the_page_as_it_is_now(page):
    """Whoever changes a page, or the writer, calls `make colab` before committing."""
    now = colab_edition.fingerprint(ROOT / f"{page}.ipynb")
    then = read(EDITION, page).metadata.avatarlib["made_of"]
    assert then == now, "colab/ is stale: make colab"


@each_page
def test_it_is_a_valid_notebook_without_outputs(page):
    notebook = read(EDITION, page)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)


@each_page
def test_the_code_is_the_page_s_own(page):
    """All of it, in its order; only the title of a folded cell is added."""
    install, *copied = code(read(EDITION, page))
    assert [re.sub(r"^#@title [^\n]+\n", "", source) for source in copied] == code(read(ROOT, page))
    folded = [
        cell
        for cell in read(EDITION, page).cells
        if {"hide-input", "hide-cell"} & set(cell.metadata.get("tags", []))
    ]
    for cell in folded:
        assert cell.metadata.cellView == "form" and cell.source.startswith("#@title ")


@each_page
def test_the_first_code_installs_the_library_and_no_framework(page):
    """Colab offers its restart only after a plain `pip install`, not quiet, not `python -m pip`."""
    line = code(read(EDITION, page))[0]
    about = read(ROOT, page).metadata.get("avatarlib", {})
    address = CONFIG["repository"]
    found = re.fullmatch(r'%pip install "avatarlib(?:\[([\w,]+)\])? @ git\+(\S+)@(\S+)"', line)
    assert found[2] == address["url"] and found[3] == address["branch"]
    assert (found[1] or "").split(",") == (about.get("extras") or [""])
    assert not {"torch", "tensorflow"} & set((found[1] or "").split(","))
    needs = any("imagenet(" in source for source in code(read(ROOT, page)))
    assert needs == ("imagenet" in (found[1] or ""))


@each_page
def test_a_gpu_is_asked_for_only_where_the_page_gains_from_one(page):
    gains = "gpu" in read(ROOT, page).metadata.get("avatarlib", {})
    notebook = read(EDITION, page)
    assert (notebook.metadata.get("accelerator") == "GPU") == gains
    assert ("A GPU helps here" in notebook.cells[1].source) == gains


@each_page
def test_no_directive_is_left(page):
    for text in words(read(EDITION, page)):
        outside = re.sub(r"(?ms)^(`{3,})[^`\n]*\n.*?^\1$", "", text)
        for raw in RAW:
            assert not re.search(raw, outside, re.MULTILINE), text


@each_page
def test_mathematics_is_whole(page):
    """Each $ opens or closes a formula; Colab takes a line of = or - inside $$ for a heading."""
    for text in words(read(EDITION, page)):
        for token in parser.parse(text):
            parts = token.children or [token]
            for part in parts:
                if part.type == "text":
                    assert not re.search(r"(?<!\\)\$|\\(?:begin|tag|tfrac)\b", part.content), text
                if part.type.startswith("math"):
                    assert part.content.count("{") == part.content.count("}"), part.content
                    assert not re.search(r"(?m)^\s*[=-]+\s*$|^\s*$", part.content.strip()), text


def test_equations_count_through_the_book_as_in_it():
    """1, 2, 3 … over all pages in the order of the book, none twice and none left out."""
    tags = [
        int(number)
        for page in PAGES
        for text in words(read(EDITION, page))
        for number in re.findall(r"\\tag\{(\d+)\}", text)
    ]
    labels = sum(
        len(re.findall(r"^```\{math\}\n:label:", text, re.MULTILINE))
        for page in PAGES
        for text in words(read(ROOT, page))
    )
    assert tags == list(range(1, len(tags) + 1)) and len(tags) == labels > 60


def test_figures_count_through_the_book_as_in_it():
    numbers = [
        int(number)
        for page in PAGES
        for text in words(read(EDITION, page))
        for number in re.findall(r"^\*\*Figure (\d+)\.\*\*", text, re.MULTILINE)
    ]
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) > 60


@each_page
def test_exercises_keep_their_numbers_and_answers_stay_folded(page):
    """A solution with code cells cannot fold in a notebook program: it stands under a heading."""
    source, made = "\n".join(words(read(ROOT, page))), "\n".join(words(read(EDITION, page)))
    exercises = re.findall(r"\{exercise(?:-start)?\}", source)
    assert len(re.findall(r"^#+ Exercise \d+", made, re.MULTILINE)) == len(exercises)
    answers = re.findall(r"\{(?:dropdown|solution)\}", source)
    assert made.count("<details>") == made.count("</details>") == len(answers)
    started = re.findall(r"\{solution-start\}", source)
    assert len(re.findall(r"^#+ Solution to Exercise \d+$", made, re.MULTILINE)) == len(started)


@each_page
def test_headings_go_down_one_level_at_a_time(page):
    tokens = parser.parse("\n\n".join(words(read(EDITION, page))))
    levels = [int(token.tag[1]) for token in tokens if token.type == "heading_open"]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in zip(levels, levels[1:], strict=False))


@each_page
def test_links_lead_somewhere(page):
    """To a notebook of this edition, a page of the book, a picture of this repository, or away."""
    url = CONFIG["repository"]["url"]
    owner, name = url.split("/")[-2:]
    homes = {
        f"https://colab.research.google.com/github/{owner}/{name}/blob/main/": ROOT,
        f"https://raw.githubusercontent.com/{owner}/{name}/main/": ROOT,
        f"https://{owner}.github.io/{name}/": ROOT,
    }
    text = "\n\n".join(words(read(EDITION, page)))
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    assert targets
    for target in targets:
        assert target.startswith("https://") or target.startswith("http://"), target
        for home, folder in homes.items():
            if target.startswith(home):
                place = target.removeprefix(home).partition("#")[0]
                stem = place.removesuffix(".html")
                there = [folder / place, folder / f"{stem}.md", folder / f"{stem}.ipynb"]
                assert any(path.exists() for path in there), target


def test_what_markdown_would_take_for_a_sign_is_escaped():
    for text in ("2 * 3 * 4", "a_b and _c_", "1 < 2 | 3", "costs $5 or $6", "`x`", r"a \ b"):
        tokens = parser.parseInline(escape(text))[0].children
        assert {token.type for token in tokens} <= {"text", "text_special"}
        assert "".join(token.content for token in tokens) == text
    assert in_a_line("a`b") == "`` a`b ``"


def test_twice_made_has_the_same_bytes():
    """Names of cells depend on the page and the place alone; nothing is a date or a chance."""
    for page in PAGES:
        cells = json.loads((EDITION / f"{page}.ipynb").read_text(encoding="utf-8"))["cells"]
        assert [cell["id"] for cell in cells] == [
            colab_edition.with_id(page, i, cell)["id"] if "id" not in cell else cell["id"]
            for i, cell in enumerate(cells)
        ]
        assert len({cell["id"] for cell in cells}) == len(cells)
