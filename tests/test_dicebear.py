"""Rendered avatars: the same for everyone, labels that are exact, a cache that can be trusted."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import dicebear
import numpy as np
import pytest
from PIL import ImageColor
from scipy.stats import chisquare

import avatarlib
from avatarlib import InputError
from avatarlib.data import AvatarSet, render, styles
from avatarlib.data import dicebear as ours

ROOT = Path(avatarlib.__file__).parents[1]


def draw(style="big-smile", count=12, size=16, **settings):
    return render(style, count, size, progress=False, **settings)


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AVATARLIB_CACHE", str(tmp_path))
    return tmp_path


def same(one, other):
    return (
        (one.images == other.images).all()
        and {name: one.labels(name).tolist() for name in one.attributes}
        == {name: other.labels(name).tolist() for name in other.attributes}
        and one.options == other.options
    )


# ---------------------------------------------------------------------------------- determinism


def test_equal_arguments_give_equal_avatars(empty_cache, monkeypatch):
    first = draw()
    monkeypatch.setenv("AVATARLIB_CACHE", str(empty_cache / "another"))
    assert same(first, draw())


def test_another_seed_gives_other_avatars():
    assert (draw(seed=1).images != draw(seed=2).images).any(axis=(1, 2, 3)).all()


WEIGHTS = {"hair": {"bangs": 1, "mohawk": 2}, "skin_colour": {"#ffe4c0": 1, "#643d19": 1}}


def test_an_avatar_depends_on_its_number_and_not_on_how_many_there_are():
    for weights in (None, WEIGHTS):
        many, few = draw(count=70, weights=weights), draw(count=9, weights=weights)
        assert (many.images[:9] == few.images).all()
        for name in few.attributes:
            assert (many.labels(name)[:9] == few.labels(name)).all()


def test_two_processes_draw_what_one_draws(empty_cache, monkeypatch):
    monkeypatch.setattr(ours, "FEW", 0)  # else so few avatars take one process
    two = draw(count=150, workers=2)
    monkeypatch.setenv("AVATARLIB_CACHE", str(empty_cache / "another"))
    assert same(two, draw(count=150, workers=1))


def test_weights_count_and_their_order_does_not(empty_cache):
    forwards = draw(count=40, weights={"hair": {"bangs": 1, "mohawk": 5}})
    for file in empty_cache.rglob("*.npz"):
        file.unlink()
    backwards = draw(count=40, weights={"hair": {"mohawk": 5, "bangs": 1}})
    assert same(forwards, backwards)


# ----------------------------------------------------------------------------- labels are exact


def test_planted_options_are_read_back():
    """DiceBear's options and our weights for the same choice, and neither ever gives another."""
    by_options = draw(
        count=30,
        options={"hairVariant": ["bangs", "mohawk"], "skinColor": ["#ff0000", "#00ff00"]},
    )
    assert set(by_options.labels("hair")) == {"bangs", "mohawk"}
    assert set(by_options.labels("skin_colour")) == {"#ff0000", "#00ff00"}
    by_weights = draw(count=30, weights=WEIGHTS)
    assert set(by_weights.labels("hair")) == {"bangs", "mohawk"}
    assert set(by_weights.labels("skin_colour")) == {"#ffe4c0", "#643d19"}


def test_the_labels_are_what_dicebear_settles_for_the_same_seed():
    """Drawn again through DiceBear alone; the pairs of names are written out here."""
    avatars = draw("adventurer", count=70, seed=5)
    names = {
        "skin_colour": "skinColor",
        "hair": "hairVariant",
        "hair_colour": "hairColor",
        "eyes": "eyesVariant",
        "eyebrows": "eyebrowsVariant",
        "mouth": "mouthVariant",
        "glasses": "glassesVariant",
        "earrings": "earringsVariant",
    }
    text = (resources.files("dicebear_styles") / "adventurer.json").read_text(encoding="utf-8")
    style = dicebear.Style(json.loads(text))
    for i in range(70):  # more than one worker's portion
        settled = dicebear.Avatar(style, {"seed": f"5-{i}"}).to_json()["options"]
        for label, option in names.items():
            value = settled.get(option, "none")
            value = value[0] if isinstance(value, list) else value
            assert avatars.labels(label)[i] == value


