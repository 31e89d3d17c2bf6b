"""The table of pictures: splitting, batching, greying, and files that are whole or refused."""

import io
import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import avatarlib
from avatarlib import InputError
from avatarlib.data import Attribute, AvatarSet
from avatarlib.data.avatarset import FORMAT

ROOT = Path(avatarlib.__file__).parents[1]


def numbered(n):
    """n different pictures: picture i shows the number i."""
    images = np.zeros((n, 4, 4, 1), dtype=np.uint8)
    images[:, 0, 0, 0], images[:, 0, 1, 0] = np.arange(n) % 256, np.arange(n) // 256
    return AvatarSet(images)


def numbers(images):
    return (images[:, 0, 0, 0].astype(int) + 256 * images[:, 0, 1, 0].astype(int)).tolist()


# ------------------------------------------------------------------------------------------ split


def test_split_is_disjoint_complete_and_of_the_asked_sizes():
    parts = numbered(1000).split(0.8, 0.15, 0.05)
    assert [len(part) for part in parts] == [800, 150, 50]
    assert sorted(n for part in parts for n in numbers(part.images)) == list(range(1000))


@given(
    copies=st.lists(st.integers(1, 5), min_size=20, max_size=40),
    fraction=st.floats(0.3, 0.7),
    seed=st.integers(0, 2**64 - 1),
)
def test_equal_pictures_never_stand_in_two_parts(copies, fraction, seed):
    original = np.repeat(np.arange(len(copies)), copies)
    one, other = AvatarSet(numbered(len(copies)).images[original]).split(
        fraction, 1 - fraction, seed=seed
    )
    assert not set(numbers(one.images)) & set(numbers(other.images))
    assert len(one) + len(other) == sum(copies)
    assert abs(len(one) - fraction * sum(copies)) <= max(copies)


def test_split_mixes_the_order_and_keeps_the_labels_with_their_pictures():
    avatars = numbered(500)
    codes = (np.arange(500) % 7).astype(np.uint16)
    avatars = AvatarSet(avatars.images, {"rest": Attribute(codes, tuple("abcdefg"))})
    first, second = avatars.split(0.5, 0.5)
    for part in (first, second):
        assert numbers(part.images) != sorted(numbers(part.images))
        assert part.attributes["rest"].codes.tolist() == [n % 7 for n in numbers(part.images)]


def test_split_mixes_equal_pictures_with_the_others():
    copies = np.repeat(np.arange(100), 2)
    first, _ = AvatarSet(numbered(100).images[copies]).split(0.5, 0.5)
    assert numbers(first.images) != sorted(numbers(first.images))


def test_split_is_a_function_of_its_seed():
    avatars = numbered(100)
    assert numbers(avatars.split(0.5, 0.5, seed=1)[0].images) == numbers(
        avatars.split(0.5, 0.5, seed=1)[0].images
    )
    assert numbers(avatars.split(0.5, 0.5, seed=1)[0].images) != numbers(
        avatars.split(0.5, 0.5, seed=2)[0].images
    )


@pytest.mark.parametrize(
    "fractions",
    [(), (1.0,), (0.5, 0.6), (0.5, 0.4), (1.5, -0.5), (1.0, 0.0), (0.5, float("nan")), ("a", "b")],
)
def test_split_refuses_fractions_that_make_no_sense(fractions):
    with pytest.raises(InputError, match="fractions"):
        numbered(10).split(*fractions)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_split_refuses_an_empty_part(n):
    with pytest.raises(InputError, match="empty|too few"):
        numbered(n).split(0.9, 0.1)


def test_a_negative_seed_is_refused_with_a_sentence():
    with pytest.raises(InputError, match="seed"):
        numbered(10).split(0.5, 0.5, seed=-1)


# ---------------------------------------------------------------------------------------- batches


def test_an_epoch_shows_every_picture_at_most_once_in_batches_of_equal_size():
    batches = list(numbered(103).batches(10))
    assert [batch.shape for batch in batches] == [(10, 4, 4, 1)] * 10
    seen = [n for batch in batches for n in numbers(batch)]
    assert len(set(seen)) == 100
    assert seen != sorted(seen)


