"""The study in a browser: everyone can take part, nothing is asked of the network or lost."""

import json
from functools import partial

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from avatarlib.evaluation.people import Study, read_answers


def flat(level):
    return np.full((60, 8, 8, 3), level, np.uint8)


def study(trials=4, practice=2, catch=1, seed=0):
    """Real pictures have the level 200 and a model's 50, in which this test can see the truth."""
    numbers = {"trials": trials, "practice": practice, "catch": catch, "seed": seed}
    return Study(flat(200), {"m": flat(50)}, **numbers)


SHOWN = ".study-picture img[style*='visible']"


@pytest.fixture(scope="module")
def open_study(browser, tmp_path_factory):
    """Opens a saved study's page from the disk, without a network; collects what goes wrong."""
    contexts, wrong = [], []

    def open_page(study, width=1280, theme="light", before=None, **settings):
        folder = tmp_path_factory.mktemp("study")
        study.save(folder)
        context = browser.new_context(
            viewport={"width": width, "height": 844}, color_scheme=theme, offline=True, **settings
        )
        contexts.append(context)
        if before:
            context.add_init_script(before)
        page = context.new_page()
        page.on("console", lambda m: m.type in ("error", "warning") and wrong.append(m.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda r: r.url.startswith(("http", "ws")) and wrong.append(r.url))
        page.goto((folder / "study.html").as_uri())
        page.wait_for_selector(".study-open")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(scope="module")
def open_page(open_widgets):
    return partial(open_widgets, ready=".study-open")


def level(page, picture=SHOWN):
    """The grey in the middle of the shown picture; None where it is noise."""
    page.wait_for_selector(picture)
    found = page.eval_on_selector(picture, """image => {
        const canvas = Object.assign(document.createElement("canvas"), { width: 8, height: 8 });
        canvas.getContext("2d").drawImage(image, 0, 0);
        const found = canvas.getContext("2d").getImageData(0, 0, 8, 8).data;
        return [...found].filter((_, i) => i % 4 < 3);
    }""")  # fmt: skip
    return found[0] if len(set(found)) == 1 else None


def heading(page):
    return page.inner_text(".study-head")


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def to_the_trials(page, key="f"):
    press(page, "I agree to take part")
    press(page, "Start the practice")
    while heading(page).startswith("Practice"):
        page.wait_for_selector(SHOWN)
        page.keyboard.press(key)
        press(page, "Next")
    press(page, "Begin")


def judge(page, count, decide=lambda level: level != 200):
    """Answers by letters; returns the levels seen."""
    seen = []
    for _ in range(count):
        seen.append(level(page))
        page.keyboard.press("j" if decide(seen[-1]) else "f")
    return seen


def saved(page, tmp_path):
    with page.expect_download() as download:
        press(page, "Save my answers")
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    return path


def barriers(page):
    found = Axe().run(page, options={"preload": False}).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html']}" for v in found]


# ------------------------------------------------------------------------------- taking part


def test_the_whole_study_by_keyboard_alone_comes_back_as_answers(open_study, tmp_path):
    """Knows the machine's pictures, but takes one real picture in two for a machine's."""
    page, made = open_study(study(trials=12)), study(trials=12)

    def tab_to(name):
        for _ in range(12):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent") == name:
                return
        raise AssertionError(f"The tab key does not reach {name!r}.")

    tab_to("I agree to take part")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.className") == "study-head"
    tab_to("Start the practice")
    page.keyboard.press("Space")
    for i in range(2):
        assert heading(page) == f"Practice {i + 1} of 2"
        shown = level(page)
        page.keyboard.press("f")
        said = page.inner_text(".study-words")
        assert said == ("Right. A designer" if shown == 200 else "Not quite. A machine") + (
            " drew this one." if shown == 200 else " made this one."
        )
        assert page.inner_text("[role=status]") == said
        assert page.evaluate("document.activeElement.textContent") == "Next"
        page.keyboard.press("Enter")
    tab_to("Begin")
    page.keyboard.press("Enter")
    seen, said = [], []
    for i in range(13):
        assert heading(page) == f"Avatar {i + 1} of 13"
        seen.append(level(page))
        assert page.inner_text("[role=status]") == f"avatar {i + 1} of 13"
        assert page.get_by_role("img").get_attribute("alt") == f"avatar {i + 1} of 13"
        said.append(seen[-1] != 200 or seen.count(200) % 2 == 0)
        if i == 5:  # a button instead of a letter
            tab_to("Made by a machine J" if said[-1] else "Drawn by a designer F")
            page.keyboard.press("Space")
        else:
            page.keyboard.press("J" if said[-1] else "f")
    assert heading(page) == "Thank you!"
    tab_to("Save my answers")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.name in page.inner_text("[role=status]")
    assert page.input_value("textarea") == path.read_text()

    answers, excluded = read_answers([path], made.key() | {"exclude": {
        "catch_right_below": 1, "median_ms_below": 0}})  # fmt: skip
    assert excluded == {} and path.name == f"study-answers-{answers.people[0]}.json"
    where = {200: 0, 50: 1}
    assert answers.source.tolist() == [where[s] for s in seen if s is not None]
    expected = [m for s, m in zip(seen, said, strict=True) if s is not None]
    assert answers.machine.tolist() == expected
    assert answers.wrong.sum() == 3
    assert [f["machine"] for f in json.loads(path.read_text())["practice"]] == [False, False]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_by_touch_on_a_phone_each_step_fits_and_has_no_barriers(open_study, theme):
    page = open_study(study(), width=390, theme=theme, has_touch=True, is_mobile=True)
    seen = set()

    def look():
        seen.add(heading(page).rstrip("0123456789 of"))
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert barriers(page) == []
        for button in page.get_by_role("button").all():
            box = button.bounding_box()
            assert box["height"] >= 44 and box["width"] >= 44

    def tap(name):
        page.get_by_role("button", name=name).tap()

    look()
    tap("I agree to take part")
    look()
    tap("Start the practice")
    for _ in range(2):
        page.wait_for_selector(SHOWN)
        look()
        tap("Made by a machine")
        look()
        tap("Next")
    look()
    tap("Begin")
    page.wait_for_selector(SHOWN)
    look()
    tap("Pause")
    look()
    tap("Start anew as another person")
    look()
    tap("Back")
    tap("Go on")
    for _ in range(5):
        page.wait_for_selector(SHOWN)
        tap("Drawn by a designer")
    look()
    assert seen == {"Welcome", "How it works", "Practice", "The practice is over", "Avatar",
                    "Paused", "Somebody else’s turn?", "Thank you!"}  # fmt: skip


def test_on_a_laptop_the_answers_are_in_sight_and_no_step_has_barriers(open_study):
    page = open_study(study(), theme="dark")
    page.set_viewport_size({"width": 1366, "height": 625})
    to_the_trials(page)
    page.wait_for_selector(SHOWN)
    for name in ("drawn", "machine"):
        box = page.locator(f"[value={name}]").bounding_box()
        assert box["y"] + box["height"] <= 625
    assert page.locator("kbd").all_inner_texts() == ["F", "J"]
    assert barriers(page) == []
    sides = [page.locator(f"[value={name}]").bounding_box() for name in ("drawn", "machine")]
    assert sides[0]["width"] == sides[1]["width"] and sides[0]["height"] == sides[1]["height"]


def test_a_rest_half_way(open_study):
    page = open_study(study(trials=40, practice=0, catch=0))
    press(page, "I agree to take part")
    press(page, "Begin")
    judge(page, 20)
    assert heading(page) == "Half way"
    assert "20 of 40 are done" in page.inner_text(".study-words")
    page.keyboard.press("f")
    press(page, "Go on")
    assert heading(page) == "Avatar 21 of 40"


# ------------------------------------------------------------------------- what is recorded


def mulberry(seed):
    """Random numbers below 1, as the page makes them, in whole numbers of Python."""
    while True:
        seed = (seed + 0x6D2B79F5) % 2**32
        t = (seed ^ seed >> 15) * (1 | seed) % 2**32
        t ^= (t + (t ^ t >> 7) * (61 | t)) % 2**32
        yield (t ^ t >> 14) / 2**32


def test_each_person_has_an_order_of_their_own_which_is_a_function_of_the_seed(open_study):
    files = []
    for _ in range(2):
        page = open_study(study(trials=10))
        to_the_trials(page)
        press(page, "Pause")
        press(page, "Stop here")
        files.append(json.loads(page.input_value("textarea")))
    for file in files:
        draws, order = mulberry(file["seed"]), list(range(11))
        for i in range(10, 0, -1):
            j = int(next(draws) * (i + 1))
            order[i], order[j] = order[j], order[i]
        assert file["order"] == order
        assert set(file) == {"format", "study", "person", "language", "started", "seed",
                             "order", "trials", "practice"}  # fmt: skip
        assert len(file["started"]) == 10 and len(file["person"]) == 16
    assert files[0]["order"] != files[1]["order"] and files[0]["person"] != files[1]["person"]


def test_time_runs_while_the_picture_is_seen_and_a_held_key_answers_once(open_study):
    page = open_study(study())
    to_the_trials(page)
    page.keyboard.press("f")  # before the picture is there
    page.wait_for_selector(SHOWN)
    page.wait_for_timeout(400)
    press(page, "Pause")
    page.wait_for_timeout(1500)
    page.keyboard.press("f")
    press(page, "Go on")
    page.wait_for_selector(SHOWN)
    page.wait_for_timeout(300)
    page.keyboard.down("f")
    for _ in range(3):
        page.wait_for_selector(SHOWN)
        page.keyboard.down("f")  # repeated, as a held key is
    page.keyboard.up("f")
    assert heading(page) == "Avatar 2 of 5"
    judge(page, 4)
    trials = json.loads(page.input_value("textarea"))["trials"]
    assert 700 <= trials[0]["ms"] < 1500 and len(trials) == 5
    assert all(0 <= trial["ms"] < 700 for trial in trials[1:])


def test_a_reload_goes_on_where_it_stopped(open_study, tmp_path):
    page, made = open_study(study(trials=12)), study(trials=12)
    to_the_trials(page)
    seen = judge(page, 5)
    assert heading(page) == "Avatar 6 of 13"
    page.reload()
    page.wait_for_selector(".study-open")
    assert heading(page) == "Paused" and "5 of 13 are done" in page.inner_text(".study-words")
    press(page, "Go on")
    seen += judge(page, 8)
    page.reload()
    page.wait_for_selector(".study-open")
    assert heading(page) == "Thank you!"
    answers, excluded = read_answers([saved(page, tmp_path)], made.key() | {"exclude": {
        "catch_right_below": 1, "median_ms_below": 0}})  # fmt: skip
    assert excluded == {} and len(answers) == 12 and answers.wrong.sum() == 0
    assert (answers.source > 0).tolist() == [s == 50 for s in seen if s is not None]


def test_who_stops_may_save_go_on_or_leave_the_place_to_another(open_study, tmp_path):
    page, made = open_study(study()), study()
    to_the_trials(page)
    judge(page, 2)
    press(page, "Pause")
    press(page, "Stop here")
    assert "You stopped after 2 of 5" in page.inner_text(".study-words")
    path = saved(page, tmp_path)
    answers, excluded = read_answers([path], made.key())
    assert len(answers) == 0 and list(excluded.values()) == ["stopped after 2 of 5 pictures"]
    press(page, "Go on")
    judge(page, 3)
    before = json.loads(page.input_value("textarea"))
    press(page, "Start anew as another person")
    press(page, "Back")
    assert json.loads(page.input_value("textarea")) == before and len(before["trials"]) == 5
    press(page, "Start anew as another person")
    press(page, "Erase and start anew")
    assert heading(page) == "Welcome" and page.evaluate("localStorage.length") == 0
    to_the_trials(page)
    judge(page, 5)
    assert json.loads(page.input_value("textarea"))["person"] != before["person"]


def test_nothing_is_stored_before_consent_and_a_browser_that_stores_nothing_will_do(open_study):
    page = open_study(study())
    assert page.evaluate("localStorage.length") == 0
    page = open_study(
        study(),
        before="""Object.defineProperty(window, "localStorage",
                  { get() { throw new Error("refused"); } })""",
    )
    to_the_trials(page)
    judge(page, 5)
    assert len(json.loads(page.input_value("textarea"))["trials"]) == 5


def test_where_saving_fails_the_text_can_be_copied(open_study):
    page = open_study(study(trials=2, catch=0), permissions=["clipboard-read"])
    to_the_trials(page)
    judge(page, 2)
    press(page, "Copy the text")
    assert page.inner_text("[role=status]") == "The text is copied."
    assert page.evaluate("navigator.clipboard.readText()") == page.input_value("textarea")


# --------------------------------------------------------------------------------- two tabs


def another_tab(page, shows="Paused"):
    """The same page again, as a second tab of the same browser.

    Each tab is a process, and the browser hands on what one has stored in its own time: a tab that
    does not show yet what it should is opened again, for two seconds at most.
    """
    other = page.context.new_page()
    for _ in range(20):
        other.goto(page.url)
        other.wait_for_selector(".study-open")
        if heading(other) == shows:
            break
        other.wait_for_timeout(100)
    return other


def test_of_two_tabs_the_later_one_goes_on_and_no_answer_is_lost(open_study, tmp_path):
    first, made = open_study(study(trials=12)), study(trials=12)
    to_the_trials(first)
    seen = judge(first, 4)
    level(first)
    second = another_tab(first)
    assert heading(second) == "Paused" and "4 of 13 are done" in second.inner_text(".study-words")
    first.wait_for_selector("text=Open in another tab")
    assert "open in another tab or window" in first.inner_text(".study-words")
    assert not first.is_visible("img") and barriers(first) == []
    press(second, "Go on")
    seen += judge(second, 3)
    first.keyboard.press("f")  # nobody asks anything here
    press(first, "Go on here")
    assert heading(first) == "Paused" and "7 of 13 are done" in first.inner_text(".study-words")
    second.wait_for_selector("text=Open in another tab")
    second.close()
    press(first, "Go on")
    seen += judge(first, 6)
    answers, excluded = read_answers([saved(first, tmp_path)], made.key() | {"exclude": {
        "catch_right_below": 1, "median_ms_below": 0}})  # fmt: skip
    assert excluded == {} and len(answers) == 12 and answers.wrong.sum() == 0
    assert (answers.source > 0).tolist() == [s == 50 for s in seen if s is not None]


def test_a_tab_that_heard_nothing_of_the_other_does_not_write_over_it(open_study):
    """Browsers may tell late, or never, as of two outputs in one document: so each act asks."""
    first = open_study(
        study(),
        before="""const listen = window.addEventListener; window.addEventListener =
                  (kind, ...rest) => kind === "storage" || listen(kind, ...rest)""",
    )
    to_the_trials(first)
    judge(first, 1)
    level(first)
    second = another_tab(first)
    press(second, "Go on")
    judge(second, 2)
    kept = "JSON.parse(Object.values(localStorage)[0]).trials.length"
    assert second.evaluate(kept) == 3
    first.bring_to_front()
    for act in (lambda: first.keyboard.press("f"), lambda: press(first, "中文")):
        act()
        assert first.evaluate(kept) == 3
    assert heading(first) in ("Open in another tab", "已在另一个标签页中打开")
    judge(second, 2)
    assert heading(second) == "Thank you!"


def test_a_tab_from_before_consent_hears_of_it_and_who_erases_frees_both(open_study):
    first = open_study(study())
    second = another_tab(first, "Welcome")
    press(first, "I agree to take part")
    second.wait_for_selector("text=Open in another tab")
    press(second, "Go on here")
    assert heading(second) == "How it works"
    press(second, "Start the practice")
    press(second, "Pause")
    press(second, "Start anew as another person")
    press(second, "Erase and start anew")
    assert heading(second) == "Welcome" and second.evaluate("localStorage.length") == 0
    press(first, "Go on here")
    assert heading(first) == "Welcome"


# ---------------------------------------------------------------------- languages and places


def test_in_chinese_every_step_speaks_chinese(open_study):
    page = open_study(study(), locale="zh-CN")
    root = page.locator(".study")

    def look():
        words = root.inner_text()
        assert root.get_attribute("lang") == page.evaluate("document.documentElement.lang") == "zh"
        assert "{" not in words.split('{"format"')[0] and "undefined" not in words
        latin = {w for w in words.replace("English", "").split() if w.isascii() and w.isalpha()}
        assert latin <= {"F", "J", "Tab"}

    look()
    for name in ("我同意参加", "开始练习"):
        press(page, name)
        look()
    for _ in range(2):
        page.wait_for_selector(SHOWN)
        press(page, "机器生成的 J")
        look()
        press(page, "下一张")
    look()
    press(page, "开始")
    page.wait_for_selector(SHOWN)
    assert page.get_by_role("img").get_attribute("alt") == "头像 1，共 5 张"
    press(page, "暂停")
    look()
    press(page, "继续")
    judge(page, 5)
    assert heading(page) == "谢谢您！" and page.title() == "设计师还是机器？"
    assert json.loads(page.input_value("textarea"))["language"] == "zh"
    press(page, "English")
    assert heading(page) == "Thank you!" and root.get_attribute("lang") == "en"
    assert page.evaluate("document.documentElement.lang") == "en"


def test_the_language_may_change_in_the_middle_of_a_picture(open_study):
    page = open_study(study())
    to_the_trials(page)
    shown = level(page)
    press(page, "中文")
    assert heading(page) == "第 1 张，共 5 张" and level(page) == shown
    assert page.locator("[value=language]").get_attribute("lang") == "en"
    press(page, "English")
    page.keyboard.press("f")
    assert heading(page) == "Avatar 2 of 5"


def test_two_on_a_page_do_not_meddle_and_letters_answer_where_the_focus_is(open_page):
    opened = open_page(study()._repr_html_(), study(seed=1)._repr_html_())
    page = opened.page
    first, second = page.locator(".study").all()
    assert page.evaluate("document.activeElement.tagName") == "BODY"
    for one in (first, second):
        for name in ("I agree to take part", "Start the practice"):
            one.get_by_role("button", name=name).click()
        one.locator(SHOWN.removeprefix(".study-picture ")).wait_for()
    page.keyboard.press("f")  # the focus is in the second
    assert second.get_by_role("button", name="Next").is_visible()
    assert first.locator(".study-head").inner_text() == "Practice 1 of 2"
    assert first.get_by_role("button", name="Drawn by a designer").is_visible()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    assert first.get_by_role("button", name="Drawn by a designer").is_visible()
    first.get_by_role("button", name="中文").click()
    assert second.get_attribute("lang") == page.evaluate("document.documentElement.lang") == "en"
    assert barriers(page) == []
    assert opened.errors == []


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_the_widget_fits_a_page_of_another(open_page, width, theme):
    opened = open_page(study()._repr_html_(), width=width, theme=theme)
    page = opened.page
    to_the_trials(page)
    page.wait_for_selector(SHOWN)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert barriers(page) == [] and opened.errors == []


def test_without_javascript_a_sentence_says_what_is_missing(open_page):
    page = open_page(study()._repr_html_(), script=False).page
    assert page.is_visible(".study-still") and page.is_hidden(".study-room")