@pytest.mark.parametrize(
    "style, label, least_share",
    [
        ("big-smile", "skin_colour", 0.04),
        ("big-smile", "hair_colour", 0.01),
        ("adventurer", "skin_colour", 0.03),
        ("adventurer", "hair_colour", 0.01),
    ],
)
def test_the_named_colours_stand_in_the_pixels(style, label, least_share):
    """In every avatar of 64 pixels that has the part, exactly, and in a share of all pixels.

    The other colours of the palette are the control: they come by chance, on edges and in eyes,
    in fewer than five of a thousand pixels. (Those that another part may wear are left out.)
    """
    avatars = draw(style, 60, 64)
    palette = [name for name in avatars.attributes[label].categories if name != "none"]
    others = []
    for i, name in enumerate(avatars.labels(label)):
        if name == "none":
            continue
        shares = {
            colour: (avatars.images[i] == ImageColor.getrgb(colour)).all(axis=-1).mean()
            for colour in palette
        }
        assert shares[name] > least_share, f"avatar {i}: {name}"
        worn = {avatars.labels(n)[i] for n in avatars.attributes if n.endswith("colour")}
        others.append(sum(share for colour, share in shares.items() if colour not in worn))
    assert np.mean(others) < 0.005


def test_numbers_come_as_float32_and_nothing_where_the_part_is_absent():
    turned = draw(options={"rotate": [-30, 30]}).numbers["rotate"]
    assert turned.dtype == np.float32 and len(set(turned.tolist())) == 12
    assert (np.abs(turned) <= 30).all()

    avatars = draw("waves", count=40)
    absent = {name: avatars.labels(name) == "none" for name in avatars.attributes}
    partly = [name for name in absent if 0 < absent[name].mean() < 1]
    with_numbers = [(n, k) for n in partly for k in avatars.numbers if k.startswith(f"{n}_")]
    assert with_numbers
    for name, number in with_numbers:
        assert (np.isnan(avatars.numbers[number]) == absent[name]).all()


def test_planted_frequencies_occur():
    """Each attribute's counts by Pearson's chi-square; by chance, one in a million is rejected."""
    weights = {
        "hair": {"bangs": 6, "mohawk": 3, "braids": 1, "bunHair": 0},
        "accessories": {"none": 3, "glasses": 1},
        "hair_colour": {"#220f00": 0.75, "#123456": 0.25},
    }
    avatars = draw(count=600, weights=weights)
    for name, table in weights.items():
        wanted = {value: weight for value, weight in table.items() if weight}
        counts = avatars.counts(name)
        assert set(counts) == set(wanted)
        expected = np.array([wanted[value] for value in counts]) * 600 / sum(wanted.values())
        assert chisquare(list(counts.values()), expected).pvalue > 1e-6
    codes = [avatars.attributes[name].codes for name in ("hair", "hair_colour")]
    assert abs(np.corrcoef(codes)[0, 1]) < 5 / np.sqrt(600)  # weighted independently of each other


def test_a_weighted_colour_is_drawn_even_if_the_designer_never_used_it():
    avatars = draw(size=64, weights={"hair_colour": {"#ff00ff": 1}})
    assert ((avatars.images == (255, 0, 255)).all(axis=-1).mean(axis=(1, 2)) > 0.01).all()


def test_the_background_is_where_nothing_is_drawn():
    for name, rgb in {"#3050ff": (48, 80, 255), "rebeccapurple": (102, 51, 153)}.items():
        corners = draw(background=name).images[:, 0, 0]
        assert (corners == rgb).all()


# ------------------------------------------------------------------------------------ the styles


def test_every_free_style_renders_at_16_pixels():
    """Each with its credit."""
    for name, about in styles().items():
        if about["free"]:
            avatars = draw(name, count=2)
            assert avatars.images.shape == (2, 16, 16, 3)
            assert about["creator"] in avatars.credit and avatars.licence in ours.FREE_LICENCES
            assert (avatars.images != avatars.images[:, :1, :1]).any(axis=(1, 2, 3)).all()


def test_no_label_stands_for_two_things():
    for name in styles():
        definition = ours._definition(name)
        options = [f"{part}Variant" for part in definition.get("components", {})]
        options += [f"{palette}Color" for palette in definition.get("colors", {})]
        labels = [ours._label_name(option) for option in options]
        assert len(set(labels)) == len(labels)


def test_names_of_labels():
    names = {
        "hairVariant": "hair",
        "skinColor": "skin_colour",
        "facialHairVariant": "facial_hair",
        "hairColorFill": "hair_colour_fill",
        "fabricAColor": "fabric_a_colour",
        "blob01Variant": "blob01",
    }
    assert {option: ours._label_name(option) for option in names} == names


# ---------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("name", ["bigsmile", "big_smile", "../big-smile", "Big-Smile", 3])
def test_an_unknown_style_names_the_closest(name):
    with pytest.raises(InputError, match="There is no style") as caught:
        draw(name)
    if name != 3:
        assert "big-smile" in str(caught.value)


