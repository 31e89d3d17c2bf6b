"""A report: planted truths come out of it, each in its place, and what is missing is said."""

import base64
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avatarlib import metrics
from avatarlib.core.errors import InputError
from avatarlib.data import Attribute, AvatarSet, render
from avatarlib.evaluation import extractors
from avatarlib.evaluation import report as evaluation_report
from avatarlib.evaluation.extractors import Extractor
from avatarlib.evaluation.page import SAYS
from avatarlib.evaluation.page import page as show_page
from avatarlib.evaluation.report import evaluate

HAIR, MOOD = ("bangs", "mohawk", "none"), ("calm", "glad")
CONDITIONS = (("hair", HAIR), ("mood", MOOD))


def look(pictures):
    """Features: the blue channel's four quarters. Logits: what red says of hair, green of mood."""
    blue = pictures[..., 2].reshape(-1, 2, 4, 2, 4).mean(axis=(2, 4)).reshape(-1, 4)
    hair, mood = pictures[:, 0, 0, 0], pictures[:, 0, 0, 1]
    return blue, np.concatenate([9.0 * np.eye(3)[hair], 9.0 * np.eye(2)[mood]], axis=1)


EYES = Extractor("planted eyes", (8, 8, 3), look, 100, CONDITIONS)
NO_WORDS = Extractor("no words", None, lambda pictures: look(pictures), 100)


def pictures(seed, n, hair, mood, middle=128, width=128):
    """Noise in blue, within `width` of the middle; hair and mood as numbers in red and green."""
    rng = np.random.default_rng(seed)
    made = np.zeros((n, 8, 8, 3), np.uint8)
    made[:, 0, 0, 0], made[:, 0, 0, 1] = np.resize(hair, n), np.resize(mood, n)
    made[..., 2] = rng.integers(middle - width, middle + width, (n, 8, 8))
    return made


def labelled(images, hair=None, mood=None, **about):
    hair, mood = (images[:, 0, 0, i] if of is None else of for i, of in enumerate((hair, mood)))
    return AvatarSet(
        images,
        {
            "hair": Attribute(np.asarray(hair, np.uint16), HAIR),
            "mood": Attribute(np.asarray(mood, np.uint16), MOOD),
        },
        **about,
    )


# Of the real ones each hair is as frequent; of the generated ones 1/6, 1/3, 1/2. The mood is alike.
REAL = labelled(
    pictures(1, 300, [0, 1, 2], [0, 0, 0, 1, 1, 1]),
    licence="CC0 1.0",
    creator="Zoë <b>",
    source="a test",
)
GENERATED = pictures(2, 240, [0, 1, 1, 2, 2, 2], [0, 1], middle=140, width=60)
REPORT = evaluate(GENERATED, REAL, EYES)


def by_name(report):
    return {result.name: result for result in report.results}


# ---------------------------------------------------------------------------------- numbers


def test_each_score_is_the_metrics_own_real_first():
    real, generated = look(REAL.images), look(GENERATED)
    expected = {
        "Fréchet distance": metrics.frechet(real[0], generated[0], EYES.name),
        "Fréchet distance at infinity": metrics.frechet_at_infinity(
            real[0], generated[0], EYES.name
        ),
        "kernel distance": metrics.kernel_distance(real[0], generated[0], EYES.name),
        **metrics.prdc(real[0], generated[0], EYES.name),
    }
    found = by_name(REPORT)
    for name, result in expected.items():
        assert found[name] == result
    assert found["precision"].value > 0.9 > 0.6 > found["recall"].value
    names = [f"{kind}{of}" for of in ("hair", "mood") for kind in SCORES]
    assert list(found) == [*expected, *names]
    assert REPORT.notes == []
    assert {
        (r.real, r.generated, r.features) for r in REPORT.results if "Avatar" not in r.name
    } == {(300, 240, "planted eyes")}


SCORES = ("Avatar score: ", "total variation of ")


def test_planted_shares_of_an_attribute_come_out():
    """1/6, 1/3, 1/2 instead of a third each: a sixth of the pictures would have to change."""
    found = by_name(REPORT)
    assert found["total variation of hair"].value == pytest.approx(1 / 6)
    assert found["total variation of mood"].value == pytest.approx(0, abs=1e-12)
    assert REPORT.coverage["hair"] == pytest.approx({"bangs": 0.5, "mohawk": 1, "none": 1.5})
    assert REPORT.coverage["mood"] == pytest.approx({"calm": 1, "glad": 1})
    assert REPORT.rarest("hair") == ("bangs", pytest.approx(0.5))


