"""Studios in a browser: they draw what the twins draw, and everyone can work them."""

import io
import math
from functools import partial

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

import avatarlib as al
from avatarlib.data.conditions import one_hot
from avatarlib.training import layers as L
from avatarlib.training.initial import initial_weights
from avatarlib.training.spec import Spec

CONDITIONS = (
    ("hair", ("bangs", "mohawk", "curls")),
    ("hair_colour", ("#220f00", "#e9b729")),
)
WORDS = {"#220f00": "black", "#e9b729": "blond"}
SHARES = [0.0, 0.3, 0.7, 0.9, 0.1]
LOGIT = (L.Flatten(), L.Dense("logit", 1))
SPECS = {
    "conditional": al.presets.small(32, 3, conditions=CONDITIONS),
    "article": al.presets.article(28, 1),
    # What the presets' generators leave out; and not square, so that rows are no columns.
    "others": Spec(
        "others",
        (8, 12, 3),
        5,
        (
            L.Dense("dense1", 2 * 3 * 4),
            L.LeakyReLU(0.0),
            L.Reshape((2, 3, 4)),
            L.ConvTranspose("up1", 5, kernel=3, stride=2),
            L.BatchNorm("norm1", epsilon=0.1),
            L.Conv("conv1", 3, kernel=3, stride=1),
            L.Conv("conv2", 6, kernel=4, stride=2),
            L.Flatten(),
            L.Dense("dense2", 4 * 6 * 3),
            L.Reshape((4, 6, 3)),
            L.ConvTranspose("up2", 4, kernel=4, stride=1),
            L.ConvTranspose("up3", 4, kernel=3, stride=1),
            L.Conv("conv3", 4, kernel=4, stride=1),
            L.ConvTranspose("up4", 4, kernel=2, stride=2),
            L.Conv("conv4", 4, kernel=5, stride=1),
            L.LeakyReLU(0.2),
            L.Conv("conv5", 3, kernel=1, stride=1),
            L.Tanh(),
        ),
        LOGIT,
    ),
}


def weights_of(spec):
    """Random weights where no bias is zero and no average is the first one."""
    rng, weights = np.random.default_rng(0), {}
    for name, array in initial_weights(spec, "generator", 0).items():
        if name.endswith(("bias", "beta", "mean")):
            array = rng.normal(scale=0.3, size=array.shape)
        elif name.endswith(("gamma", "variance")):
            array = rng.uniform(0.5, 1.5, array.shape)
        elif spec.name == "article":  # whose first drawings are nearly grey
            array = array * 2
        weights[name] = array.astype(np.float32)
    return weights


CREDIT = "Drawn after “parts” by 小明, CC BY 4.0"
STILL = Image.new("RGB", (32, 32), (200, 150, 100))


def studio(name, alt="faces"):
    spec = SPECS[name]
    shares = SHARES if spec.conditions else None
    shown = al.show.Studio(
        spec, weights_of(spec), STILL, alt, words=WORDS, credit=CREDIT, shares=shares
    )
    return shown._repr_html_()


@pytest.fixture(scope="module")
def open_page(open_widgets):
    """A function that opens a page with these Studios, as a file, on a screen."""
    return partial(open_widgets, ready=".studio-open .studio-others canvas[width]")


@pytest.fixture
def opened(open_page):
    """One conditional Studio; whatever a test does with it, nothing may go wrong."""
    opened = open_page(studio("conditional"))
    yield opened
    assert opened.errors == []
    opened.page.close()


def pixels(page, canvas=".studio-pictures > canvas"):
    """What a canvas shows: uint8 (height, width, 4)."""
    shown = page.eval_on_selector(
        canvas,
        """c => [c.height, c.width,
            [...c.getContext("2d").getImageData(0, 0, c.width, c.height).data]]""",
    )
    return np.array(shown[2], np.uint8).reshape(*shown[:2], 4)


def mulberry32(seed):
    """The page's random numbers, from their published recipe."""
    state = seed * 0x9E3779B1 % 2**32

    def next_number():
        nonlocal state
        state = (state + 0x6D2B79F5) % 2**32
        t = (state ^ state >> 15) * (state | 1) % 2**32
        t ^= (t + (t ^ t >> 7) * (t | 61)) % 2**32
        return (t ^ t >> 14) / 2**32

    return next_number


def box_muller(u, v):
    return math.sqrt(-2 * math.log(1 - u)) * math.cos(2 * math.pi * v)


def status(page):
    return page.inner_text(".studio [role=status]")


# ------------------------------------------------------------------------- JavaScript's arithmetic


