"""The study's page tells nothing but pictures, and its answers come back as they were given."""

import base64
import io
import json
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats
from sklearn.tree import DecisionTreeClassifier

from avatarlib import InputError
from avatarlib.core.files import write_text
from avatarlib.evaluation.people import Study, error_rate, read_answers
from avatarlib.evaluation.people import study as study_module


def flat(level, n=60, side=8, channels=3):
    """Pictures of one colour each, no two alike: the level says which kind, and which one."""
    levels = level + np.arange(n, dtype=np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (n, side, side, channels)).copy()


REAL, EARLY, LATE = flat(190), flat(0), flat(64)
KINDS = {"real": REAL, "early": EARLY, "late": LATE}


def study(**changes):
    settings = {"trials": 12, "practice": 4, "catch": 6} | changes
    return Study(REAL, {"early": EARLY, "late": LATE}, **settings)


SMALL = study()


def about(page):
    return json.loads(re.search(r'<script type="application/json">(.+?)</script>', page)[1])


def pictures(page):
    """All PNGs of a page: those that count, then those for practice."""
    found = about(page)
    texts = [*found["pictures"], *(one["picture"] for one in found["practice"])]
    return [base64.b64decode(text) for text in texts]


# ------------------------------------------------------------------------------- what is shown


def test_half_is_real_the_models_share_the_rest_and_nothing_comes_twice():
    names = [name for name, _ in SMALL.sources]
    assert {n: names.count(n) for n in names} == {"real": 6, "early": 3, "late": 3, "catch": 6}
    assert sorted(name for name, _ in SMALL.practice_sources) == ["early", "late", "real", "real"]
    shown = [source for source in SMALL.sources + SMALL.practice_sources if source[0] != "catch"]
    assert len(set(shown)) == 16


def test_the_key_says_where_each_picture_of_the_page_comes_from():
    key, images = SMALL.key(), pictures(SMALL.page())
    for png, (name, i) in zip(images, key["pictures"] + key["practice"], strict=True):
        found = np.asarray(Image.open(io.BytesIO(png)))
        if name == "catch":
            assert len(np.unique(found)) > 90  # of 192 values; noise
        else:
            assert (found == KINDS[name][i]).all()
    assert key["sources"] == ["real", "early", "late"] and key["study"] == SMALL.id
    truth = [one["machine"] for one in about(SMALL.page())["practice"]]
    assert truth == [name != "real" for name, _ in key["practice"]]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_channel_count_survives(channels):
    real, made = (flat(level, channels=channels) for level in (190, 0))
    found = Study(real, {"x": made}, trials=2, practice=0, catch=1)
    for png, picture in zip(pictures(found.page()), found.pictures, strict=True):
        assert (np.asarray(Image.open(io.BytesIO(png))).reshape(picture.shape) == picture).all()


def test_a_study_is_a_function_of_its_arguments():
    assert study().key() == SMALL.key() and study().id == SMALL.id
    assert study(seed=1).key()["pictures"] != SMALL.key()["pictures"]
    assert study(seed=1).id != SMALL.id


# ------------------------------------------------------------------------ what is not shown


def test_the_page_holds_no_truth_but_that_of_practice():
    page = study(seed=4711).page()
    found = about(page)
    assert set(found) == {"study", "page", "title", "pictures", "practice"}
    assert all(isinstance(text, str) for text in found["pictures"])
    assert found["study"] == study(seed=4711).id
    for word in ("early", "late", "4711"):
        assert not re.search(rf"\b{word}\b", page)
    shown = [np.asarray(Image.open(io.BytesIO(png))) for png in pictures(page)]
    for k, one in enumerate(found["practice"]):
        assert not any((picture == shown[len(shown) - 4 + k]).all() for picture in shown[:-4]), one


def test_who_knows_library_and_seed_but_not_the_pictures_cannot_repeat_the_order():
    other = Study(flat(191, 60), {"early": EARLY, "late": LATE}, trials=12, practice=4, catch=6)
    assert [n for n, _ in other.sources] != [n for n, _ in SMALL.sources]


def test_pngs_hold_pixels_and_nothing_else():
    for png in pictures(SMALL.page()):
        at, names = 8, []
        while at < len(png):
            size = int.from_bytes(png[at : at + 4], "big")
            names.append(png[at + 4 : at + 8])
            at += size + 12
        assert set(names) == {b"IHDR", b"IDAT", b"IEND"}


