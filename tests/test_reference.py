"""The reference pages: every public name has an entry, every term its Chinese one and a link."""

import ast
import importlib
import inspect
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
API = ROOT / "book/reference/api"
GLOSSARY = (ROOT / "book/reference/glossary.md").read_text(encoding="utf-8")
NOT_SHOWN = ("cli", "__main__")  # its commands have a help of their own


def public_names(file):
    """Functions and classes that a file defines without an underscore."""
    body = ast.parse(file.read_text(encoding="utf-8")).body
    kinds = ast.FunctionDef | ast.ClassDef
    return [node.name for node in body if isinstance(node, kinds) and node.name[0] != "_"]


def modules():
    """Modules with public names; of the twins, PyTorch's, whose names are TensorFlow's, too."""
    for file in sorted((ROOT / "avatarlib").rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        if public_names(file) and parts[-1] not in NOT_SHOWN and "tensorflow" not in parts:
            yield ".".join(parts)


def test_every_module_with_public_names_stands_on_one_api_page():
    text = "\n".join(page.read_text(encoding="utf-8") for page in sorted(API.glob("*.md")))
    listed = re.findall(r"^\.\. automodule:: (\S+)\n   :members:$", text, re.MULTILINE)
    assert sorted(listed) == sorted(modules())


def described(doc):
    """The names in a docstring's section Attributes."""
    section = re.search(r"Attributes:\n((?:    .*\n|\n)+)", inspect.cleandoc(doc) + "\n")
    lines = re.findall(r"^    (\w[\w, ]*): ", section[1], re.MULTILINE) if section else []
    return {name for line in lines for name in line.split(", ")}


def test_the_attributes_of_a_docstring_are_the_fields_of_the_class():
    seen = 0
    for module in map(importlib.import_module, modules()):
        for _, one in inspect.getmembers(module, inspect.isclass):
            fields = getattr(one, "_fields", None) or [
                field.name for field in getattr(one, "__dataclass_fields__", {}).values()
            ]
            if fields and one.__module__ == module.__name__ and "Attributes:" in one.__doc__:
                seen += 1
                assert described(one.__doc__) <= set(fields) | set(dir(one)), one
                assert set(fields) <= described(one.__doc__), one
    assert seen > 10


def test_every_api_page_is_in_the_book():
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    for page in API.glob("*.md"):
        assert f"book/reference/api/{page.stem}" in toc, page


def entries():
    """The terms of each glossary entry, and its text."""
    for block in re.findall(r"```\{glossary\}\n(.*?)```", GLOSSARY, re.DOTALL):
        for entry in block.strip().split("\n\n"):
            lines = entry.split("\n")
            yield [line for line in lines if line[0] != " "], " ".join(lines).strip()


def test_every_term_has_a_chinese_one_and_a_meaning():
    assert sum(1 for _ in entries()) > 60
    for terms, text in entries():
        assert re.search("[a-zA-Z]", terms[0]) and not re.search("[\u4e00-\u9fff]", terms[0]), terms
        assert sum(bool(re.search("[\u4e00-\u9fff]", term)) for term in terms) == 1, terms
        assert len(text) > len(" ".join(terms)) + 20, terms


def test_every_term_is_linked_from_a_page():
    pages = [*(ROOT / "book").rglob("*.md"), *(ROOT / "book").rglob("*.ipynb")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    roles = re.findall(r"\{term\}`([^`]+)`", text.replace("\\n", " "))
    linked = {re.sub(r".*<(.*)>$", r"\1", role).lower() for role in roles}
    missing = [terms[0] for terms, _ in entries() if not linked & {t.lower() for t in terms}]
    assert missing == []
    known = {term.lower() for terms, _ in entries() for term in terms}
    assert linked <= known
