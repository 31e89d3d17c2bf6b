"""The guessing game in a browser: it counts right, and everyone can play it."""

from functools import partial

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from scipy.stats import binomtest

from avatarlib.show import Guess


def flat(level, n=20):
    """Pictures of one colour; the level says which kind they are."""
    return np.full((n, 8, 8, 3), level, np.uint8)


def game():
    return Guess(flat(200), {"early": flat(50), "late": flat(100)}, trials=8, credit="Drawn by us")


@pytest.fixture(scope="module")
def open_page(open_widgets):
    return partial(open_widgets, ready=".guess-open canvas[aria-label]")


@pytest.fixture
def opened(open_page):
    opened = open_page(game()._repr_html_())
    yield opened
    assert opened.errors == []
    opened.page.close()


def level(page):
    """The colour on the canvas, in which only this test can see the answer."""
    return page.eval_on_selector(
        "canvas", """c => c.getContext("2d").getImageData(4, 4, 1, 1).data[0]"""
    )


def play(page, decide):
    """One round; `decide` says "Real" or "Drawn" of a level. Returns the levels seen."""
    seen = []
    for _ in range(8):
        seen.append(level(page))
        page.get_by_role("button", name=decide(seen[-1]), exact=True).click()
    return seen


def table(page):
    return [row.split("\t") for row in page.inner_text("tbody").splitlines()]


def test_a_round_shows_half_real_and_the_page_counts_what_python_counts(opened):
    """Somebody who takes late drawings for real ones is right in 6 of 8."""
    seen = play(opened.page, lambda level: "Real" if level >= 100 else "Drawn")
    assert seen == game().pictures[:8, 0, 0, 0].tolist()
    assert sorted(seen) == [50, 50, 100, 100, 200, 200, 200, 200]
    assert table(opened.page) == [["real", "4", "4"], ["early", "2", "2"], ["late", "0", "2"]]
    low, high = binomtest(6, 8).proportion_ci(method="wilson")
    said = opened.page.inner_text(".guess [role=status]")
    assert "6 of 8 right, 75 %. " in said and f"between {low:.0%} and".replace("%", " %") in said
    assert f"and {high:.0%}".replace("%", " %") in said
    assert "A coin could have done this" in said


def test_all_right_is_better_than_a_coin_and_another_round_has_other_pictures(opened):
    def know(level):
        return "Real" if level == 200 else "Drawn"

    first = play(opened.page, know)
    assert "8 of 8 right, 100 %" in opened.page.inner_text(".guess [role=status]")
    assert "better than a coin" in opened.page.inner_text(".guess [role=status]")
    opened.page.get_by_role("button", name="Another round").click()
    assert opened.page.is_hidden(".guess-result")
    second = play(opened.page, know)
    assert second == game().pictures[8:, 0, 0, 0].tolist() != first


def test_it_is_played_by_keyboard(opened):
    page = opened.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Real"
    for _ in range(4):
        page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Drawn"
    for _ in range(4):
        page.keyboard.press("Space")
    assert "of 8 right" in page.inner_text(".guess [role=status]")
    assert page.evaluate("document.activeElement.textContent") == "Another round"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "Real"
    assert "1 of 8" in page.inner_text(".guess-count")


def test_letters_answer_and_only_while_the_game_has_the_focus(opened):
    page = opened.page
    page.keyboard.press("r")
    assert "1 of 8" in page.inner_text(".guess-count")
    page.get_by_role("button", name="Real", exact=True).focus()
    page.keyboard.press("x")
    assert "1 of 8" in page.inner_text(".guess-count")
    for i in range(8):
        page.keyboard.press("r" if game().answers[i] == 0 else "D")
    assert "8 of 8 right" in page.inner_text(".guess [role=status]")
    page.keyboard.press("r")
    assert page.locator(".guess-truth li").count() == 8


def test_at_the_end_each_avatar_is_named_and_the_wrong_answers_are_marked(opened):
    page = opened.page
    seen = play(page, lambda level: "Real" if level >= 100 else "Drawn")
    names = {200: "real ✓", 100: "drawn ✗", 50: "drawn ✓"}
    shown = page.locator(".guess-truth li")
    assert shown.all_inner_texts() == [names[level] for level in seen]
    levels = page.eval_on_selector_all(
        ".guess-truth canvas",
        """all => all.map(c => c.getContext("2d").getImageData(4, 4, 1, 1).data[0])""",
    )
    assert levels == seen
    late = shown.nth(seen.index(100))
    assert late.get_attribute("aria-label") == "late, your answer was wrong"
    page.get_by_role("button", name="Another round").click()
    assert not shown.first.is_visible()


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_it_fits_the_screen_and_the_finger(open_page, width, theme):
    opened = open_page(game()._repr_html_(), width=width, theme=theme, has_touch=True)
    page = opened.page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for button in page.get_by_role("button").all():
        box = button.bounding_box()
        assert box["height"] >= 40 and box["width"] >= 40
    page.get_by_role("button", name="Real", exact=True).tap()
    assert "2 of 8" in page.inner_text(".guess-count")
    play_rest = ["Drawn"] * 7
    for name in play_rest:
        page.get_by_role("button", name=name, exact=True).tap()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    barriers = [v["id"] for v in Axe().run(page, options={"preload": False}).response["violations"]
                if v["impact"] in ("serious", "critical")]  # fmt: skip
    assert barriers == []
    assert opened.errors == []


def test_two_on_a_page_do_not_meddle(open_page):
    opened = open_page(game()._repr_html_(), game()._repr_html_())
    page = opened.page
    page.locator(".guess").nth(1).get_by_role("button", name="Real", exact=True).click()
    assert "1 of 8" in page.locator(".guess-count").nth(0).inner_text()
    assert "2 of 8" in page.locator(".guess-count").nth(1).inner_text()
    assert opened.errors == []


def test_without_javascript_and_on_paper_there_is_the_sheet_with_a_folded_key(open_page):
    page = open_page(game()._repr_html_(), script=False).page
    assert page.is_visible(".guess-still img") and page.is_hidden(".guess-room")
    key = page.locator("details p")
    assert not key.is_visible()
    page.locator("summary").click()
    real = [i + 1 for i, kind in enumerate(game().answers[:8]) if kind == 0]
    assert key.inner_text() == ", ".join(map(str, real)) + "."
    page = open_page(game()._repr_html_()).page
    page.emulate_media(media="print")
    assert page.is_visible(".guess-still img") and page.is_hidden(".guess-room")