def test_the_left_over_pictures_come_in_another_epoch():
    avatars = numbered(15)
    seen = {n for epoch in range(20) for b in avatars.batches(10, epoch=epoch) for n in numbers(b)}
    assert seen == set(range(15))


def test_the_order_is_a_function_of_seed_and_epoch():
    def order(seed, epoch):
        return [n for batch in numbered(64).batches(8, seed, epoch) for n in numbers(batch)]

    assert order(3, 5) == order(3, 5)
    assert order(3, 5) != order(3, 6)
    assert order(3, 5) != order(4, 5)


def test_one_batch_may_be_the_whole_set():
    assert sum(1 for _ in numbered(16).batches(16)) == 1


@pytest.mark.parametrize("size", [0, -1, 11, 2.5, "2", None])
def test_batches_refuse_an_impossible_size_at_once(size):
    with pytest.raises(InputError, match="A batch has between 1 and 10 pictures"):
        numbered(10).batches(size)


# --------------------------------------------------------------------- grey, labels, rows, content


def test_grey_is_pillows_luminance_within_rounding(small):
    grey = small.grey().images
    theirs = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in small.images])
    difference = grey[..., 0].astype(int) - theirs
    assert grey.shape == (300, 28, 28, 1) and grey.dtype == np.uint8
    assert np.abs(difference).max() <= 1
    assert np.abs(difference).mean() < 0.01


def test_grey_rounds_the_luminance_to_the_nearest():
    rgb = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), dtype=np.uint8)
    exact = rgb[..., 0] * 0.299 + rgb[..., 1] * 0.587 + rgb[..., 2] * 0.114
    assert np.abs(AvatarSet(rgb).grey().images[..., 0] - exact).max() < 0.5 + 1e-9


def test_grey_twice_is_grey_once(planted):
    assert planted.grey().grey() is not None
    assert (planted.grey().grey().images == planted.grey().images).all()


def test_labels_and_counts(planted):
    assert planted.labels("hair").tolist() == ["bangs", "mohawk", "“ü”"] * 4
    assert planted[:4].counts("hair") == {"bangs": 2, "mohawk": 1, "“ü”": 1}
    assert planted[:2].counts("hair") == {"bangs": 1, "mohawk": 1, "“ü”": 0}


def test_an_unknown_attribute_names_the_known_ones(planted):
    with pytest.raises(InputError, match=r"No attribute 'hare'; there are hair\."):
        planted.labels("hare")
    with pytest.raises(InputError, match="hair"):
        planted.counts("hare")


@pytest.mark.parametrize(
    "rows", [slice(2, 5), np.array([7, 2]), np.arange(12) % 2 == 0], ids=["slice", "rows", "mask"]
)
def test_chosen_rows_take_everything_along(planted, rows):
    part = planted[rows]
    assert (part.images == planted.images[rows]).all()
    assert part.labels("hair").tolist() == planted.labels("hair")[rows].tolist()
    assert (part.numbers["angle"] == planted.numbers["angle"][rows]).all()
    assert part.credit == planted.credit


def test_a_single_index_says_what_to_do(planted):
    with pytest.raises(InputError, match=r"avatars\.images\[3\]"):
        planted[3]


def test_the_credit_names_source_creator_and_licence(planted):
    assert planted.credit == "Avatars: a test by Zoë, licence CC0 1.0."
    assert "12 images 8x8x3" in repr(planted)


GOOD = np.zeros((3, 4, 4, 1), dtype=np.uint8)


@pytest.mark.parametrize(
    "images",
    [[1, 2], None, GOOD.astype(float), GOOD[0], GOOD.repeat(2, axis=3), GOOD.repeat(4, axis=3)],
)
def test_the_constructor_refuses_what_are_no_pictures(images):
    with pytest.raises(InputError):
        AvatarSet(images)