@pytest.mark.parametrize("name", SPECS)
def test_the_page_draws_what_the_twins_draw(open_page, name):
    """Whatever is turned, shifted, forgotten or swapped shows as far more than one level."""
    spec, twin = SPECS[name], al.backend()
    generator = twin.Generator(spec)
    twin.set_weights(generator, weights_of(spec))
    z = al.noise(5, "latent", 0, (3, spec.latent))
    asked = {"hair": ["curls", "bangs", "mohawk"], "hair_colour": ["#e9b729"] * 2 + ["#220f00"]}
    condition = one_hot(asked, spec.conditions) if spec.conditions else None
    expected = al.to_uint8(np.asarray(twin.generate(generator, z, condition)))
    assert expected.std(axis=(1, 2)).min() > 10, "a flat picture would hide mistakes"

    opened = open_page(studio(name))
    drawn = opened.page.evaluate(
        """([latents, conditions]) => latents.map((z, i) => {
            const pixels = document.querySelector(".studio").draw(z, conditions?.[i]);
            if (!(pixels instanceof Uint8ClampedArray)) throw new Error("no pixels");
            return [...pixels];
        })""",
        [z.tolist(), None if condition is None else condition.tolist()],
    )
    difference = np.abs(np.array(drawn).reshape(expected.shape) - expected.astype(int))
    assert difference.max() <= 2 and difference.mean() < 0.1  # 12 bits, and rounding
    assert opened.errors == []


def test_the_canvas_shows_the_drawing_and_grey_is_grey(open_page):
    for name in ("conditional", "article"):
        page = open_page(studio(name)).page
        shown = pixels(page)
        height, width, channels = SPECS[name].shape
        assert shown.shape == (height, width, 4) and (shown[..., 3] == 255).all()
        assert (np.ptp(shown[..., :3], axis=2).max() == 0) == (channels == 1)


def test_a_number_is_a_promise_of_a_face(opened):
    """Face 1 of today's page is face 1 of tomorrow's: latents and lots, computed a second time."""
    next_number = mulberry32(1)
    z = [box_muller(next_number(), next_number()) for _ in range(64)]
    hair, colour = (np.searchsorted(ends, next_number(), "right") for ends in ([0, 0.3], [0.9]))
    condition = np.eye(3)[hair].tolist() + np.eye(2)[colour].tolist()
    drawn = opened.page.evaluate(
        "([z, c]) => [...document.querySelector('.studio').draw(z, c)]", [z, condition]
    )
    shown = pixels(opened.page)[..., :3].astype(int)
    assert np.abs(np.array(drawn).reshape(32, 32, 3) - shown).max() <= 1
    said = (CONDITIONS[0][1][hair], WORDS[CONDITIONS[1][1][colour]])
    assert status(opened.page) == "Face 1; hair: {}; hair colour: {}.".format(*said)


def test_what_nobody_asks_for_comes_as_often_as_its_share(opened):
    """300 faces; a share is met within 4.5 standard errors, so that one page in 30,000 fails."""
    page, seen = opened.page, {}
    for _ in range(300):
        page.get_by_role("button", name="Another face").click()
        for said in status(page).removesuffix(".").split("; ")[1:]:
            seen[said] = seen.get(said, 0) + 1
    names = [
        f"{name}: {WORDS.get(value, value)}".replace("_", " ")
        for name, values in CONDITIONS
        for value in values
    ]
    for name, share in zip(names, SHARES, strict=True):
        error = 4.5 * (share * (1 - share) / 300) ** 0.5
        assert abs(seen.get(name, 0) / 300 - share) <= error, name


def test_the_latents_of_neighbouring_faces_are_normal_and_independent():
    faces = []
    for number in range(1, 501):
        next_number = mulberry32(number)
        faces.append([box_muller(next_number(), next_number()) for _ in range(64)])
    faces = np.array(faces)
    assert abs(faces.mean()) < 4 / np.sqrt(faces.size) and abs(faces.std() - 1) < 0.02
    assert np.abs(np.corrcoef(faces.T) - np.eye(64)).max() < 5 / np.sqrt(500)
    neighbours = (faces[1:] * faces[:-1]).mean()
    assert abs(neighbours) < 4 / np.sqrt(faces.size)


# ------------------------------------------------------------------------------------ the controls


def test_another_face_is_another_face_and_is_found_again(opened):
    page = opened.page
    first = pixels(page)
    assert status(page).startswith("Face 1; ")
    page.get_by_role("button", name="Another face").click()
    second = pixels(page)
    assert status(page).startswith("Face 2; ") and (first != second).any()
    page.get_by_label("or face").fill("1")
    page.keyboard.press("Enter")
    assert status(page).startswith("Face 1; ") and (pixels(page) == first).all()
    page.get_by_label("or face").fill("-3")
    page.keyboard.press("Enter")
    assert page.get_by_label("or face").input_value() == "1", "no such face: the last one stays"


def test_what_is_asked_for_is_drawn_and_said(opened):
    page = opened.page
    before, seen = pixels(page), set()
    for hair in ("bangs", "mohawk", "curls"):
        page.get_by_role("combobox", name="hair", exact=True).select_option(hair)
        assert f"hair: {hair}; " in status(page)
        seen.add(pixels(page).tobytes())
    assert len(seen) == 3 and before.tobytes() in seen  # lots of one attribute alone are replaced
    page.get_by_label("blond").check()
    blond = pixels(page)
    assert status(page).endswith("hair colour: blond.")
    page.get_by_label("black").check()
    assert status(page).endswith("hair colour: black.") and (pixels(page) != blond).any()