def test_the_avatar_score_of_an_attribute_is_that_of_its_own_logits():
    """Nearly certain logits: the exponential of the entropy of the shares, here by hand."""
    shares = np.array([1 / 6, 1 / 3, 1 / 2])
    found = by_name(REPORT)
    assert found["Avatar score: hair"].value == pytest.approx(np.prod(shares**-shares), rel=5e-3)
    assert found["Avatar score: hair"].baseline == pytest.approx(3, rel=5e-3)
    assert found["Avatar score: mood"].value == pytest.approx(2, rel=5e-3)
    assert found["Avatar score: hair"].generated == 240


def test_the_judges_errors_are_corrected():
    """It takes every fifth of the bangs for a mohawk; the truth comes out all the same."""
    real = labelled(pictures(3, 300, [0, 1, 2], [0, 1]))
    truth = real.attributes["hair"].codes
    seen = real.images.copy()
    seen[np.flatnonzero(truth == 0)[::5], :, :, 0] = 1
    real = labelled(seen, hair=truth)
    # Of 240 drawn: 100 bangs (80 seen as such), 80 mohawks and 60 without hair.
    generated = pictures(4, 240, [0] * 80 + [1] * 100 + [2] * 60, [0, 1])
    report = evaluate(generated, real, EYES)
    expected = {"bangs": 100 / 80, "mohawk": 80 / 80, "none": 60 / 80}
    assert report.coverage["hair"] == pytest.approx(expected)
    assert by_name(report)["total variation of hair"].value == pytest.approx(20 / 240)


def test_copies_are_counted_and_shown():
    """Of 60 generated, 6 are alike, and 2; 3 are copies of real ones, of which 3 are alike."""
    real, generated = pictures(5, 50, [0, 1, 2], [0, 1]), pictures(6, 60, [0, 1, 2], [0, 1])
    real[[7, 30]] = real[11]
    generated[[50, 51, 52, 53, 54]] = generated[40]
    generated[11] = generated[10]
    generated[[3, 20, 58]] = real[[7, 0, 19]]
    report = evaluate(generated, real, EYES)
    assert report.copies["equal_generated"] == 8 / 60
    assert report.copies["equal_real"] == 3 / 50
    assert report.copies["equal_to_real"] == 3 / 60
    assert report.closest["generated"][:3] == [(3, 7, 0.0), (20, 0, 0.0), (58, 19, 0.0)]
    distances = [distance for *_, distance in report.closest["generated"]]
    assert distances == sorted(distances) and len(distances) == 12 and distances[3] > 0
    between = np.linalg.norm(look(generated)[0][:, None] - look(real)[0][None], axis=-1)
    for i, j, distance in report.closest["generated"]:
        assert distance == pytest.approx(between[i].min()) == pytest.approx(between[i, j])
    assert report.copies["distance"] == pytest.approx(np.median(between.min(axis=1)))
    assert "13.3% of the generated pictures equal another generated one" in str(report)
    assert "5.0% of the generated pictures equal one of these real ones" in str(report)


def test_the_closest_real_pairs_come_once():
    """Pictures of one blue each, 0 and 1, 10 and 12, 30 and 33 and so on: pairs at 2, 4, 6, ...."""
    real = np.zeros((26, 8, 8, 3), np.uint8)
    starts = np.array([0, 10, 20, 30, 40, 50, 60, 70, 90, 110, 130, 150, 170])
    real[:13, ..., 2] = starts[:, None, None]
    real[13:, ..., 2] = (starts + np.arange(1, 14) / 2)[:, None, None].astype(np.uint8) + 1
    report = evaluate(pictures(7, 30, [0], [0]), real, NO_WORDS)
    pairs = report.closest["real"]
    assert len(pairs) == 12 and all(i != j for i, j, _ in pairs)
    assert len({frozenset(pair[:2]) for pair in pairs}) == 12
    blue = real[:, 0, 0, 2].astype(float)
    apart = np.abs(blue[:, None] - blue[None]) * 2  # four quarters, each as far
    np.fill_diagonal(apart, np.inf)
    assert [d for *_, d in pairs] == pytest.approx(sorted(apart[:13].min(axis=1))[:12])
    assert report.copies["distance_real"] == pytest.approx(np.median(apart.min(axis=1)))


