"""The command line: what it does, and one line for whatever goes wrong."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import avatarlib
from avatarlib.cli import main
from avatarlib.core.errors import InputError
from avatarlib.data import AvatarSet, render
from avatarlib.show import image_grid

ROOT = Path(avatarlib.__file__).parents[1]


def python_m(*arguments, cwd):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "avatarlib", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


def call(*arguments):
    """Run the command line in this process; give its exit code and what it would print as error."""
    before = sys.argv
    sys.argv = ["avatarlib", *map(str, arguments)]
    try:
        main()
    except SystemExit as end:
        return end.code
    finally:
        sys.argv = before


def test_render_and_show_from_a_shell(tmp_path):
    done = python_m(
        *("render", "big-smile", "--count", 20, "--size", 16, "--seed", 3, "--out", "a.npz"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "a.npz: 20 avatars." in done.stdout and "CC BY 4.0" in done.stdout
    avatars = AvatarSet.load(tmp_path / "a.npz")
    expected = render("big-smile", 20, 16, 3, progress=False)
    assert (avatars.images == expected.images).all()

    done = python_m("show", "a.npz", "--count", 9, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "20 images 16x16x3" in done.stdout and "skin_colour: #" in done.stdout
    assert "The first 9 are in a.png." in done.stdout
    shown = np.asarray(Image.open(tmp_path / "a.png"))
    assert (shown == np.asarray(image_grid(avatars.images[:9], columns=8, zoom=2))).all()


@pytest.fixture
def files(tmp_path, planted):
    planted.save(tmp_path / "good.npz")
    whole = (tmp_path / "good.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.npz").write_text("hello")
    return tmp_path


@pytest.mark.parametrize(
    "command, words",
    [
        ("render bigsmile --out {0}/a.npz", "big-smile"),
        ("render big-smile --size 15 --out {0}/a.npz", "16 to 512"),
        ("render big-smile --count 0 --out {0}/a.npz", "at least 1"),
        ("render big-smile --seed -1 --out {0}/a.npz", "seed"),
        ("render big-smile --background whiteish --out {0}/a.npz", "no colour"),
        ("render avataaars --out {0}/a.npz", "any_licence"),
        ("render big-smile --count 2 --size 16 --out {0}/no/a.npz", "does not exist"),
        ("render big-smile --count 2 --size 16 --out {0}", "is a folder"),
        ("show {0}/missing.npz", "There is no file"),
        ("show {0}/cut.npz", "damaged or incomplete"),
        ("show {0}/text.npz", "not an avatar set"),
        ("show {0}", "directory"),
        ("show {0}/good.npz --out {0}/no/a.png", "does not exist"),
    ],
)
def test_bad_input_ends_with_one_sentence(files, command, words):
    before = sorted(files.iterdir())
    message = call(*command.format(files).split())
    assert isinstance(message, str)  # sys.exit prints it on standard error and the code is 1
    assert message.startswith("avatarlib: ") and "\n" not in message
    assert words in message
    assert sorted(files.iterdir()) == before


@pytest.mark.parametrize(
    "command",
    [
        "render big-smile --size x --out a.npz",
        "render big-smile",
        "render",
        "show",
        "show good.npz --count 0",
        "paint",
    ],
)
def test_misspelt_commands_are_explained_by_typer(files, command, monkeypatch, capsys):
    monkeypatch.chdir(files)
    assert call(*command.split()) == 2
    error = capsys.readouterr().err
    assert "Usage" in error and "Traceback" not in error


def test_a_shell_sees_one_line_and_a_code(files):
    done = python_m("show", "cut.npz", cwd=files)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("avatarlib: cut.npz")


def test_without_permission_there_is_one_sentence(locked_folder, as_ordinary_user, files):
    render("big-smile", 2, 16, progress=False)  # imports what the other user may not read
    out = locked_folder / "a.npz"
    arguments = ("render", "big-smile", "--count", 2, "--size", 16, "--out", out)
    message = as_ordinary_user(lambda: call(*arguments))
    assert message == (
        f"avatarlib: Cannot write {out}: no permission for {locked_folder}. Choose another folder."
    )


# ------------------------------------------------------------------------- evaluate and study


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """real.npz, generated.npz as `sample` writes it, and 40 of its pictures in folders."""
    folder = tmp_path_factory.mktemp("compared")
    render("big-smile", 400, 32, 3, progress=False).save(folder / "real.npz")
    out = folder / "generated.npz"
    assert call("sample", "big-smile-32", "--count", 300, "--out", out) in (None, 0)
    for i, picture in enumerate(AvatarSet.load(out).images[:40]):
        for name, size in (("pictures", 32), ("large", 64)):
            (folder / name).mkdir(exist_ok=True)
            image = Image.fromarray(picture).resize((size, size))
            image.save(folder / name / f"{i:02}.png")
    (folder / "pictures" / "notes.txt").write_text("no picture")
    (folder / "pictures" / "small.png").write_bytes((folder / "pictures/00.png").read_bytes()[:50])
    shutil.make_archive(folder / "zipped", "zip", folder / "pictures")
    return folder


def evaluated(folder, *arguments):
    """The report of a call, as it was written."""
    assert call("evaluate", *arguments, "--out", folder / "report") in (None, 0)
    assert (folder / "report/report.html").stat().st_size > 10_000
    return json.loads((folder / "report/report.json").read_text(encoding="utf-8"))


def test_a_sample_for_evaluation_is_a_set_with_the_licence_of_what_was_learned(compared):
    avatars = AvatarSet.load(compared / "generated.npz")
    assert (avatars.images == avatarlib.sample("big-smile-32", 300)).all()
    assert avatars.licence == "CC BY 4.0" and avatars.creator == "Ashley Seo"
    assert avatars.credit.startswith("Avatars: drawings of big-smile-32, a network that learned fr")
    assert avatars.credit.count("CC BY 4.0") == 1


def test_a_network_without_a_credit_has_none_to_give(tmp_path):
    runs = Path(avatarlib.__file__).parent / "zoo/pretrained/through-training/article-32"
    network, out = sorted(runs.glob("*.safetensors"))[-1], tmp_path / "a.npz"
    assert call("sample", network, "--count", 2, "--out", out) in (None, 0)
    avatars = AvatarSet.load(out)
    assert (avatars.licence, avatars.creator, len(avatars)) == ("unknown", "unknown", 2)


def test_generated_avatars_are_evaluated_against_real_ones(compared, capsys):
    files = compared / "generated.npz", "--against", compared / "real.npz"
    found = evaluated(compared, *files)
    assert found["features"] == "AvatarNet big-smile-32"
    assert (found["generated"]["pictures"], found["real"]["pictures"]) == (300, 400)
    assert "drawings of big-smile-32" in found["generated"]["credit"]
    assert len(found["results"]) == 7 + 12 and set(found["coverage"]) > {"hair", "eyes"}
    said = capsys.readouterr().out
    assert "Fréchet distance" in said and "hair: " in said and "report.html shows it" in said


def test_a_folder_of_pictures_will_do_and_what_is_left_out_is_counted(compared, capsys):
    found = evaluated(compared, compared / "pictures", "--against", compared / "real.npz")
    assert found["generated"]["pictures"] == 40 and found["generated"]["source"] == "pictures"
    said = capsys.readouterr().out
    assert (
        "pictures: 40 pictures, 2 left out (1 x " in said and "not a picture that we read" in said
    )
    assert "Left out: the Fréchet distance at infinity." in said
    numbers = [result["value"] for result in found["results"]]
    found = evaluated(compared, compared / "zipped.zip", "--against", compared / "real.npz")
    assert [result["value"] for result in found["results"]] == numbers


def test_folders_take_the_size_of_the_extractor_or_the_one_that_is_asked_for(compared):
    large = compared / "large"
    assert evaluated(compared, large, "--against", large)["generated"]["height"] == 32
    options = ("--features", "untrained", "--size", "32")
    found = evaluated(compared, large, "--against", large, *options)
    assert found["features"] == "AvatarNet big-smile-32, untrained" and found["coverage"] == {}
    assert found["copies"]["equal_to_real"] == 1


def test_a_folder_against_grey_avatars_is_made_grey(compared, tmp_path, monkeypatch):
    seen = []

    def listener(*sets):
        seen.extend(sets[:2])
        raise InputError("Enough.")

    AvatarSet.load(compared / "real.npz").grey().save(tmp_path / "grey.npz")
    monkeypatch.setattr("avatarlib.evaluation.report.evaluate", listener)
    files = compared / "pictures", "--against", tmp_path / "grey.npz"
    assert call("evaluate", *files, "--out", tmp_path / "report") == "avatarlib: Enough."
    assert [of.images.shape for of in seen] == [(40, 32, 32, 1), (400, 32, 32, 1)]


@pytest.mark.parametrize(
    "command, words",
    [
        ("evaluate {0}/no.npz --against {0}/real.npz --out {0}/r", "There is no file"),
        ("evaluate {0}/no --against {0}/real.npz --out {0}/r", "no folder or zip file"),
        ("evaluate {0}/large --against {0}/large --out {0}/r --features imagenet", "with --size"),
        ("evaluate {0}/pictures --against {0}/real.npz --out {0}/r --size 64", "No usable picture"),
        ("evaluate {0}/large --against {0}/real.npz --out {0}/r --size 64", "64 x 64 x 3 and 32"),
        ("evaluate {0}/large --against {0}/large --out {0}/real.npz", "Cannot make the folder"),
        ("evaluate {0}/large --against {0}/large --out {0}/r --features vgg", "Features are avat"),
        ("study {0}/real.npz {0}/no.npz --out {0}/s", "There is no file"),
        ("study {0}/real.npz {0}/generated.npz {0}/generated.npz --out {0}/s", "different names"),
        ("study {0}/generated.npz {0}/real.npz --out {0}/s", "by texts, and not 'real'"),
        ("study {0}/real.npz {0}/generated.npz --out {0}/s --trials 7", "multiple of 2"),
        ("study {0}/real.npz {0}/generated.npz --out {0}/s --trials 2000", "too few"),
    ],
)
def test_what_cannot_be_compared_ends_with_one_sentence(compared, command, words):
    message = call(*command.format(compared).split())
    assert isinstance(message, str) and message.startswith("avatarlib: ") and "\n" not in message
    assert words in message
    assert not (compared / "r").exists() and not (compared / "s").exists()


def test_a_study_is_made_of_files(compared, capsys):
    out = compared / "study"
    shutil.copy(compared / "generated.npz", compared / "late.npz")
    files = [compared / name for name in ("real.npz", "generated.npz", "late.npz")]
    assert call("study", *files, "--out", out, "--trials", 20) in (None, 0)
    key = json.loads((out / "key.json").read_text(encoding="utf-8"))
    assert key["sources"] == ["real", "generated", "late"]
    names = [name for name, _ in key["pictures"]]
    assert [names.count(name) for name in key["sources"]] == [10, 5, 5]
    page = (out / "study.html").read_text(encoding="utf-8")
    assert "Ashley Seo" in page and "late.npz" not in page
    said = capsys.readouterr().out
    assert "Hand out" in said and "study.html" in said
    assert "Keep" in said and "key.json to yourself" in said


def test_a_shell_that_only_renders_loads_nothing_heavy():
    done = python_m("--help", cwd=ROOT)
    assert "evaluate" in done.stdout and "study" in done.stdout
    command = "import avatarlib.cli, sys; print({'scipy', 'torch', 'tensorflow'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"