@pytest.mark.parametrize(
    "codes",
    [
        np.zeros(2, dtype=np.uint16),
        np.full(3, 2, dtype=np.uint16),
        np.full(3, -1),
        np.full(3, 70_000),
        np.zeros((3, 1), dtype=np.uint16),
        [0, 0, 0],
    ],
    ids=["too few", "beyond the categories", "negative", "would wrap", "two axes", "a list"],
)
def test_the_constructor_refuses_attributes_that_do_not_fit(codes):
    with pytest.raises(InputError, match="'hair' does not fit the 3 images"):
        AvatarSet(GOOD, {"hair": Attribute(codes, ("a", "b"))})


@pytest.mark.parametrize("values", [np.zeros(2, np.float32), np.zeros(3), [0.0, 0.0, 0.0]])
def test_the_constructor_refuses_numbers_that_do_not_fit(values):
    with pytest.raises(InputError, match="'angle' does not fit the 3 images"):
        AvatarSet(GOOD, numbers={"angle": values})


# ---------------------------------------------------------------------------------- save and load


def same(one, other):
    assert (one.images == other.images).all() and one.images.dtype == other.images.dtype
    assert list(one.attributes) == list(other.attributes)
    for name, (codes, categories) in one.attributes.items():
        assert (codes == other.attributes[name].codes).all()
        assert categories == other.attributes[name].categories
    assert list(one.numbers) == list(other.numbers)
    for name, values in one.numbers.items():
        assert values.tobytes() == other.numbers[name].tobytes()
    for name in ("licence", "creator", "source", "options"):
        assert getattr(one, name) == getattr(other, name)


def test_a_saved_set_comes_back_bit_for_bit(tmp_path, planted):
    planted.numbers["angle"][3] = np.nan
    for avatars in (planted, planted.grey(), planted[:0], numbered(5)):
        avatars.save(tmp_path / "a.npz")
        same(avatars, AvatarSet.load(tmp_path / "a.npz"))


def test_a_rendered_set_comes_back_bit_for_bit(tmp_path, small):
    small.save(tmp_path / "a.npz")
    same(small, AvatarSet.load(str(tmp_path / "a.npz")))


def refused(path, *words):
    """Loading raises an InputError, nothing else, and its sentence names the file."""
    with pytest.raises(InputError) as caught:
        AvatarSet.load(path)
    message = str(caught.value)
    assert message.count(str(path)) == 1 and re.search(r"\.$", message)
    for word in words:
        assert word in message
    return message


def test_a_file_cut_off_at_any_length_is_refused(tmp_path, planted):
    planted.save(tmp_path / "whole.npz")
    content, path = (tmp_path / "whole.npz").read_bytes(), tmp_path / "cut.npz"
    for length in [0, 1, 2, 3, *range(4, len(content), 37), len(content) - 1]:
        path.write_bytes(content[:length])
        refused(path)


def test_any_changed_byte_is_refused_or_without_effect(tmp_path, planted):
    planted.save(tmp_path / "whole.npz")
    content, path = (tmp_path / "whole.npz").read_bytes(), tmp_path / "changed.npz"
    rng = np.random.default_rng(0)
    places = [*rng.integers(0, len(content), 300), *range(len(content) - 300, len(content))]
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1 << rng.integers(8)
        path.write_bytes(changed)
        try:
            same(planted, AvatarSet.load(path))
        except InputError as error:
            assert str(path) in str(error)


def write_npz(path, avatars, **changes):
    """What save writes, with some of its arrays replaced or (None) left out."""
    avatars.save(path)
    with np.load(path) as file:
        arrays = dict(file) | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def meta(path, **changes):
    with np.load(path) as file:
        text = json.dumps(json.loads(file["meta"].tobytes()) | changes)
    return np.frombuffer(text.encode(), dtype=np.uint8)