def compressible():
    """Smooth pictures against noise: what any compression tells apart."""
    rng = np.random.default_rng(0)
    real = np.tile(np.linspace(0, 255, 32).astype(np.uint8)[:, None], (60, 32, 1, 3))
    return real, rng.integers(0, 256, real.shape, dtype=np.uint8)


def guesses(rows):
    """Share of right answers of a tree that learned from the first half of the studies."""
    seen, truth = np.concatenate([r for r, _ in rows]), np.concatenate([t for _, t in rows])
    half = len(seen) // 2
    tree = DecisionTreeClassifier(max_depth=6, random_state=0).fit(seen[:half], truth[:half])
    return tree.score(seen[half:], truth[half:])


def test_a_classifier_of_sizes_and_places_is_at_chance_and_would_see_compression():
    real, made = compressible()
    stored, small = [], []
    for seed in range(40):
        found = Study(real, {"x": made}, trials=60, practice=0, catch=0, seed=seed)
        truth = [name != "real" for name, _ in found.sources]
        sizes = [len(png) for png in pictures(found.page())]
        stored.append((np.column_stack([sizes, np.arange(60)]), truth))
        sizes = []
        for picture in found.pictures:
            png = io.BytesIO()
            Image.fromarray(picture).save(png, "PNG")
            sizes.append(len(png.getvalue()))
        small.append((np.column_stack([sizes, np.arange(60)]), truth))
    assert len({size for seen, _ in stored for size in seen[:, 0]}) == 1
    # 1,200 coins: further than 0.065 from a half once in 150,000 tries
    assert abs(guesses(stored) - 0.5) < 0.065
    assert guesses(small) == 1


def test_each_place_is_real_as_often_as_any_other():
    real, made = compressible()
    places = np.zeros(20)
    for seed in range(200):
        found = Study(real[:, :4, :4], {"x": made[:, :4, :4]}, trials=20, practice=0, seed=seed)
        places += [name == "real" for name, _ in found.sources if name != "catch"]
    assert places.sum() == 2000
    # A study has exactly ten real pictures: 19 degrees of freedom, variance 200/4 · 20/19
    assert stats.chi2.sf(((places - 100) ** 2 / 50 * 19 / 20).sum(), 19) > 1e-5


# ------------------------------------------------------------------------------- the files


@pytest.mark.parametrize("side", [32, 64])
def test_a_page_has_at_most_one_and_a_half_megabytes(side):
    page = Study(flat(190, 34, side), {"x": flat(0, 34, side)}).page()
    assert len(page.encode()) <= 1_500_000


def test_the_page_asks_nobody_for_anything():
    page = SMALL.page()
    assert "default-src 'none'" in page
    tags = re.sub(r"<script.+?</script>", "", page, flags=re.DOTALL)
    addresses = re.findall(r'\b(?:src|href|action)\s*=\s*["\']?([^"\'\s>]+)', tags)
    assert addresses and all(address.startswith("data:") for address in addresses)
    assert "url(" not in page and "@import" not in page
    assert not re.search(r"\b(fetch|XMLHttpRequest|sendBeacon|WebSocket|userAgent|import)\b", page)


def test_save_writes_the_page_and_the_key_and_keeps_another_studys_key(tmp_path):
    SMALL.save(tmp_path / "study")
    SMALL.save(tmp_path / "study")
    assert (tmp_path / "study" / "study.html").read_text(encoding="utf-8") == SMALL.page()
    key = json.loads((tmp_path / "study" / "key.json").read_text(encoding="utf-8"))
    assert key == SMALL.key()
    with pytest.raises(InputError, match=r"key\.json belongs to another study"):
        study(seed=1).save(tmp_path / "study")
    assert json.loads((tmp_path / "study" / "key.json").read_text(encoding="utf-8")) == key


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda at: at.write_text(""), "Cannot make the folder .*study: "),
        (lambda at: (at / "key.json").mkdir(parents=True), "Cannot read .*key.json, .* Choose"),
        (lambda at: put(at / "key.json", b"caf\xe9"), "Cannot read .*key.json, .* no JSON. Choose"),
        (lambda at: put(at / "key.json", b"[]"), "key.json belongs to another study"),
        (lambda at: (at / "study.html").mkdir(parents=True), "Cannot write .*study.html: "),
    ],
)
def test_where_a_study_cannot_be_saved_a_sentence_says_why(tmp_path, spoil, sentence):
    spoil(tmp_path / "study")
    with pytest.raises(InputError, match=sentence):
        SMALL.save(tmp_path / "study")