def test_without_what_logits_mean_no_score_is_made_of_them():
    report = evaluate(GENERATED, REAL, NO_WORDS)
    assert len(report.results) == 7 and report.coverage == {} and report.notes == []


def test_classes_without_a_name_have_the_inception_score():
    classes = (("", ("a", "b", "c", "d", "e")),)
    report = evaluate(GENERATED, REAL, Extractor("classes", None, look, 50, classes))
    expected = metrics.inception_score(look(GENERATED)[1], look(REAL.images)[1], "classes")
    assert report.results[-1] == expected and len(report.results) == 8
    assert report.notes == []


def test_avatarnet_names_a_hair_style_that_is_never_drawn():
    real = render("big-smile", 400, 32, 5, progress=False)
    others = render("big-smile", 400, 32, 6, progress=False)
    left = others[others.labels("hair") != "mohawk"]
    report = evaluate(left, real, extractors.avatarnet())
    assert report.rarest("hair") == ("mohawk", pytest.approx(0, abs=0.01))
    assert set(report.coverage) == {"skin_colour", "hair", "hair_colour", "eyes", "mouth", *REST}
    assert by_name(report)["total variation of hair"].value > 1 / 13 - 0.02
    scored = set(by_name(report))
    for name in report.coverage:
        assert {f"Avatar score: {name}", f"total variation of {name}"} <= scored


REST = ("accessories",)


# ---------------------------------------------------------------------------------- what is missing


def test_too_few_pictures_for_infinity_are_a_note_and_no_score():
    report = evaluate(GENERATED[:9], REAL, EYES)
    assert "Fréchet distance at infinity" not in by_name(report)
    assert len(report.notes) == 1
    assert report.notes[0].startswith("Left out: the Fréchet distance at infinity. Extrapolation")
    assert report.notes[0].endswith("perfect generator's Fréchet distance is too low.")
    assert "Fréchet distance" in by_name(report)


def test_a_value_that_no_real_picture_shows_is_a_note():
    bald = REAL[REAL.labels("hair") != "mohawk"]
    report = evaluate(GENERATED, bald, EYES)
    assert report.notes == [
        "Left out: the shares of hair. Each value must occur among the labelled pictures; take "
        "more of them."
    ]
    assert set(report.coverage) == {"mood"}
    assert "total variation of hair" not in by_name(report)
    assert "Avatar score: hair" in by_name(report)


def test_a_value_that_the_judge_does_not_know_is_a_note():
    strange = AvatarSet(
        REAL.images, {"hair": Attribute(REAL.attributes["hair"].codes, ("a", "b", "c"))}
    )
    report = evaluate(GENERATED, strange, EYES)
    assert "shares of hair. The network knows no hair a, b, c" in report.notes[0]
    assert report.notes[1] == "Left out: the shares of mood. The real ones have no labels."
    assert report.coverage == {}


def test_without_labels_one_note_says_so():
    report = evaluate(GENERATED, REAL.images, EYES)
    assert report.notes == ["Left out: the shares of hair, mood. The real ones have no labels."]
    assert "Avatar score: mood" in by_name(report)


def constant(images):
    return np.ones((len(images), 4)), np.zeros((len(images), 5))


def nan(images):
    return np.full((len(images), 4), np.nan), np.zeros((len(images), 5))


@pytest.mark.parametrize(
    "generated, real, network, words",
    [
        (GENERATED[:1], REAL, look, "generated features have 1 row,.* at least 2"),
        (GENERATED[:5], REAL, look, "generated features have 5 rows,.* at least 6"),
        (GENERATED, REAL[:5], look, "real features have 5 rows,.* at least 6"),
        (GENERATED[:0], REAL, look, "at least one"),
        (GENERATED.astype(float), REAL, look, "one uint8 array"),
        (GENERATED[..., 0], REAL, look, "one uint8 array"),
        (GENERATED[:, :4], REAL, look, "4 x 8 x 3 and 8 x 8 x 3; render or resize both alike"),
        (GENERATED[..., :1], REAL, look, "8 x 8 x 1 and 8 x 8 x 3"),
        (GENERATED, REAL, constant, "All real features are the same"),
        (GENERATED, REAL, nan, "real features are not numbers"),
    ],
)
def test_what_cannot_be_compared_gets_a_sentence(generated, real, network, words):
    with pytest.raises(InputError, match=words):
        evaluate(generated, real, Extractor("eyes", None, network, 100, CONDITIONS))