def test_foreign_npz_files_are_refused(tmp_path, planted):
    path = tmp_path / "foreign.npz"
    np.savez(path, a=np.arange(3))
    refused(path, "not written by AvatarSet.save")
    for name in ("images", "codes", "numbers", "meta"):
        refused(write_npz(path, planted, **{name: None}), "not written by AvatarSet.save")
    refused(write_npz(path, planted, images=np.zeros((12, 8, 8, 3))), "uint8")
    refused(write_npz(path, planted, images=planted.images[:5]), "does not fit")
    refused(write_npz(path, planted, codes=np.zeros((12, 2), np.uint16)))
    refused(write_npz(path, planted, meta=np.frombuffer(b"[1, 2]", np.uint8)))
    refused(write_npz(path, planted, meta=np.frombuffer(b"{", np.uint8)))
    refused(write_npz(path, planted, meta=np.frombuffer(b"\xff", np.uint8)))


def test_another_version_of_the_format_is_named(tmp_path, planted):
    path = tmp_path / "next.npz"
    planted.save(path)
    write_npz(path, planted, meta=meta(path, format="avatarlib.AvatarSet/2"), images=None)
    refused(path, "avatarlib.AvatarSet/2", FORMAT)


class Trap:
    """Opened as a pickle, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_pickles_are_refused_and_never_run(tmp_path, planted):
    sprung = tmp_path / "sprung"
    path = tmp_path / "objects.npz"
    trap = np.array([Trap(sprung)], dtype=object)
    for name in ("images", "codes", "numbers", "meta"):
        refused(write_npz(path, planted, **{name: trap}), "pickle")
    path.write_bytes(pickle.dumps(Trap(sprung)))
    refused(path, "pickle")
    np.save(path.with_suffix(".npy"), trap, allow_pickle=True)
    refused(path.with_suffix(".npy"))
    assert not sprung.exists()


def test_a_tiny_file_that_claims_petabytes_is_refused(tmp_path, planted):
    whole, path = tmp_path / "whole.npz", tmp_path / "claims.npz"
    planted.save(whole)
    for shape in [(9_000_000, 30_000, 30_000, 3), (-1, 8, 8, 3), (10**30, 8, 8, 3)]:
        header = io.BytesIO()
        about = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(header, about)
        with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
            for name in old.namelist():
                new.writestr(name, header.getvalue() if name == "images.npy" else old.read(name))
        refused(path)


def test_other_files_are_refused(tmp_path, planted):
    (tmp_path / "text.npz").write_text("not pictures")
    refused(tmp_path / "text.npz", "not an avatar set", "not written by")
    np.save(tmp_path / "plain.npy", np.zeros(3))
    refused(tmp_path / "plain.npy", "not an avatar set")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("letter.txt", "hello")
    refused(tmp_path / "other.zip", "not an avatar set")
    refused(tmp_path / "other.zip", "it is a zip file")
    Image.fromarray(planted.images[0]).save(tmp_path / "a.npz", "PNG")
    refused(tmp_path / "a.npz", "not an avatar set: it is a PNG picture")
    refused(tmp_path / "missing.npz", "There is no file")
    refused(tmp_path, "directory")


def test_a_set_is_read_under_any_name_and_written_as_npz(tmp_path, planted):
    planted.save(tmp_path / "a.NPZ")
    shutil.copy(tmp_path / "a.NPZ", tmp_path / "a.png")
    same(planted, AvatarSet.load(tmp_path / "a.png"))
    for name in ("a", "a.png", "a.npy"):
        with pytest.raises(InputError, match=f"{name}: .* Let it end in .npz"):
            planted.save(tmp_path / name)
    assert left_behind(tmp_path) == ["a.NPZ", "a.png"]


def test_a_file_that_may_not_be_read_is_refused(locked_folder, as_ordinary_user, planted):
    path = locked_folder / "a.npz"
    os.chmod(locked_folder, 0o755)
    planted.save(path)
    path.chmod(0)
    assert as_ordinary_user(lambda: AvatarSet.load(path)) == (
        f"InputError: Cannot read {path}: permission denied."
    )


# ----------------------------------------------------------------- written whole, or not at all


def left_behind(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_missing_folder_is_named(tmp_path, planted):
    with pytest.raises(InputError, match=f"the folder {tmp_path / 'no'} does not exist"):
        planted.save(tmp_path / "no" / "a.npz")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="does not exist"):
        planted.save(tmp_path / "file" / "a.npz")


def test_a_folder_is_no_file_name(tmp_path, planted, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for path in ("folder", "."):
        with pytest.raises(InputError, match="Cannot write"):
            planted.save(path)
    assert left_behind(tmp_path) == ["folder"]


def test_a_full_disk_gives_a_sentence_and_leaves_the_older_file(tmp_path, planted, full_disk):
    path = tmp_path / "a.npz"
    planted[:3].save(path)
    full_disk()
    with pytest.raises(InputError, match=f"Cannot write {path}: the disk is full"):
        planted.save(path)
    same(planted[:3], AvatarSet.load(path))
    assert left_behind(tmp_path) == ["a.npz"]


def test_without_permission_there_is_a_sentence(locked_folder, as_ordinary_user, planted):
    for path in (locked_folder / "a.npz", locked_folder / "closed" / "a.npz"):
        if path.parent != locked_folder:
            os.chmod(locked_folder, 0o755)
            path.parent.mkdir(mode=0o700)
            path.parent.chmod(0o000)
        assert as_ordinary_user(lambda path=path: planted.save(path)) == (
            f"InputError: Cannot write {path}: no permission for {path.parent}. "
            "Choose another folder."
        )
        assert "a.npz" not in left_behind(locked_folder)


KILLED = """
import os, signal, sys
import numpy as np
import avatarlib.core.files
from avatarlib.data import AvatarSet

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def write_some_and_die(member, array, **_):
    member.write(os.urandom(10**6))
    die()