def put(path, content):
    path.parent.mkdir()
    path.write_bytes(content)


@pytest.mark.parametrize(
    "call, words",
    [
        ("os.makedirs", "Cannot make the folder .*study: no permission for"),
        ("pathlib.Path.read_bytes", "Cannot read .*key.json, .*: Permission denied. Choose"),
    ],
)
def test_a_folder_that_is_refused_gets_a_sentence(tmp_path, monkeypatch, call, words):
    """Whoever runs the tests may be allowed everything, so the system's refusal is played."""

    def refuse(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(call, refuse)
    with pytest.raises(InputError, match=words):
        SMALL.save(tmp_path / "study")


def test_numbers_may_be_numpys(tmp_path):
    found = study(
        **{name: np.int64(2) for name in ("practice", "catch", "seed")}, trials=np.int8(4)
    )
    found.save(tmp_path)
    assert json.loads((tmp_path / "key.json").read_text(encoding="utf-8")) == found.key()


def test_no_page_stands_without_its_key(tmp_path, monkeypatch):
    def full(path, text):
        if path.name == "key.json":
            raise InputError("The disk is full.")
        write_text(path, text)

    monkeypatch.setattr(study_module, "write_text", full)
    with pytest.raises(InputError, match="full"):
        SMALL.save(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_model_may_be_called_by_bytes_that_are_no_text(tmp_path):
    name = os.fsdecode(b"caf\xe9")
    found = Study(REAL, {name: EARLY}, trials=4, practice=2, catch=0, title=name, credit=name)
    found.save(tmp_path)
    answers = tmp_path / "answers"
    answers.mkdir()
    (answers / "ann").write_text(json.dumps(filled("ann", knows, of=found)))
    assert read_answers(answers, tmp_path / "key.json")[0].sources == ("real", name)
    assert "caf\\udce9" in (tmp_path / "study.html").read_text(encoding="utf-8")


def test_words_from_outside_are_no_code_and_widgets_have_names_of_their_own():
    found = study(title="</script><b>", credit="<i>")
    page = found.page()
    assert "</script><b>" not in page and "<i>" not in page
    first, second = (re.search(r'id="(study-\w+)"', found._repr_html_())[1] for _ in range(2))
    assert first != second


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: study(trials=10), "10 trials cannot be half real .* 2 kinds; .* multiple of 4"),
        (lambda: study(practice=3), "3 pictures for practice cannot be half real"),
        (lambda: study(catch=-1), "number of catch trials is a whole number of at least 0"),
        (lambda: Study(REAL, {}), "no generated pictures"),
        (lambda: Study(REAL, {"catch": EARLY}), "cannot be called 'catch'"),
        (lambda: Study(REAL, {"real": EARLY}), "by texts, and not 'real'; these are named 'real'"),
        (lambda: Study(REAL, {1: EARLY}), "by texts, and not 'real'; these are named 1"),
        (lambda: study(trials=12.0), "number of trials is a whole number .* not 12.0"),
        (lambda: study(trials=120), "60 pictures 'real' are too few; it takes 62"),
        (lambda: Study(flat(0, 99), {"x": flat(0, 33)}), "33 pictures 'x' are too few; it takes 3"),
        (lambda: Study(REAL, {"x": flat(0, side=9)}), "'x' are uint8 .*of one size"),
        (lambda: Study(REAL, {"x": EARLY / 255}), "'x' are float64"),
        (lambda: Study(REAL[0], {"x": EARLY[0]}), "'real' are uint8"),
        (lambda: study(seed=-1), "seed is a whole number"),
    ],
)
def test_bad_studies_get_a_sentence(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()


# ----------------------------------------------------------------------------- the answers


def filled(person, decide, of=SMALL, ms=lambda i: 900.0, seed=3):
    """What the page would save for somebody; `decide` says "machine" of (source, index)."""
    order = np.random.default_rng(seed).permutation(len(of.sources)).tolist()
    trials = [
        {"picture": p, "machine": decide(*of.sources[p]), "ms": ms(i)} for i, p in enumerate(order)
    ]
    return {"format": "avatarlib.study/1", "study": of.id, "person": person, "language": "en",
            "started": "2026-01-31", "seed": seed, "order": order, "trials": trials,
            "practice": []}  # fmt: skip


def knows(name, _):
    return name != "real"


@pytest.fixture
def write(tmp_path):
    def write(*files):
        for i, file in enumerate(files):
            path = tmp_path / f"study-answers-{i}.json"
            path.write_text(file if isinstance(file, str) else json.dumps(file), encoding="utf-8")
        return tmp_path

    return write


def test_answers_come_back_as_they_were_given(write):
    """One who knows all, and one who takes the late model's pictures for real."""
    folder = write(
        filled("ann", knows, ms=lambda i: 1000.0 + i),
        filled("bob", lambda name, _: name in ("early", "catch"), seed=5),
    )
    (folder / "key.json").write_text(json.dumps(SMALL.key()))
    answers, excluded = read_answers(folder, folder / "key.json")
    assert excluded == {} and answers.people == ("ann", "bob")
    assert answers.sources == ("real", "early", "late") and len(answers) == 24
    for person, picture, source, wrong in zip(
        answers.person, answers.picture, answers.source, answers.wrong, strict=True
    ):
        assert SMALL.sources[picture][0] == answers.sources[source]
        assert wrong == (person == 1 and source == 2)
    order = filled("ann", knows)["order"]
    seen = answers.picture[answers.person == 0]
    assert [1000 + order.index(p) for p in seen] == answers.milliseconds[:12].tolist()
    assert error_rate(answers).value == 0.125  # bob missed half the machine's: (0 + ¼) / 2


def test_files_may_be_listed_have_a_mark_of_windows_and_meet_a_key_in_memory(write):
    folder = write("\ufeff" + json.dumps(filled("ann", knows)))
    answers, _ = read_answers([str(folder / "study-answers-0.json")], SMALL.key())
    assert answers.people == ("ann",)


def catching(right):
    """Knows all, but calls only so many pictures of noise machine-made."""
    return lambda name, i: i < right if name == "catch" else name != "real"


def test_the_rules_leave_out_who_did_not_look_and_say_so(write):
    unfinished = filled("dan", knows)
    unfinished["trials"].pop()
    folder = write(
        filled("ann", catching(5)),
        filled("bob", catching(4)),
        filled("cem", knows, ms=lambda i: 299.9),
        filled("eve", knows, ms=lambda i: 300),
        filled("fay", knows, ms=lambda i: 100 if i % 3 == 0 else 500),
        filled("gus", knows, ms=lambda i: 100 if i else 60_000),
        unfinished,
    )
    answers, excluded = read_answers(folder, SMALL.key())
    assert answers.people == ("ann", "eve", "fay") and len(answers) == 36
    assert excluded == {
        "bob": "saw 4 of 6 pictures of pure noise as machine-made",
        "cem": "half the answers came within 300 milliseconds",
        "dan": "stopped after 17 of 18 pictures",
        "gus": "half the answers came within 100 milliseconds",
    }


@pytest.mark.parametrize(("catch", "needed"), [(0, 0), (1, 1), (2, 2), (6, 5), (12, 10)])
def test_five_of_six_catch_trials_or_as_large_a_share(catch, needed):
    assert study(catch=catch).key()["exclude"] == {
        "catch_right_below": needed,
        "median_ms_below": 300,
    }


def test_if_all_are_left_out_there_are_no_answers_and_all_reasons(write):
    answers, excluded = read_answers(write(filled("ann", catching(0))), SMALL.key())
    assert len(answers) == 0 and answers.people == () and list(excluded) == ["ann"]


def changed(**changes):
    return filled("ann", knows) | changes


def trial(**changes):
    file = filled("ann", knows)
    file["trials"][2] |= changes
    return file


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (json.dumps(changed())[:-40], "is damaged or was not copied whole"),
        (json.dumps(changed()) + "\nSent from my phone", "is damaged or was not copied whole and"),
        ("[1, 2]", "holds no answers of a study"),
        ("[" * 100_000, "holds no answers of a study"),
        ("See you on Monday!", "holds no answers of a study"),
        ("", "is empty"),
        (SMALL.key(), "is a key of a study"),
        (changed(format="avatarlib.study/9"), "holds no answers of a study"),
        (changed(study="feed"), "is of the study feed, not of"),
        (changed(order=list(range(17))), "not each picture once"),
        (changed(order=["a"] * 18), "not each picture once"),
        (changed(person=""), "has no person"),
        (changed(trials={}), "has no list of trials"),
        (changed(trials=changed()["trials"] * 2), "or more than there are pictures"),
        (changed(trials=[1]), "in trial 1 the picture None, which is unknown"),
        (trial(picture=99), "in trial 3 the picture 99, which is unknown or out of order"),
        (trial(machine=1), "in trial 3 no answer of true or false"),
        (trial(ms=float("nan")), "in trial 3 .* with milliseconds"),
        (trial(ms=-1), "in trial 3 .* with milliseconds"),
        (trial(ms=None), "in trial 3 .* with milliseconds"),
    ],
)
def test_a_bad_file_is_left_out_with_the_reason_and_the_others_are_read(write, file, reason):
    folder = write(file, filled("zoe", knows))
    answers, excluded = read_answers(folder, SMALL.key())
    assert answers.people == ("zoe",) and list(excluded) == ["study-answers-0.json"]
    assert re.search(reason, excluded["study-answers-0.json"])
    alone = folder / "study-answers-0.json"
    answers, excluded = read_answers([alone], SMALL.key())
    assert len(answers) == 0 and list(excluded) == [str(alone)]