def test_a_collapsed_generator_has_a_report():
    report = evaluate(np.repeat(GENERATED[:1], 60, axis=0), REAL, EYES)
    assert report.copies["equal_generated"] == 1
    found = by_name(report)
    assert found["recall"].value < 0.05 and found["Avatar score: hair"].value == pytest.approx(1)
    json.dumps(report.as_dict(), allow_nan=False)


# ---------------------------------------------------------------------------------- files


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "not" / "there"
    REPORT.save(folder)
    REPORT.save(folder)  # an existing folder will do
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json"]
    return folder


def strict(text):
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_the_json_holds_every_number_unrounded(saved):
    found = strict((saved / "report.json").read_text(encoding="utf-8"))
    assert found["format"] == "avatarlib.Report/1" and found["features"] == "planted eyes"
    assert [r["value"] for r in found["results"]] == [r.value for r in REPORT.results]
    for key in ("error", "low", "high", "baseline", "real", "generated", "name", "features"):
        assert found["results"][1][key] == getattr(REPORT.results[1], key)
    assert found["coverage"] == REPORT.coverage and found["copies"] == REPORT.copies
    assert found["closest"]["generated"][0] == list(REPORT.closest["generated"][0])
    assert found["real"]["licence"] == "CC0 1.0" and found["real"]["pictures"] == 300
    assert found["real"]["credit"] == REAL.credit
    assert found["generated"]["pictures"] == 240 and found["generated"]["licence"] == "unknown"
    assert found["versions"]["numpy"] == np.__version__
    assert {"avatarlib", "scipy"} < set(found["versions"]) and len(found["versions"]) == 4


def test_what_is_no_number_is_null_in_json(tmp_path):
    report = evaluate(GENERATED[:20], REAL.images[:20], NO_WORDS)
    assert np.isnan(by_name(report)["precision"].low)
    report.save(tmp_path)
    found = strict((tmp_path / "report.json").read_text(encoding="utf-8"))
    precision = next(r for r in found["results"] if r["name"] == "precision")
    assert precision["low"] is None and precision["error"] is None
    assert precision["value"] == by_name(report)["precision"].value
    assert "no interval: too few pictures" in (tmp_path / "report.html").read_text("utf-8")


class Rows(HTMLParser):
    """The page's pictures with their alternatives, table rows and tags."""

    def __init__(self, text):
        super().__init__()
        self.images, self.rows, self.tags, self.inside = [], [], set(), False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.inside = tag in ("th", "td", "b", "small")
        if tag == "img":
            self.images.append(dict(attrs))
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.inside and data.strip():
            self.rows[-1][-1] += f" {data.strip()}"


@pytest.fixture(scope="module")
def page(saved):
    return Rows((saved / "report.html").read_text(encoding="utf-8"))


def pixels(image):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(image["src"].partition(",")[2]))))


def test_the_page_shows_the_first_pictures_unselected(page):
    generated, real = page.images[:2]
    for image, images in ((generated, GENERATED), (real, REAL.images)):
        rows = [np.concatenate(list(images[i : i + 8]), axis=1) for i in range(0, 64, 8)]
        assert (pixels(image) == np.concatenate(rows)).all()
    assert generated["alt"] == "The first 64 generated pictures, in rows of eight"
    assert real["alt"] == "The first 64 real pictures, in rows of eight"


def test_the_page_shows_the_closest_pairs(page):
    assert len(page.images) == 2 + 12 + 12
    for at, name, images in ((2, "generated", GENERATED), (14, "real", REAL.images)):
        i, j, _ = REPORT.closest[name][0]
        assert (pixels(page.images[at])[:, :8] == images[i]).all()
        assert (pixels(page.images[at])[:, 9:] == REAL.images[j]).all()
        alt = f"{name.capitalize()} picture {i} beside real picture {j}"
        assert page.images[at]["alt"] == alt


def test_each_score_is_a_row_with_interval_baseline_and_a_sentence(page):
    assert len(page.rows) == 1 + len(REPORT.results)
    for row, result in zip(page.rows[1:], REPORT.results, strict=True):
        name, value, best, says = map(str.strip, row)
        assert name == result.name
        numbers = [float(n.replace(",", "")) for n in re.findall(r"-?[\d.,]+(?:e-\d+)?", value)]
        assert numbers == pytest.approx([result.value, result.low, result.high], rel=6e-3, abs=1e-9)
        assert float(best) == pytest.approx(result.baseline, rel=6e-3)
        assert says.endswith(".") and len(says) > 30
    hair = next(row for row in page.rows if "variation of hair" in row[0])
    assert "Drawn least: bangs, 0.50 times as often as it is real." in hair[3]


