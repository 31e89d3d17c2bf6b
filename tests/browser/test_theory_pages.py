"""The widgets of the theory chapters in the built book: by mouse, by finger and by keyboard."""

import re

import pytest

PAGES = {
    "book/02-concepts.html": {".film": 4, ".guess": 1},
    "book/03-minimax.html": {".film": 1},
    "book/04-training-steps.html": {".film": 1, ".duel": 1},
}


@pytest.fixture(params=[(page, screen) for page in PAGES for screen in ("wide", "phone")], ids=str)
def opened(request, visit):
    """A page on a screen; whatever is done with it, nothing may go wrong."""
    opened = visit(*request.param)
    opened.name = request.param[0]
    yield opened
    assert opened.errors == [] and opened.strangers == []
    opened.page.close()


def test_every_widget_is_there(opened):
    for kind, count in PAGES[opened.name].items():
        assert opened.page.locator(kind).count() == count


def test_films_are_scrubbed_by_keyboard_and_by_mouse_and_play(opened):
    films = opened.page.locator(".film")
    for i in range(films.count()):
        film = films.nth(i)
        slider, label = film.locator("input"), film.locator("output")
        slider.focus()  # its frames come now
        film.locator("img:not([src])").first.wait_for(state="detached")
        opened.page.wait_for_function("i => !document.querySelectorAll('.film')[i].ariaBusy", arg=i)
        last = int(slider.get_attribute("max"))
        shown = film.locator("img:visible")
        assert shown.count() == 1
        texts = film.locator("img").evaluate_all("all => all.map(one => one.dataset.label)")
        assert label.inner_text() == texts[last]

        opened.page.keyboard.press("ArrowLeft")
        assert label.inner_text() == texts[last - 1]
        assert shown.get_attribute("data-label") == texts[last - 1]
        opened.page.keyboard.press("Home")
        assert label.inner_text() == texts[0]

        box = slider.bounding_box()
        slider.click(position={"x": box["width"] - 4, "y": box["height"] / 2})
        assert label.inner_text() == texts[last]

        film.get_by_role("button", name="Play").click()
        assert label.inner_text() == texts[0]
        opened.page.wait_for_function(
            "([i, text]) => document.querySelectorAll('.film output')[i].textContent === text",
            arg=[i, texts[1]],
        )
        film.get_by_role("button", name="Pause").click()


def test_the_guessing_game_is_played_by_keyboard(opened):
    guess = opened.page.locator(".guess")
    if not guess.count():
        return
    guess.get_by_role("button", name="Real", exact=True).focus()
    for _ in range(9):
        opened.page.keyboard.press("Enter")
    opened.page.keyboard.press("Tab")
    for _ in range(9):
        opened.page.keyboard.press("Space")
    assert "of 18 right" in guess.locator("[role=status]").inner_text()
    assert guess.locator("tbody tr").count() == 4
    guess.get_by_role("button", name="Another round").click()
    assert "Avatar 1 of 18" in guess.inner_text()


def test_the_duel_does_what_the_page_says(opened):
    """The three experiments: a sure judge, a collapsed generator, and a run."""
    duel = opened.page.locator(".duel")
    if not duel.count():
        return

    def press(name):
        duel.get_by_role("button", name=name, exact=True).click()
        return duel.locator("[role=status]").inner_text()

    def number(text, name):
        return float(text.split(f"{name} = ")[1].split(",")[0])

    duel.get_by_label("how many times").select_option("100")
    said = press("D only")
    assert number(said, "D(x)") > 0.6 and number(said, "D(G(z))") < 0.4
    press("G only")
    said = press("G only")
    assert number(said, "D(G(z))") > 0.9
    said = press("Start again")
    assert "Moves: D 0, G 0." in said
    duel.get_by_role("button", name="Run", exact=True).focus()
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_timeout(500)
    opened.page.keyboard.press("Space")
    assert "Paused. Moves: D " in duel.locator("[role=status]").inner_text()


def test_the_cheat_sheet_is_one_page_of_paper(visit):
    page = visit("book/reference/cheat-sheet.html").page
    paper = page.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1
