"""Outputs of two kernels in one document, as JupyterLab keeps open notebooks: each one works."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KERNEL = """
import sys
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
import avatarlib as al
from avatarlib.evaluation.people import Study
from avatarlib.training.initial import initial_weights

def flat(level):
    return np.full((60, 8, 8, 3), level, np.uint8)

def draw(height):
    figure, axis = plt.subplots(figsize=(2, 1))
    axis.bar([0], [height])
    plt.close(figure)
    return figure

np.random.seed(0)  # as many notebooks begin; two kernels must not get one name by it
who, still = sys.argv[1], Image.new("RGB", (8, 8))
small, points = al.presets.small(28, 1), al.presets.points(hidden=8, layers=2)
explorer = al.show.Explorer(draw, "height", [1, 2, 3], f"bars of {who}")
for output in (
    al.show.Film([still] * 3, [f"{who} {i}" for i in range(3)], who)._repr_html_(),
    explorer._repr_mimebundle_()["text/html"],
    al.show.Guess(flat(200), {"late": flat(50)}, trials=4)._repr_html_(),
    al.show.Studio(small, initial_weights(small, "generator", 0), still, who)._repr_html_(),
    al.show.Duel(points, np.zeros((50, 2)), still, who)._repr_html_(),
    Study(flat(200), {"m": flat(50)}, trials=4, practice=0, seed=len(who))._repr_html_(),
):
    print(output)
"""


@pytest.fixture(scope="module")
def outputs():
    """What a kernel shows, of two kernels."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run = [sys.executable, "-c", KERNEL]
    return [
        subprocess.run([*run, who], env=environment, capture_output=True, text=True, check=True)
        .stdout.strip()
        for who in ("one", "another")
    ]  # fmt: skip


READY = """() => ["studio", "duel", "guess", "study"].every(
    (kind) => document.querySelectorAll(`.${kind}-open`).length === 2)"""


def shown_in(page):
    """Works every widget; what each shows then."""
    page.wait_for_function(READY)
    found = {"film": [], "guess": [], "studio": [], "duel": [], "study": []}
    for film in page.locator(".film").all():
        slider = film.locator("input")
        slider.focus()
        slider.press("Home")
        first = film.locator("output").inner_text(), film.locator("img").nth(0).is_visible()
        film.locator("button").click()
        found["film"].append((*first, film.locator("button").inner_text()))
        film.locator("button").click()
    for guess in page.locator(".guess").all():
        guess.get_by_role("button", name="Real").click()
        found["guess"].append(guess.locator(".guess-count").inner_text())
    for studio in page.locator(".studio").all():
        studio.get_by_role("button", name="Another face").click()
        found["studio"].append(studio.locator("[role=status]").inner_text())
    for duel in page.locator(".duel").all():
        duel.get_by_role("button", name="D only").click()
        found["duel"].append(duel.locator("[role=status]").inner_text().partition(". D(x)")[0])
    for study in page.locator(".study").all():
        study.get_by_role("button", name="I agree to take part").click()
        found["study"].append(study.locator(".study-head").inner_text())
    return found


def test_the_widgets_of_two_kernels_work_in_one_page(open_widgets, outputs):
    opened = open_widgets(*outputs, ready=".duel-open")
    assert shown_in(opened.page) == {
        "film": [
            ("one 0", True, "Pause"),
            ("height 1", True, "Pause"),
            ("another 0", True, "Pause"),
            ("height 1", True, "Pause"),
        ],
        "guess": ["Avatar 2 of 4: real (R) or drawn (D)?"] * 2,
        "studio": ["Face 2."] * 2,
        "duel": ["The discriminator moved. Moves: D 1, G 0"] * 2,
        "study": ["How it works"] * 2,
    }
    ids = opened.page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(set(ids)) == len(ids) == 12 and opened.errors == []


def test_one_output_that_is_shown_twice_works_twice(open_widgets, outputs):
    """JupyterLab's second view of a notebook; but a study is for one reader at a time."""
    opened = open_widgets(outputs[0], outputs[0], ready=".duel-open")
    found = shown_in(opened.page)
    assert found["film"][:2] == found["film"][2:]
    for kind in ("guess", "studio", "duel"):
        assert found[kind][0] == found[kind][1], kind
    assert found["duel"][0] == "The discriminator moved. Moves: D 1, G 0"
    assert found["study"] == ["How it works", "Open in another tab"] and opened.errors == []
