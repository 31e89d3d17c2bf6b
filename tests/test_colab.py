"""The Colab edition, colab/: in step with the pages, complete, and ready to be opened."""

import html
import json
import re
import shutil
from collections import Counter
from functools import cache
from pathlib import Path

import build_colab
import nbformat
from edition import (
    BOOK,
    CONFIG,
    EDITION,
    NOTEBOOKS,
    PAGES,
    ROOT,
    edition,
    every_page,
    prose,
    source,
    texts,
)

FOLDED = {"hide-input", "hide-cell"}


# ---------------------------------------------------------------- in step with the book


def test_every_notebook_has_its_file_and_no_other_file_is_there():
    """A page that was added, renamed or removed, and the edition not made anew."""
    there = [path.relative_to(EDITION).as_posix() for path in EDITION.rglob("*") if path.is_file()]
    assert sorted(there) == sorted(NOTEBOOKS), "run `make colab`"


@every_page
def test_the_edition_is_not_stale(page):
    """A page, or what makes the edition, was changed, and `make colab` was forgotten."""
    made = edition(page).metadata["avatarlib"]
    assert made == {"made_from": page, "fingerprint": build_colab.fingerprint(page)}, (
        f"colab/{page} is stale: run `make colab`"
    )


def test_a_fingerprint_sees_what_the_page_is_made_from_and_nothing_else(tmp_path, monkeypatch):
    """A fingerprint that never changes, or that changes with each word on any page."""
    for name in (*PAGES, *build_colab.MAKERS, "_config.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.setattr(build_colab, "ROOT", tmp_path)

    def after(name, old, new):
        path = tmp_path / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        build_colab.common.cache_clear()
        return build_colab.fingerprint("book/03-minimax.ipynb")

    try:
        start = after("_toc.yml", "", "")
        assert after("book/03-minimax.ipynb", "one line of", "one line of") == start
        assert after("book/00-first-avatar.ipynb", "In ten minutes", "In a while") == start
        changed = [
            after("book/03-minimax.ipynb", "one line of", "a line of"),
            after("book/00-first-avatar.ipynb", "fig-first-wall", "fig-other-wall"),
            after("book/00-first-avatar.ipynb", "# Your first avatar", "# An avatar"),
            after("book/how-to-use.md", "(teach)=", "(teaching)="),
            after("book/references.bib", "2014", "2015"),
            after("book/_ext/plain_markdown.py", "details", "detail"),
            after("_config.yml", "branch: main", "branch: next"),
        ]
        assert len({start, *changed}) == 8
    finally:
        build_colab.common.cache_clear()


@every_page
def test_code_is_the_pages_code(page):
    """A code cell that was lost, changed, moved, or copied with the output of a build."""
    title = re.compile(r"\A#@title [^\n]+\n")
    ours = [c for c in source(page).cells if c.cell_type == "code"]
    theirs = [c for c in edition(page).cells if c.cell_type == "code"][1:]
    assert [title.sub("", c.source) for c in theirs] == [c.source for c in ours]
    for mine, their in zip(ours, theirs, strict=True):
        assert their.metadata.get("tags", []) == mine.metadata.get("tags", [])
        assert their.outputs == mine.outputs
        assert their.execution_count == mine.execution_count


@every_page
def test_code_that_the_book_folds_is_folded(page):
    """A check or a solution that stands open on Colab, or the page's own code that does not."""
    solution, folded = False, []
    for cell in source(page).cells:
        if cell.cell_type == "markdown":
            for gate in re.findall(r"\{solution-(start|end)\}", cell.source):
                solution = gate == "start"
        else:
            folded.append(solution or bool(FOLDED & set(cell.metadata.get("tags", []))))
    theirs = [c for c in edition(page).cells if c.cell_type == "code"]
    assert [c.metadata.get("cellView") == "form" for c in theirs] == [False, *folded]
    for cell in theirs:
        assert cell.source.startswith("#@title ") == ("cellView" in cell.metadata)


@every_page
def test_no_word_is_lost(page):
    """A paragraph, a list or a caption that the walk through the page passed by."""

    def words(text):
        return Counter(re.findall(r"[^\W\d_]{4,}", text.lower()))

    drawn = [c.metadata.mystnb for c in source(page).cells if "mystnb" in c.metadata]
    said = [f"{m.get('figure', {}).get('caption', '')} {m.image.alt}" for m in drawn]
    text = " ".join([prose(page), *said])
    text = re.sub(r"^.*(?:`{3,}|:{3,})\{[\w-]+\}.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^:[\w-]+:.*$|^\(.*\)=$|^```$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\{(?:cite|cite:t|eq|numref)\}`[^`]*`", "", text)
    text = re.sub(r"\{\w+\}`([^`<]*?)\s*(?:<[^`]*>)?`", r"\1", text)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    there = words(html.unescape(" ".join(texts(edition(page)))))
    assert words(text) - there == Counter()


# ---------------------------------------------------------------- numbers


@cache
def counted(pattern):
    """Each page's numbers of what matches the pattern, counted through the whole book."""
    found, last = {}, 0
    for page in PAGES:
        count = len(re.findall(pattern, numbered(page), re.MULTILINE))
        found[page] = [str(n) for n in range(last + 1, last + count + 1)]
        last += count
    return found


def numbered(page):
    """A page's prose, and in its place each figure of a code cell: name and caption."""
    if page.endswith(".md"):
        return prose(page)
    parts = []
    for cell in source(page).cells:
        figure = cell.metadata.get("mystnb", {}).get("figure")
        parts += [cell.source] if cell.cell_type == "markdown" else []
        parts += [f"FIGURE {figure.name}", figure.caption] if figure else []
    return "\n\n".join(parts)


EQUATION = r"^[`:]{3,}\{math\}.*\n:label: (.*)"
FIGURE = r"^FIGURE (.*)|^[`:]{3,}\{figure\}"
EXERCISE = r"^[`:]{3,}\{exercise(?:-start)?\}"


@every_page
def test_equations_figures_and_exercises_have_the_books_numbers(page):
    """A count that starts anew on each page, or leaves one out; a lost number."""
    text = "\n\n".join(texts(edition(page)))
    assert re.findall(r"\\tag\{(.*?)\}", text) == counted(EQUATION)[page]
    assert re.findall(r"^\*\*Fig\. (\S+):\*\*", text, re.MULTILINE) == counted(FIGURE)[page]
    exercises = re.findall(r"^#+ Exercise (\d+)", text, re.MULTILINE)
    solutions = re.findall(r"<b>Solution to Exercise (\d+)</b>", text)
    assert exercises == counted(EXERCISE)[page] and set(solutions) <= set(exercises)


@every_page
def test_references_say_the_number_of_what_they_mean(page):
    """A reference that names another number, or a label that was not resolved."""
    for role, pattern, form in (("eq", EQUATION, "({})"), ("numref", FIGURE, "Fig. {}")):
        numbers = {}
        for each in PAGES:
            labels = re.findall(pattern, numbered(each), re.MULTILINE)
            numbers |= dict(zip(labels, counted(pattern)[each], strict=True))
        asked = re.findall(rf"\{{{role}\}}`([^`]*)`", numbered(page))
        text = "\n\n".join(texts(edition(page)))
        for label, times in Counter(asked).items():
            assert text.count(form.format(numbers[label])) >= times, f"{label}: {numbers[label]}"


# ---------------------------------------------------------------- opened on Colab


@every_page
def test_a_page_begins_with_what_it_is_and_how_to_install(page):
    """An install line that Colab's restart button does not see, or that upgrades a framework."""
    about = source(page).metadata.get("avatarlib", {})
    first, second = edition(page).cells[:2]
    minutes = re.search(r"^\*.* minutes? to read.*\*$", prose(page), re.MULTILINE)
    assert first.source.startswith("# ") and (not minutes or minutes[0] in first.source)
    address = f"{BOOK}{page.removesuffix('.ipynb')}.html"
    assert f"[Read it in the book]({address})" in first.source
    extras = re.findall(r"[\w-]+", ",".join(about.get("extras", [])))
    of = f"[{','.join(extras)}]" if extras else ""
    repository, branch = CONFIG["repository"]["url"], CONFIG["repository"]["branch"]
    assert second.source == f'%pip install "avatarlib{of} @ git+{repository}@{branch}"'
    assert not {"torch", "tensorflow", "all"} & set(extras)
    assert not second.metadata and not second.outputs


def test_each_extra_is_asked_for_by_the_page_that_needs_it():
    """A page whose imports fail on Colab, or one that installs what it does not use."""
    users = {page for page in NOTEBOOKS if "extractors.imagenet()" in str(source(page).cells)}
    asking = {page: source(page).metadata.get("avatarlib", {}).get("extras") for page in NOTEBOOKS}
    assert {page: extras for page, extras in asking.items() if extras} == {
        page: ["imagenet"] for page in users
    }


@every_page
def test_a_gpu_is_asked_for_where_the_page_gains_from_one(page):
    """Classes that hold a GPU for pages of arithmetic, or train without one."""
    gains = source(page).metadata.get("avatarlib", {}).get("gpu", False)
    notebook = edition(page)
    assert (notebook.metadata.get("accelerator") == "GPU") == gains
    assert ("GPU" in notebook.cells[0].source) == gains
    trains = Path(page).stem in (
        *("00-first-avatar", "dcgan-pytorch", "dcgan-tensorflow"),
        *("colour-avatars", "avatars-on-demand"),
    )
    assert gains == trains


@every_page
def test_a_notebook_is_valid(page):
    """Cells without names, or with the same one; a kernel that no program knows."""
    notebook = json.loads((EDITION / page).read_text(encoding="utf-8"))
    names = [cell["id"] for cell in notebook["cells"]]
    assert len(set(names)) == len(names)  # asked first, since nbformat mends it and says nothing
    nbformat.validate(notebook)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"


def test_the_button_of_a_page_leads_to_the_edition():
    """Buttons to the source share the folder of the Colab button: they would lead to colab/."""
    assert CONFIG["launch_buttons"]["colab_url"] == "https://colab.research.google.com"
    assert CONFIG["repository"]["path_to_book"] == EDITION.name
    assert not [name for name in CONFIG["html"] if name.startswith("use_") and "button" in name]
