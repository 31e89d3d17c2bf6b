"""A report in a browser: it says what report.json says, on every screen, and asks nobody."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from avatarlib.data import Attribute, AvatarSet
from avatarlib.evaluation.extractors import Extractor
from avatarlib.evaluation.page import SHOWN
from avatarlib.evaluation.report import evaluate

KINDS = (("tone", ("dark", "bright")),)


def look(pictures):
    """Four numbers of each picture; one sees the kind in the first pixel."""
    level = pictures[:, 0, 0, 0] / 255
    return pictures[:, 0, :4, 1] / 255, 8 * np.stack([1 - level, level], axis=1)


def pictures(seed, first, bright, count=70):
    """Noise; the red level of each first pixel says its kind, of the last row whose it is."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    kinds = (rng.random(count) < bright).astype(np.uint16)
    images[:, 0, 0, 0] = 255 * kinds
    images[:, -1] = first
    credit = {"licence": "CC0 1.0", "creator": "Zoë & <b>Co</b>", "source": f"seed {seed}"}
    return AvatarSet(images, {"tone": Attribute(kinds, KINDS[0][1])}, **credit)


@dataclass
class Opened:
    page: object
    folder: Path
    numbers: dict


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    extractor = Extractor("four pixels", (8, 8, 3), look, 32, KINDS)
    evaluate(pictures(0, 50, 0.2), pictures(1, 200, 0.6), extractor).save(folder)
    return folder


@pytest.fixture(scope="module", params=[(1280, "light"), (390, "dark"), (320, "light")])
def opened(browser, folder, request):
    """The saved page, from the disk, without a network and on several screens."""
    width, theme = request.param
    wrong = []
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=theme, offline=True
    )
    page = context.new_page()
    page.on("console", lambda m: m.type in ("error", "warning") and wrong.append(m.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda r: r.url.startswith(("http", "ws")) and wrong.append(r.url))
    page.goto((folder / "report.html").as_uri(), wait_until="load")
    numbers = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    yield Opened(page, folder, numbers)
    context.close()
    assert wrong == []


def level(page, image, x, y):
    """The red level of a pixel."""
    return image.evaluate(
        """(image, [x, y]) => {
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
            canvas.getContext("2d").drawImage(image, 0, 0);
            return canvas.getContext("2d").getImageData(x, y, 1, 1).data[0];
        }""",
        [x, y],
    )


def test_the_table_says_what_the_file_says(opened):
    rows = opened.page.locator("tbody tr")
    results = opened.numbers["results"]
    assert rows.locator("th").all_inner_texts() == [result["name"] for result in results]
    values = rows.locator(".value b").all_inner_texts()
    best = rows.locator(".best").all_inner_texts()
    ranges = rows.locator(".value small").all_inner_texts()
    for result, value, perfect, interval in zip(results, values, best, ranges, strict=True):
        assert float(value.replace(",", "")) == pytest.approx(result["value"], rel=6e-3)
        assert float(perfect.replace(",", "")) == pytest.approx(result["baseline"], rel=6e-3)
        low, high = (float(end.replace(",", "")) for end in interval.split(" to "))
        assert [low, high] == pytest.approx([result["low"], result["high"]], rel=6e-3)
    assert all(len(text) > 20 for text in rows.locator(".says").all_inner_texts())
    assert "Drawn least: bright" in opened.page.inner_text("tbody")
    assert "70 generated pictures against 70 real ones" in opened.page.inner_text(".lead")


def test_the_sheets_show_the_first_pictures_of_each_set(opened):
    sheets = opened.page.locator(".sheets figure")
    assert sheets.count() == 2 and SHOWN == 64
    for i, (name, of) in enumerate({"generated": pictures(0, 50, 0.2),
                                    "real": pictures(1, 200, 0.6)}.items()):  # fmt: skip
        figure = sheets.nth(i)
        assert figure.locator("figcaption").inner_text() == name
        image = figure.locator("img")
        for number in (0, 9, 63):
            row, column = divmod(number, 8)
            shown = level(opened.page, image, column * 8 + 3, row * 8 + 2)
            assert shown == of.images[number, 2, 3, 0]


def test_the_pairs_show_generated_left_and_real_right(opened):
    lists = opened.page.locator("ol.pairs")
    for i, (name, left) in enumerate({"generated": 50, "real": 200}.items()):
        items = lists.nth(i).locator("li")
        assert items.count() == len(opened.numbers["closest"][name]) == 12
        distances = [float(text) for text in items.all_inner_texts()]
        known = [distance for _, _, distance in opened.numbers["closest"][name]]
        assert distances == pytest.approx(known, rel=6e-3) and known == sorted(known)
        for image in items.locator("img").all():
            # eight pixels, a gap of one, eight pixels; the last row says whose a picture is
            assert [level(opened.page, image, x, 7) for x in (2, 12)] == [left, 200]


def test_everyone_can_read_it(opened):
    page = opened.page
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").count() == 1
    for image in page.locator("img").all():
        assert len(image.get_attribute("alt")) > 10
        assert image.evaluate("i => i.complete && i.naturalWidth > 0")
        # By night, too: colours are what is judged.
        assert image.evaluate("i => getComputedStyle(i).filter + getComputedStyle(i).opacity") == (
            "none1"
        )
    table = page.get_by_role("table")  # rows are grids on a phone, and must stay rows
    assert table.get_by_role("row").count() == 1 + len(opened.numbers["results"])
    assert table.get_by_role("rowheader").count() == len(opened.numbers["results"])
    found = Axe().run(page, options={"preload": False}).response["violations"]
    assert [f"{v['id']}: {v['nodes'][0]['html']}" for v in found] == []


def test_numbers_stand_beside_each_other_and_inside_their_cells(opened):
    boxes = opened.page.locator("tbody tr").evaluate_all(
        """rows => rows.map(row => [...row.children].slice(0, 3).map(cell => {
            const range = document.createRange(); range.selectNodeContents(cell);
            const box = range.getBoundingClientRect(); return [box.left, box.right]; }))"""
    )
    for left, right in (row.T for row in np.array(boxes)):
        assert (left[1:] >= right[:-1]).all() and right[-1] <= opened.page.viewport_size["width"]


def test_each_screen_has_its_own_light(opened, request):
    back = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    levels = [int(part) for part in back[4:-1].split(",")]
    night = request.node.callspec.params["opened"][1] == "dark"
    assert max(levels) < 60 if night else min(levels) > 220


def test_names_from_files_are_text_and_no_markup(opened):
    foot = opened.page.inner_text("footer")
    assert foot.count("Zoë & <b>Co</b>") == 2 and "generated: Avatars: seed 0" in foot


def test_the_page_needs_no_other_file(opened):
    text = (opened.folder / "report.html").read_text(encoding="utf-8")
    assert "<script" not in text and "http" not in text.replace("http-equiv", "")
    assert {path.name for path in opened.folder.iterdir()} == {"report.html", "report.json"}