def test_whatever_a_file_is_called_its_answers_are_read(tmp_path):
    """As systems, mail programs and editors name and write them, in folders of groups."""
    text = {name: json.dumps(filled(name, knows), indent=1) for name in "abcdefgh"}
    (tmp_path / "group 2" / "late.json").mkdir(parents=True)
    (tmp_path / "a.JSON").write_text(text["a"])
    (tmp_path / "b.json.txt").write_text(text["b"])
    (tmp_path / "c.txt").write_text("\n" + text["c"] + "\r\n")
    (tmp_path / "d").write_text(text["d"])
    (tmp_path / "e.txt").write_text(text["e"], encoding="utf-16")  # Notepad's "Unicode"
    (tmp_path / "f.json").write_bytes(text["f"].encode("utf-16-be"))
    (tmp_path / "group 2" / "g.json").write_text(text["g"])
    (tmp_path / "group 2" / "late.json" / "h.json").write_text(text["h"], encoding="utf-8-sig")
    answers, excluded = read_answers(tmp_path, SMALL.key())
    assert sorted(answers.people) == list("abcdefgh") and excluded == {}
    SMALL.save(tmp_path)  # its own files are no answers, and that goes without saying
    assert read_answers(tmp_path, tmp_path / "key.json")[1] == {}