def test_the_slider_leads_to_the_average_face(open_page):
    opened = open_page(studio("article"))
    page, first = opened.page, pixels(opened.page)
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowLeft")
    assert (pixels(page) != first).any()
    page.get_by_role("slider").fill("0")
    average = pixels(page)
    page.get_by_role("button", name="Another face").click()
    assert (pixels(page) == average).all(), "all faces have one average"
    drawn = page.evaluate('[...document.querySelector(".studio").draw(Array(100).fill(0))]')
    assert (np.array(drawn).reshape(28, 28) == average[..., 0]).all()
    assert opened.errors == []


def test_networks_that_draw_by_attributes_have_no_slider(opened):
    """Their latents do next to nothing, and a slider that does nothing is a broken one."""
    assert opened.page.get_by_role("slider").count() == 0


def test_the_small_pictures_are_the_other_faces(opened):
    page = opened.page
    page.wait_for_selector(".studio-others button:nth-child(8) canvas[width='32']")
    third = pixels(page, ".studio-others button:nth-child(3) canvas")
    page.get_by_role("button", name="Face 3").click()
    assert status(page).startswith("Face 3; ") and (pixels(page) == third).all()
    assert page.get_by_role("button", name="Face 3").get_attribute("aria-pressed") == "true"
    page.get_by_label("or face").fill("17")
    page.keyboard.press("Enter")
    assert page.locator(".studio-others [aria-pressed=true]").get_attribute("aria-label") == (
        "Face 17"
    )


def test_everything_works_by_keyboard(opened):
    page = opened.page
    reached = []
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "(document.activeElement.getAttribute('aria-label') ?? '') + '|' + "
                "(document.activeElement.name ?? '') + '|' + document.activeElement.innerText"
            )
        )
        focused = page.evaluate("document.activeElement.name")
        if focused == "attribute-1":
            page.keyboard.press("ArrowRight")
            assert "hair colour: black" in status(page)
        elif focused == "attribute-0":
            page.keyboard.press("m")  # as in every select: the first letter
            assert "hair: mohawk" in status(page)
        elif "Another face" in reached[-1]:
            page.keyboard.press("Enter")
            assert status(page).startswith("Face 2; ")
        elif "Save picture" in reached[-1]:
            with page.expect_download() as download:
                page.keyboard.press("Enter")
            assert download.value.suggested_filename == "avatar-face-2.png"
            break
    assert "Save picture" in reached[-1]
    assert sum("Face " in name for name in reached) == 8


def test_the_picture_is_saved_large_with_sharp_pixels(opened):
    page = opened.page
    with page.expect_download() as download:
        page.get_by_role("button", name="Save picture").click()
    assert download.value.suggested_filename == "avatar-face-1.png"
    file = Image.open(io.BytesIO(download.value.path().read_bytes()))
    saved = np.asarray(file.convert("RGBA"))
    assert (saved == pixels(page).repeat(16, axis=0).repeat(16, axis=1)).all()
    assert file.text == {"Copyright": CREDIT}
    assert page.get_by_text(CREDIT).is_visible()


# ------------------------------------------------------------------------------------ for everyone


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_the_screen_and_the_finger(open_page, width, theme):
    page = open_page(studio("conditional"), studio("article"), width=width, theme=theme).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sizes = page.evaluate(
        """[...document.querySelectorAll(".studio :is(button, select, input)")].map(e => {
            const box = e.getBoundingClientRect();
            return [e.outerHTML.slice(0, 80), box.width, box.height];
        })"""
    )
    assert len(sizes) == 2 * (8 + 3) + 1 + 3 + 1  # both; a select, three radios; a slider
    assert [size for size in sizes if min(size[1:]) < 36] == []
    large = page.locator(".studio-pictures > canvas").first.bounding_box()
    assert 256 <= large["width"] <= 320 and large["width"] == large["height"]
    results = Axe().run(page, options={"preload": False}).response
    assert [(r["id"], r["nodes"][0]["html"][:200]) for r in results["violations"]] == []


def test_studios_on_one_page_do_not_meddle(open_page):
    opened = open_page(studio("conditional"), studio("conditional"))
    page, second = opened.page, opened.page.locator(".studio").nth(1)
    before = pixels(page)
    second.get_by_label("blond").check()
    second.get_by_role("button", name="Another face").click()
    assert second.get_by_role("status").inner_text().startswith("Face 2; ")
    assert status(page).startswith("Face 1; ") and (pixels(page) == before).all()
    assert page.locator("[value='']:checked").count() == 1 + 2  # the radio's, and options' "any"
    assert opened.errors == []


def test_without_javascript_there_is_a_picture_and_no_dead_control(open_page):
    page = open_page(studio("conditional"), script=False).page
    assert page.get_by_role("img", name="faces").is_visible()
    assert page.locator(".studio :is(button, select, input):visible").count() == 0


def test_on_paper_there_is_the_picture_without_controls(open_page):
    page = open_page(studio("conditional")).page
    page.emulate_media(media="print")
    assert page.locator(".studio-pictures > canvas").is_visible()
    assert page.locator(".studio :is(button, select, input):visible").count() == 0
