"""Duels in a browser: they compute what the twins compute, and everyone can fight them."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

import avatarlib as al

ANGLES = 2 * np.pi * np.arange(8) / 8
CENTRES = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
RING = np.repeat(CENTRES, 50, axis=0) + 0.1 * np.random.default_rng(0).normal(size=(400, 2))
STILL = Image.new("RGB", (8, 8), "white")


def spec(hidden=24, layers=2, **changes):
    of = al.presets.points(hidden=hidden, layers=layers)
    game = replace(of.config, batch=64, lr_d=5e-3, lr_g=5e-3, r1=0.03)
    return replace(of, config=replace(game, **changes))


def duel(of=None, seed=0):
    return al.show.Duel(of or spec(), RING, STILL, "a duel", seed)._repr_html_()


@pytest.fixture(scope="module")
def open_page(open_widgets):
    return partial(open_widgets, ready=".duel-open")


@pytest.fixture
def opened(open_page):
    opened = open_page(duel())
    yield opened
    assert opened.errors == []
    opened.page.close()


def status(page, which=0):
    return page.locator(".duel [role=status]").nth(which).inner_text()


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


# ------------------------------------------------------------------------- JavaScript's arithmetic


@pytest.mark.parametrize("who", ["DG", "D", "G"])
@pytest.mark.parametrize(("loss", "r1"), [("non-saturating", 0.0), ("minimax", 0.7)])
@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_twenty_moves_are_the_frameworks(open_page, framework, loss, r1, who):
    """Every weight of both players; a wrong sign, mask, order or epsilon shows at once.

    In the twins a player that shall stand still gets no turn, or a rate of next to nothing.
    """
    of = spec(hidden=6, layers=3, loss=loss, r1=r1, lr_d=0.01, lr_g=0.02, beta2=0.9)
    still = {"D": {"generator_every": 1000}, "G": {"lr_d": 1e-200}, "DG": {}}[who]
    twin = al.backend(framework)
    gan = twin.GAN(replace(of, config=replace(of.config, **still)), seed=3, dtype="float64")
    rng = np.random.default_rng(1)
    batches = rng.normal(size=(20, 2, 5, 2))
    for real, z in batches:
        gan.step(real, z)

    opened = open_page(duel(of, seed=3))
    found = opened.page.evaluate(
        """([who, batches]) => {
            const duel = document.querySelector(".duel");
            for (const [real, z] of batches) duel.step(who, real, z);
            return duel.weights();
        }""",
        [who, batches.tolist()],
    )
    start = twin.GAN(of, seed=3, dtype="float64")
    for name, player in (("G", "generator"), ("D", "discriminator")):
        expected = twin.get_weights(getattr(gan, player))
        first = twin.get_weights(getattr(start, player))
        layers = dict.fromkeys(key.partition("/")[0] for key in expected)
        for layer, mine in zip(layers, found[name], strict=True):
            for part in ("kernel", "bias"):
                theirs = expected[f"{layer}/{part}"]
                assert np.allclose(mine[part], theirs, rtol=0, atol=1e-10), (name, layer, part)
                if part == "kernel":
                    moved = abs(theirs - first[f"{layer}/{part}"]).max() > 0.01
                    assert moved == (name in who)
    assert opened.errors == []


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_fifteen_hundred_moves_learn_the_ring(open_page, seed):
    """Threshold 0.6 of the drawings within three deviations, all clusters; seeds 0 to 2."""
    page = open_page(duel(seed=seed)).page
    page.get_by_label("how many times").select_option("100")
    for _ in range(15):
        press(page, "Both")
    assert "Moves: D 1500, G 1500." in status(page)
    of = spec()
    generator = al.backend("torch").Generator(of)
    weights = page.evaluate("document.querySelector('.duel').weights().G")
    names = list(of.weights("generator"))
    arrays = [np.float32(layer[part]) for layer in weights for part in ("kernel", "bias")]
    al.backend("torch").set_weights(generator, dict(zip(names, arrays, strict=True)))
    points = al.backend("torch").generate(generator, al.noise(1, "probe", 0, (1000, 2)))
    distances = np.linalg.norm(points[:, None] - CENTRES, axis=2)
    near = distances.min(axis=1) < 0.3
    assert near.mean() > 0.6
    assert (np.bincount(distances.argmin(axis=1)[near], minlength=8) >= 20).sum() >= 7


# ------------------------------------------------------------------------------------ for everyone


def test_one_player_moves_alone_and_the_status_says_so(opened):
    page = opened.page
    assert status(page).startswith("At the start. Moves: D 0, G 0.")
    before = page.evaluate("structuredClone(document.querySelector('.duel').weights())")
    press(page, "D only")
    assert status(page).startswith("The discriminator moved. Moves: D 1, G 0.")
    after = page.evaluate("document.querySelector('.duel').weights()")
    assert after["G"] == before["G"] and after["D"] != before["D"]
    page.get_by_label("how many times").select_option("10")
    press(page, "G only")
    assert status(page).startswith("The generator moved. Moves: D 1, G 10.")
    again = page.evaluate("document.querySelector('.duel').weights()")
    assert again["D"] == after["D"] and again["G"] != after["G"]
    press(page, "Start again")
    assert status(page).startswith("At the start. Moves: D 0, G 0.")
    assert page.evaluate("document.querySelector('.duel').weights()") == before


def test_a_trained_judge_of_a_frozen_generator_gets_surer(opened):
    page = opened.page
    page.get_by_label("how many times").select_option("100")
    press(page, "D only")
    real, fake = (float(status(page).split(f"{of} = ")[1][:4]) for of in ("D(x)", "D(G(z))"))
    assert real > 0.6 > 0.4 > fake


def test_it_runs_until_it_is_paused_and_the_picture_changes(opened):
    page = opened.page
    before = page.eval_on_selector(".duel-plane", "c => c.toDataURL()")
    press(page, "Run")
    page.wait_for_timeout(700)
    press(page, "Pause")
    said = status(page)
    assert said.startswith("Paused. Moves: D ") and "D 0," not in said
    page.wait_for_timeout(200)
    assert status(page) == said
    assert page.eval_on_selector(".duel-plane", "c => c.toDataURL()") != before
    assert said.split(". ")[1] in page.get_attribute(".duel-plane", "aria-label")


def test_it_is_fought_by_keyboard(opened):
    page, reached = opened.page, []
    for _ in range(12):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.name || document.activeElement.innerText")
        reached.append(name)
        if name == "Both":
            page.keyboard.press("Enter")
            assert "Moves: D 1, G 1." in status(page)
        elif name == "times":
            page.keyboard.press("ArrowDown")
            assert page.input_value("[name=times]") == "10"
        elif name == "rate-D":
            for _ in range(3):
                page.keyboard.press("ArrowRight")
            assert page.inner_text("[data-shown=D]") == "0.01"
            assert page.get_attribute("[name=rate-D]", "aria-valuetext") == "0.01"
        elif name == "r1":
            break
    assert reached[:3] == ["D only", "G only", "Both"] and reached[-1] == "r1"
    assert "rate-G" in reached and "loss" in reached and "Run" in reached


def test_rates_and_rules_take_effect(opened):
    """Adam's first move of any weight is as long as the rate, or 0."""
    page = opened.page
    page.get_by_label("learning rate of G").fill("-1")
    page.locator("[name=loss]").select_option("minimax")
    before = page.evaluate("structuredClone(document.querySelector('.duel').weights().G)")
    press(page, "G only")
    after = page.evaluate("document.querySelector('.duel').weights().G")
    moves = np.abs(np.subtract(after[0]["kernel"], before[0]["kernel"]))
    assert np.allclose(moves[moves > 1e-6], 0.1, rtol=1e-3)
    assert float(status(page).split("loss of G ")[1].rstrip(".")) < 0  # minimax pays below 0