def test_only_a_score_that_chance_explains_is_called_possible_for_a_perfect_generator():
    said = "A perfect generator could have scored this."
    other = evaluate(pictures(8, 300, [0, 1, 2], [0, 1]), REAL, EYES)
    rows = {row[0].strip(): row[3] for row in Rows(show_page(other)).rows[1:]}
    assert said in rows["Fréchet distance at infinity"] and said in rows["total variation of hair"]
    assert said not in rows["Fréchet distance"]  # its baseline is good for many pictures only
    rows = {row[0].strip(): row[3] for row in Rows(show_page(REPORT)).rows[1:]}
    for name in ("Fréchet distance at infinity", "kernel distance", "recall"):
        assert said not in rows[name]
    assert said not in rows["total variation of hair"] and said in rows["total variation of mood"]


@pytest.mark.parametrize("low, possible", [(0.0, True), (0.02, False)])
def test_a_total_variation_is_possible_for_a_perfect_generator_if_it_may_be_zero(low, possible):
    """Its interval is of the truth, which is 0 then; its baseline is what chance makes of that."""
    result = replace(by_name(REPORT)["total variation of hair"], low=low, high=0.1, baseline=0.05)
    (_, row) = Rows(show_page(replace(REPORT, results=[result]))).rows
    assert ("A perfect generator could have scored this." in row[3]) == possible


def test_an_attribute_may_have_any_name():
    conditions = (("colour of: <i>hair</i>", HAIR), ("mood", MOOD))
    codes = REAL.attributes["hair"]
    real = AvatarSet(REAL.images, {conditions[0][0]: codes})
    report = evaluate(GENERATED, real, Extractor("planted eyes", None, look, 100, conditions))
    page = Rows(show_page(report))
    assert [row[0].strip() for row in page.rows[1:]] == [result.name for result in report.results]
    assert "Drawn least: bangs" in page.rows[-2][3]


def test_the_page_asks_nobody_and_runs_nothing(saved, page):
    text = (saved / "report.html").read_text(encoding="utf-8")
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.images)
    assert not page.tags & {"script", "iframe", "object", "b>"}
    assert not re.search(r'(?:src|href)="(?!data:)', text) and "url(" not in text
    assert "Zoë &lt;b&gt;" in text and "licence CC0 1.0" in text  # whom to credit, and escaped
    assert "planted eyes" in text and "240 generated pictures against 300 real" in text


def test_where_nobody_can_write_there_is_a_sentence(tmp_path, locked_folder, as_ordinary_user):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="Cannot make the folder .*file"):
        REPORT.save(tmp_path / "file")
    message = as_ordinary_user(lambda: REPORT.save(locked_folder / "report"))
    assert message.startswith("InputError: Cannot make the folder")


def test_a_score_that_is_new_stands_in_the_report_with_its_name():
    new = metrics.Result.normal("realism", 0.5, 0.1, baseline=1.0, real=40, generated=40)
    text = show_page(replace(REPORT, results=[*REPORT.results, new]))
    assert ">realism</th>" in text and "0.304 to 0.696" in text


def test_every_score_has_a_sentence_of_its_own(page):
    for row, result in zip(page.rows[1:], REPORT.results, strict=True):
        kind = re.split(": | of ", result.name)[0]
        assert kind in SAYS, f"avatarlib/evaluation/page.py, SAYS: what does {kind!r} say?"
        assert row[3].strip().startswith(SAYS[kind])
    assert len(set(SAYS.values())) == len(SAYS)


NOT_IN_THE_REPORT = {"attribute_coverage"}  # its docstring says why


def test_every_score_is_in_the_report_or_said_not_to_be():
    """A function of `metrics` that gives a Result, or several, and nobody calls, is forgotten."""
    source = Path(evaluation_report.__file__).read_text(encoding="utf-8")
    for name in metrics.__all__:
        gives = (getattr(metrics, name).__doc__ or "").partition("Returns:")[2]
        if "`Result`" in gives:
            reported = f"metrics.{name}(" in source
            left_out = name in NOT_IN_THE_REPORT
            assert reported or left_out, f"say in the report, or here, what {name} is for"
            assert not (reported and left_out), f"{name} is in the report now"