def test_a_style_that_is_not_free_needs_the_flag():
    with pytest.raises(InputError, match="Pablo Stanley.*any_licence=True"):
        draw("avataaars")
    assert draw("avataaars", any_licence=True).licence not in ours.FREE_LICENCES


@pytest.mark.parametrize(
    "argument, value",
    [("size", value) for value in (15, 513, "x", 32.5, None)]
    + [("count", value) for value in (0, -1, 1.5, "9")]
    + [("seed", value) for value in (-1, 0.5, "x")]
    + [("background", value) for value in ("whiteish", "#12", 7, None, "transparent")],
)
def test_an_impossible_argument_is_named(argument, value):
    with pytest.raises(InputError, match=f"{argument}.* is|is no colour") as caught:
        draw(**{argument: value})
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    "weights, words",
    [
        (["hair"], "Weights are a table"),
        ({"hairs": {"bangs": 1}}, "'hairs'; this style has accessories, eyes, hair"),
        ({"hair": {"bang": 1}}, "no value 'bang'; did you mean bangs"),
        ({"hair": {}}, "table"),
        ({"hair": ["bangs"]}, "table"),
        ({"hair": {"bangs": 0, "mohawk": 0}}, "All weights of 'hair' are 0"),
        ({"skin_colour": {"red": 1}}, "#rrggbb"),
        ({"skin_colour": {"#FF0000": 1}}, "#rrggbb"),
    ]
    + [
        ({"hair": {"bangs": weight, "mohawk": 1}}, "weight of 'bangs'")
        for weight in (-1, float("nan"), float("inf"), "1", None, True)
    ],
)
def test_wrong_weights_are_named(weights, words):
    with pytest.raises(InputError) as caught:
        draw(weights=weights)
    assert words in str(caught.value)


def test_a_part_that_follows_another_cannot_be_weighed():
    """DiceBear would ignore it: only the part that it follows can be chosen."""
    with pytest.raises(InputError, match="nothing to weigh under 'blob02'"):
        draw("blobs", weights={"blob02": {"none": 1}})


@pytest.mark.parametrize(
    "options, words",
    [
        ({"hairVarient": ["bangs"]}, "no option 'hairVarient'; did you mean hairVariant"),
        ({"hatVariant": ["bangs"]}, "no option 'hatVariant'"),
        ({"glassesProbability": 0}, "no option 'glassesProbability'"),
        ({"hairVariant": ["bang"]}, "no value 'bang'; did you mean bangs"),
        ({"hairVariant": "bang"}, "no value 'bang'"),
        ({"hairVariant": {"bang": 1}}, "no value 'bang'"),
        ({"flip": ["sideways"]}, "no value 'sideways'"),
        ({"rotate": "x"}, "DiceBear does not accept"),
        ({"hairProbability": 101}, "DiceBear does not accept"),
        ({"skinColor": ["red"]}, "DiceBear does not accept"),
        ({"rotate": {1, 2}}, "DiceBear does not accept"),
        ({"seed": "x"}, "no option 'seed'"),
        ({"size": 300}, "no option 'size'"),
        (["flip"], "table"),
        ({1: 2}, "no option 1"),
    ],
)
def test_options_that_dicebear_would_ignore_or_refuse_are_named(options, words):
    with pytest.raises(InputError) as caught:
        draw(options=options)
    assert words in str(caught.value)


# ----------------------------------------------------------------------------------- the cache


def test_the_second_call_reads_the_cache_and_renders_nothing(empty_cache, monkeypatch):
    first = draw(weights=WEIGHTS, options={"flip": ["none", "horizontal"]})

    def fail(*_):
        raise AssertionError("rendered again")

    monkeypatch.setattr(ours, "_render_all", fail)
    assert same(first, draw(weights=WEIGHTS, options={"flip": ["none", "horizontal"]}))
    for change in ({"seed": 1}, {"count": 13}, {"size": 17}, {"background": "black"}):
        with pytest.raises(AssertionError, match="rendered again"):
            draw(weights=WEIGHTS, options={"flip": ["none", "horizontal"]}, **change)
    for change in ({"options": {"flip": ["none"]}}, {"weights": {"hair": {"bangs": 1}}}):
        with pytest.raises(AssertionError, match="rendered again"):
            draw(**{"weights": WEIGHTS, "options": {"flip": ["none", "horizontal"]}} | change)
    monkeypatch.setattr(ours.metadata, "version", lambda name: "0.0")
    with pytest.raises(AssertionError, match="rendered again"):
        draw(weights=WEIGHTS, options={"flip": ["none", "horizontal"]})