def test_who_wants_less_motion_gets_fifty_moves_and_one_picture(open_page):
    opened = open_page(duel(), reduced_motion="reduce")
    press(opened.page, "Run")
    assert status(opened.page).startswith("Both moved 50 times. Moves: D 50, G 50.")
    opened.page.wait_for_timeout(300)
    assert "D 50, G 50" in status(opened.page)
    assert opened.errors == []


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_it_fits_the_screen_and_the_finger(open_page, width, theme):
    opened = open_page(duel(), width=width, theme=theme, has_touch=True)
    page = opened.page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for control in page.locator(".duel :is(button, select, input)").all():
        assert control.bounding_box()["height"] >= 40
    plane = page.locator(".duel-plane").bounding_box()
    assert plane["width"] >= 280 and abs(plane["width"] - plane["height"]) < 2
    page.get_by_role("button", name="Both", exact=True).tap()
    assert "Moves: D 1, G 1." in status(page)
    violations = Axe().run(page, options={"preload": False}).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:150]) for v in violations] == []
    assert opened.errors == []


def test_two_on_a_page_do_not_meddle(open_page):
    opened = open_page(duel(), duel(seed=1))
    second = opened.page.locator(".duel").nth(1)
    second.get_by_role("button", name="Both", exact=True).click()
    assert "D 0, G 0" in status(opened.page, 0)
    assert "D 1, G 1" in status(opened.page, 1)
    assert opened.errors == []


def test_without_javascript_and_on_paper_there_is_a_picture(open_widgets, open_page):
    page = open_page(duel(), script=False).page
    assert page.is_visible(".duel-still") and page.is_hidden(".duel-room")
    page = open_page(duel()).page
    page.emulate_media(media="print")
    assert page.is_visible(".duel-still") and page.is_hidden(".duel-room")