if sys.argv[2] == "in the middle":
    np.lib.format.write_array = write_some_and_die
else:
    avatarlib.core.files.os.fsync = die
AvatarSet(np.zeros((9, 8, 8, 3), np.uint8)).save(sys.argv[1])
"""


@pytest.mark.parametrize("moment", ["in the middle", "before the last step"])
def test_a_process_killed_while_writing_leaves_no_file_under_the_name(tmp_path, planted, moment):
    command = [sys.executable, "-c", KILLED]
    run = {"cwd": ROOT, "env": os.environ | {"PYTHONPATH": str(ROOT)}}
    died = subprocess.run([*command, str(tmp_path / "new.npz"), moment], **run)
    assert died.returncode == -signal.SIGKILL
    assert not (tmp_path / "new.npz").exists()

    planted.save(tmp_path / "old.npz")
    subprocess.run([*command, str(tmp_path / "old.npz"), moment], **run)
    same(planted, AvatarSet.load(tmp_path / "old.npz"))
    planted[:2].save(tmp_path / "old.npz")  # what the dead process left is in nobody's way
    same(planted[:2], AvatarSet.load(tmp_path / "old.npz"))


def test_numpys_numbers_in_options_and_categories_come_back_as_plain_ones(tmp_path, planted):
    options = {"seed": np.int64(3), "weights": {"bangs": np.float32(1.5)}, "sizes": np.arange(2)}
    years = Attribute(np.arange(12, dtype=np.uint16) % 3, tuple(np.arange(2024, 2027)))
    replace(planted, options=options, attributes={"year": years}).save(tmp_path / "a.npz")
    found = AvatarSet.load(tmp_path / "a.npz")
    assert found.options == {"seed": 3, "weights": {"bangs": 1.5}, "sizes": [0, 1]}
    assert found.counts("year") == {2024: 4, 2025: 4, 2026: 4}


def test_options_that_json_cannot_hold_get_a_sentence_and_leave_the_older_file(tmp_path, planted):
    planted.save(tmp_path / "a.npz")
    before = (tmp_path / "a.npz").read_bytes()
    with pytest.raises(InputError, match="plain data.*Path"):
        replace(planted, options={"file": Path("a")}).save(tmp_path / "a.npz")
    assert (tmp_path / "a.npz").read_bytes() == before


def test_numpys_fractions_split_like_any_others(small):
    parts = small.split(np.float32(0.8), np.float32(0.2))
    assert [len(part) for part in parts] == [len(part) for part in small.split(0.8, 0.2)]
