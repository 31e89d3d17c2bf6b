"""The two DCGAN pages say the same thing, cell for cell; only the framework differs."""

import json
from pathlib import Path

CODE = Path(__file__).parents[1] / "book" / "05-code"


def cells(name):
    return json.loads((CODE / name).read_text(encoding="utf-8"))["cells"]


def headings(page):
    lines = "".join("".join(cell["source"]) + "\n" for cell in page).splitlines()
    return [line for line in lines if line.startswith("## ")]


def test_the_two_dcgan_pages_run_parallel():
    tensorflow, pytorch = cells("dcgan-tensorflow.ipynb"), cells("dcgan-pytorch.ipynb")
    assert [cell["cell_type"] for cell in tensorflow] == [cell["cell_type"] for cell in pytorch]
    assert headings(tensorflow) == headings(pytorch)
    for ours, theirs in zip(tensorflow, pytorch, strict=True):
        if ours["cell_type"] == "code":
            assert ours["metadata"].get("tags") == theirs["metadata"].get("tags")


def test_the_article_against_its_listing_stands_on_both_pages_in_the_same_words():
    tables = [
        [line for cell in cells(name) for line in cell["source"] if line.startswith("| ")]
        for name in ("dcgan-tensorflow.ipynb", "dcgan-pytorch.ipynb")
    ]
    assert tables[0] == tables[1]
    assert len(tables[0]) == 12  # a head and eleven slips