def test_whatever_else_lies_in_the_folder_is_named(tmp_path):
    (tmp_path / "ann.json").write_text(json.dumps(filled("ann", knows)))
    (tmp_path / "._ann.json").write_bytes(b"\0\5\x16\7" + bytes(80))  # a Mac's
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / ".ipynb_checkpoints" / "ann.json").write_text(json.dumps(filled("old", knows)))
    (tmp_path / "group").mkdir()
    (tmp_path / "group" / "face.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as file:
        file.writestr("bob.json", json.dumps(filled("bob", knows)))
    (tmp_path / "key (1).json").write_text(json.dumps(SMALL.key()))
    (tmp_path / "other").symlink_to(tmp_path / "group")
    (tmp_path / "gone.json").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe.json")
    Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9.json")).write_text("{}")
    with open(tmp_path / "film.json", "wb") as file:
        file.truncate(10_000_001)
    answers, excluded = read_answers(tmp_path, SMALL.key())
    assert answers.people == ("ann",)
    assert excluded == {
        "._ann.json": "is hidden, as files are that a system has made",
        ".ipynb_checkpoints": "is hidden",
        "class.zip": "is a zip file or a document; unpack it, or save its text alone",
        "caf\\udce9.json": "holds no answers of a study",
        "film.json": "holds no answers of a study: it is too large",
        "gone.json": "does not exist",
        "group/face.png": "holds no answers of a study",
        "key (1).json": "is a key of a study and holds no answers",
        "other": "is a link to a folder",
        "pipe.json": "is no file",
    }
    print(excluded)  # every name can be printed


def test_of_several_files_of_one_person_that_counts_which_holds_the_others(write):
    early, whole, other = filled("ann", knows), filled("ann", knows), filled("bob", knows)
    early["trials"] = early["trials"][:7]
    folder = write(early, whole, whole, other, other | {"seed": 9})
    answers, excluded = read_answers(folder, SMALL.key())
    assert answers.people == ("ann", "bob") and len(answers) == 24
    assert excluded == {
        "study-answers-0.json": "holds nothing that is not in study-answers-1.json",
        "study-answers-2.json": "holds nothing that is not in study-answers-1.json",
        "study-answers-4.json": "holds nothing that is not in study-answers-3.json",
    }
    assert read_answers([folder / "study-answers-1.json"] * 2, SMALL.key())[1] == {}


def test_of_files_of_one_person_that_contradict_each_other_none_counts(write):
    folder = write(filled("ann", knows), filled("ann", knows, seed=8), filled("bob", knows))
    answers, excluded = read_answers(folder, SMALL.key())
    assert answers.people == ("bob",) and list(excluded) == ["ann"]
    both = "study-answers-0.json, study-answers-1.json"
    assert excluded["ann"] == f"has files that contradict each other: {both}; keep the right one"


@pytest.mark.parametrize("name", ["study-answers-0.json", "below"])
def test_what_may_not_be_read_is_named(write, monkeypatch, name):
    """Whoever runs the tests may be allowed everything, so the system's refusal is played."""
    folder = write(filled("ann", knows), filled("bob", knows))
    (folder / "below").mkdir()
    refused, scandir, read_bytes = folder / name, os.scandir, Path.read_bytes

    def refuse(path):
        if Path(path) == refused:
            raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", lambda path: refuse(path) or scandir(path))
    monkeypatch.setattr(Path, "read_bytes", lambda path: refuse(path) or read_bytes(path))
    answers, excluded = read_answers(folder, SMALL.key())
    assert excluded == {name: "cannot be read: Permission denied"}
    assert answers.people == (("bob",) if name.endswith("json") else ("ann", "bob"))


def test_an_empty_folder_and_an_empty_list_get_a_sentence(tmp_path):
    for nothing in (tmp_path, []):
        with pytest.raises(InputError, match="There are no answer files"):
            read_answers(nothing, SMALL.key())


def test_a_bad_key_and_a_missing_folder_get_a_sentence(write, tmp_path):
    folder = write(filled("ann", knows))
    with pytest.raises(InputError, match="no key of a study"):
        read_answers(folder, folder / "study-answers-0.json")
    with pytest.raises(InputError, match="Cannot read .*key.json"):
        read_answers(folder, folder / "key.json")
    with pytest.raises(InputError, match="no folder"):
        read_answers(tmp_path / "nowhere", SMALL.key())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[]", "no key of a study"),
        (b'{"format"', "key.json is damaged"),
        (b"caf\xe9", "key.json is damaged"),
        (json.dumps({"format": SMALL.key()["format"]}).encode(), "The key is damaged"),
        (json.dumps(SMALL.key() | {"exclude": {}}).encode(), "The key is damaged"),
        (json.dumps(SMALL.key() | {"pictures": [["late", 0], ["later", 1]]}).encode(), "damaged"),
        (None, "Cannot read .*key.json"),
    ],
)
def test_a_key_that_is_none_gets_a_sentence(write, content, sentence):
    folder = write(filled("ann", knows))
    if content is None:
        (folder / "key.json").mkdir()
    else:
        (folder / "key.json").write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        read_answers(folder, folder / "key.json")


def test_a_key_may_have_gone_through_notepad(write):
    folder = write(filled("ann", knows))
    (folder / "key.json").write_text(json.dumps(SMALL.key()), encoding="utf-16")
    assert read_answers(folder, folder / "key.json")[0].people == ("ann",)