@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_a_damaged_cache_file_is_rendered_again_with_a_warning(empty_cache, damage):
    first = draw()
    (file,) = empty_cache.rglob("*.npz")
    content = file.read_bytes()
    file.write_bytes({"cut": content[: len(content) // 2], "text": b"hello", "empty": b""}[damage])
    with pytest.warns(UserWarning, match=f"{file.name}.*Making it again"):
        assert same(first, draw())
    assert same(first, AvatarSet.load(file))


def test_a_cache_that_may_not_be_written_gives_a_warning_and_the_avatars(
    locked_folder, as_ordinary_user, monkeypatch
):
    expected = draw()  # it also imports what the other user may not be allowed to read
    closed = locked_folder / "closed"
    os.chmod(locked_folder, 0o755)
    closed.mkdir(mode=0o000)
    os.chmod(locked_folder, 0o555)
    for folder in (locked_folder / "cache", closed / "cache"):
        monkeypatch.setenv("AVATARLIB_CACHE", str(folder))

        def render_and_report():
            with pytest.warns(UserWarning) as warned:
                avatars = draw()
            return f"{same(avatars, expected)}: {warned[-1].message}"

        outcome = as_ordinary_user(render_and_report)
        assert outcome.startswith("True: What was made could not be kept for the next time.")
        assert str(folder) in outcome


KILLED = """
import os, signal, sys
import avatarlib.core.files
from avatarlib.data import dicebear

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[1] == "rendering":
    draw, left = dicebear.rasterise, iter(range(5))
    dicebear.rasterise = lambda *a: draw(*a) if next(left, None) is not None else die()
else:
    avatarlib.core.files.os.fsync = die
dicebear.render("big-smile", 12, 16, progress=False)
"""


@pytest.mark.parametrize("moment", ["rendering", "saving"])
def test_a_run_killed_midway_leaves_nothing_that_is_taken_for_whole(empty_cache, moment):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    died = subprocess.run([sys.executable, "-c", KILLED, moment], cwd=ROOT, env=environment)
    assert died.returncode == -signal.SIGKILL
    assert not list(empty_cache.rglob("*.npz"))
    assert draw().images.shape == (12, 16, 16, 3)
    assert len(list(empty_cache.rglob("*.npz"))) == 1


def test_numpys_numbers_are_numbers():
    plain = draw(count=2, seed=1, weights={"hair": {"mohawk": 1}})
    found = draw(count=np.int64(2), seed=np.int64(1), weights={"hair": {"mohawk": np.float32(1)}})
    assert same(plain, found)


def test_a_style_that_writes_letters_is_refused_and_not_offered():
    assert {"initials", "initial-face"}.isdisjoint(ours.styles())
    with pytest.raises(InputError, match="'initials' writes the letters of a name"):
        draw("initials", any_licence=True)


def test_every_style_that_is_offered_draws_something():
    for name in ours.styles():
        images = draw(name, count=3, size=32, any_licence=True).images
        assert all(len(np.unique(image.reshape(-1, 3), axis=0)) > 1 for image in images), name


PARENT = """
import avatarlib as al
al.data.render("big-smile", 5000, workers=2, progress=False)
"""


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_workers_end_with_their_parent_however_it_ends(tmp_path, number):
    environment = os.environ | {"AVATARLIB_CACHE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, "-c", PARENT], env=environment)
    mark = str(tmp_path).encode()

    def family():
        """Processes that have this test's environment."""
        found = set()
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (folder / "environ").read_bytes():
                    found.add(int(folder.name))
        return found

    wait_until(lambda: len(family()) >= 4, 60)  # with two workers and a tracker
    time.sleep(2)  # each has begun its first chunk
    parent.send_signal(number)
    parent.wait(60)
    wait_until(lambda: not family(), 60)


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.1)


# ---------------------------------------------------------------------------------- backgrounds


@pytest.mark.parametrize("background", ["#ff000000", "#f008", "rgba(255, 0, 0, 0)", "#ff0000fe"])
def test_a_transparent_background_is_refused(background):
    with pytest.raises(InputError, match="is a transparent colour. Write a name or #rrggbb"):
        draw(background=background)


def test_an_opaque_background_may_say_so():
    assert (draw(background="#ff0000ff").images == draw(background="red").images).all()


def test_threads_that_render_the_same_avatars_share_the_cache(empty_cache):
    with warnings.catch_warnings(record=True) as warned, ThreadPoolExecutor(4) as threads:
        warnings.simplefilter("always")
        for seed in range(5):
            found = list(threads.map(lambda _, seed=seed: draw(count=30, seed=seed), range(4)))
            assert all(same(one, found[0]) for one in found)
    assert [str(one.message) for one in warned] == []
    assert len(list(empty_cache.rglob("*.npz"))) == 5
    assert list(empty_cache.rglob("*.partial")) == []
