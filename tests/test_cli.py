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
from avatarlib.data import AvatarSet, read_folder, render
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
        ("render big-smile --size 15 --out {0}/a.npz", "at least 16 and at most 512"),
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
    assert {"Fréchet distance", "recall"} < {result["name"] for result in found["results"]}
    assert set(found["coverage"]) > {"hair", "eyes"}
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


# ------------------------------------------------------------------- outputs, names and terminals


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    "command, words",
    [
        ("render big-smile --count 2 --size 16 --out {0}/a.png", "Let it end in .npz"),
        ("render big-smile --count 2 --size 16 --out {0}/avatars", "Let it end in .npz"),
        ("show {0}/good.npz --out {0}/a.jpg", "Let it end in .png"),
        ("show {0}/good.npz --out {0}/good.npz", "it is what is read, and would be lost"),
        ("show {0}/set.png", "it is what is read, and would be lost"),
        ("sample big-smile-32 --out {0}/s.jpg", "Let it end in .png or .npz"),
        ("sample big-smile-32 --out {0}/s", "Let it end in .png or .npz"),
        ("sample {0}/good.npz --out {0}/good.npz", "it is what is read, and would be lost"),
        ("sample {0}/good.npz --out {0}/s.png", "is an npz file, not a network"),
        ("sample {0} --out {0}/s.png", "no checkpoint in the folder"),
        ("sample big-smile-32 --count 1000000000000 --out {0}/s.png", "GiB of memory"),
        ("render big-smile --count 4000000 --size 512 --out {0}/a.npz", "GiB of memory"),
        ("render big-smile --background #ff000000 --out {0}/a.npz", "transparent"),
        (
            "sample big-smile-32-on-demand --ask hair=mohawk --ask hair=bunHair --out {0}/s.png",
            "hair is asked for twice, as mohawk and as bunHair",
        ),
        ("sample big-smile-32-on-demand --ask hair --out {0}/s.png", "ATTRIBUTE=VALUE"),
        ("evaluate {0}/good.npz --against {0}/good.npz --out {0}/good.npz", "a file is in its pla"),
        ("evaluate {0}/good.npz --against {0}/good.npz --out {0}/r.html", "is the name of a file"),
        ("study {0}/good.npz {0}/good.npz --out {0}/cut.npz", "a file is in its place"),
        ("train {0}/recipe.toml --out {0}/cut.npz", "a file is in its place"),
    ],
)
def test_what_would_go_wrong_at_the_end_ends_before_the_work(files, monkeypatch, command, words):
    shutil.copy(files / "good.npz", files / "set.png")
    (files / "recipe.toml").write_text(f'avatars = "{files}/good.npz"\nsteps = 1\n')
    monkeypatch.setattr("avatarlib.cli.train_gan", lambda *_, **__: pytest.fail("it trained"))
    before = {path.name: path.read_bytes() for path in files.iterdir()}
    message = call(*command.format(files).split())
    assert isinstance(message, str) and message.startswith("avatarlib: ") and "\n" not in message
    assert words in message
    assert {path.name: path.read_bytes() for path in files.iterdir()} == before


def test_the_place_of_a_report_is_tried_before_anybody_computes(compared, monkeypatch):
    monkeypatch.setattr("avatarlib.evaluation.report.evaluate", lambda *_: pytest.fail("computed"))
    files = compared / "generated.npz", "--against", compared / "real.npz"
    for out in ("real.npz", "real.npz/below", "report.html"):
        assert "avatarlib: " in call("evaluate", *files, "--out", compared / out)


def test_scores_are_shown_even_if_they_cannot_be_kept(compared, tmp_path, capsys, full_disk):
    full_disk()
    files = compared / "generated.npz", "--against", compared / "real.npz"
    assert "the disk is full" in call("evaluate", *files, "--out", tmp_path / "r")
    assert "Fréchet distance" in capsys.readouterr().out


def test_an_ending_counts_in_any_case(tmp_path):
    for name in ("s.NPZ", "s.Png"):
        assert call("sample", "big-smile-32", "--count", 2, "--out", tmp_path / name) in (None, 0)
    assert len(AvatarSet.load(tmp_path / "s.NPZ")) == 2
    with Image.open(tmp_path / "s.Png") as picture:
        assert picture.format == "PNG"
    assert call("render", "big-smile", "--count", 2, "--out", tmp_path / "r.NPZ") in (None, 0)
    assert call("show", tmp_path / "r.NPZ", "--out", tmp_path / "r.PNG") in (None, 0)
    assert names(tmp_path) == ["r.NPZ", "r.PNG", "s.NPZ", "s.Png"]


def test_evaluate_takes_files_for_what_they_hold(compared, tmp_path):
    for name in ("REAL.NPZ", "real", "real.png", "half"):
        shutil.copy(compared / "real.npz", tmp_path / name)
    shutil.copy(compared / "zipped.zip", tmp_path / "pictures.npz")
    for generated, real in (("real", "REAL.NPZ"), ("pictures.npz", "real.png")):
        found = evaluated(tmp_path, tmp_path / generated, "--against", tmp_path / real)
        assert found["real"]["pictures"] == 400
    assert found["generated"]["pictures"] == 40
    (tmp_path / "half").write_bytes((tmp_path / "real").read_bytes()[:5000])
    (tmp_path / "text.npz").write_text("hello")
    for name, words in (("half", "damaged or incomplete"), ("text.npz", "not an avatar set")):
        said = call("evaluate", tmp_path / name, "--against", tmp_path / "real", "--out", tmp_path)
        assert words in said


def test_a_network_is_found_by_its_name_and_by_its_run(tmp_path, monkeypatch):
    (tmp_path / "big-smile-32").mkdir()  # a folder in the way
    monkeypatch.chdir(tmp_path)
    assert call("sample", "big-smile-32", "--count", 2, "--out", "a.npz") in (None, 0)
    network = Path(avatarlib.__file__).parent / "zoo/pretrained/big-smile-32.safetensors"
    for steps in (5, 10):
        shutil.copy(network, f"big-smile-32/checkpoint-{steps:08}.safetensors")
    Path("big-smile-32/checkpoint-00000005.safetensors").write_bytes(b"not the newest")
    assert call("sample", "./big-smile-32", "--count", 2, "--out", "b.npz") in (None, 0)
    one, other = (AvatarSet.load(name) for name in ("a.npz", "b.npz"))
    assert (one.images == other.images).all()


def test_a_version_is_said(capsys):
    assert call("--version") in (None, 0)
    assert capsys.readouterr().out == f"avatarlib {avatarlib.__version__}\n"


def shell(*arguments, cwd, **environment):
    """As `python_m`, but in bytes and with variables of the environment."""
    command = [sys.executable, "-m", "avatarlib", *arguments]
    everything = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    return subprocess.run(command, cwd=cwd, env=everything, capture_output=True)


@pytest.mark.parametrize("code_page", ["cp1251", "cp437", "cp932", "ascii"])
def test_code_pages_without_our_letters_get_the_whole_text(compared, tmp_path, code_page):
    done = shell("show", "real.npz", cwd=compared, PYTHONIOENCODING=code_page)
    assert done.returncode == 0, done.stderr.decode(code_page)
    shown = done.stdout.decode(code_page)
    assert '"Custom Avatar"' in shown.translate(str.maketrans("“”", '""'))
    assert "skin_colour: #" in shown and "The first 64 are in real.png." in shown


def test_scores_are_shown_on_any_code_page(compared, tmp_path):
    arguments = "evaluate", "generated.npz", "--against", "real.npz", "--out", str(tmp_path / "r")
    done = shell(*arguments, cwd=compared, PYTHONIOENCODING="cp1251")
    assert done.returncode == 0, done.stderr
    assert b"Frechet distance" in done.stdout and b"report.html shows it" in done.stdout
    assert names(tmp_path / "r") == ["report.html", "report.json"]


def test_names_that_are_no_text_serve_like_any_other(compared, tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this disk allows only names that are text")
    shutil.copytree(compared / "pictures", folder / os.fsdecode(b"J\xe9r\xf4me"))
    shutil.copy(compared / "generated.npz", folder / os.fsdecode(b"mod\xe8le.npz"))
    found = evaluated(tmp_path, folder, "--against", compared / "real.npz")
    assert found["generated"]["source"] == os.fsdecode(b"caf\xe9")
    assert "caf\\udce9" in (tmp_path / "report/report.html").read_text(encoding="utf-8")
    models = folder / os.fsdecode(b"mod\xe8le.npz"), "--trials", 20
    assert call("study", compared / "real.npz", *models, "--out", tmp_path / "s") in (None, 0)
    key = json.loads((tmp_path / "s/key.json").read_text(encoding="utf-8"))
    assert key["sources"] == ["real", os.fsdecode(b"mod\xe8le")]
    done = shell("show", models[0], cwd=folder, PYTHONIOENCODING="utf-8:strict")
    assert done.returncode == 0 and b"mod\\udce8le.png" in done.stdout


def test_a_reader_that_leaves_early_hears_no_complaint(files):
    for unbuffered in ("", "1"):
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": unbuffered}
        process = subprocess.Popen(
            [sys.executable, "-m", "avatarlib", "show", "good.npz"],
            **{"cwd": files, "env": environment, "stdout": subprocess.PIPE},
            stderr=subprocess.PIPE,
        )
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait() == 0
        process.stderr.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has /dev/full")
def test_a_text_that_a_full_disk_swallows_is_not_lost_in_silence(files):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""}
    command = [sys.executable, "-m", "avatarlib", "show", "good.npz"]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            command, cwd=files, env=environment, stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 1
    assert done.stderr == (
        b"avatarlib: The disk is full, so that what was said here could not be kept.\n"
    )


def test_without_a_standard_error_avatars_are_made(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = f"'{sys.executable}' -m avatarlib render big-smile --count 3 --size 16 --out a.npz"
    done = subprocess.run(
        ["sh", "-c", f"{command} --seed 12345 2>&-"], cwd=tmp_path, env=environment
    )
    assert done.returncode == 0 and len(AvatarSet.load(tmp_path / "a.npz")) == 3


def test_too_little_memory_is_one_sentence(monkeypatch, tmp_path):
    def exhausted(*_, **__):
        raise MemoryError

    monkeypatch.setattr("avatarlib.cli.render_avatars", exhausted)
    said = call("render", "big-smile", "--out", tmp_path / "a.npz")
    assert said.startswith("avatarlib: The memory does not suffice.")


@pytest.mark.parametrize(
    "command, work",
    [
        ("render big-smile --out {0}/no/a.npz", "render_avatars"),
        ("render big-smile --out {0}/a.png", "render_avatars"),
        ("sample big-smile-32 --out {0}/no/a.png", "sample_network"),
    ],
)
def test_a_place_is_tried_before_anybody_renders_or_draws(tmp_path, monkeypatch, command, work):
    monkeypatch.setattr(f"avatarlib.cli.{work}", lambda *_, **__: pytest.fail("it worked first"))
    assert "Cannot write" in call(*command.format(tmp_path).split())
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "command",
    [
        "render big-smile --count 2 --size 16 --out {0}/a.npz",
        "sample big-smile-32 --count 2 --out {0}/a.png",
    ],
)
def test_a_seed_that_is_too_large_hears_both_limits(tmp_path, command):
    for seed in (2**64, 10**1022):
        said = call(*command.format(tmp_path).split(), "--seed", seed)
        assert "The seed is a whole number of at least 0 and at most 2^64 - 1, not " in said
        assert len(said) < 200 and names(tmp_path) == []
    assert call(*command.format(tmp_path).split(), "--seed", 2**64 - 1) in (None, 0)


def test_folders_whose_names_are_no_text_are_shown(tmp_path):
    for folder in (b"Jos\xe9", b"ann"):
        place = tmp_path / "pictures" / os.fsdecode(folder)
        try:
            place.mkdir(parents=True)
        except OSError:
            pytest.skip("this disk allows only names that are text")
        Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(place / "a.png")
    read_folder(tmp_path / "pictures", 16)[0].save(tmp_path / "a.npz")
    done = shell("show", "a.npz", cwd=tmp_path, PYTHONIOENCODING="utf-8:strict")
    assert done.returncode == 0, done.stderr
    assert rb"  folder: Jos\udce9 1, ann 1" in done.stdout


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="this is not Linux")
def test_under_a_shells_limit_avatars_that_fit_the_machine_are_refused(tmp_path):
    """`ulimit -v 3000000`; on the machine without a limit, 4 GiB may well be there."""
    import resource

    most = 3_000_000 * 1024
    arguments = "render", "big-smile", "--count", "6000", "--size", "512", "--out", "a.npz"
    done = subprocess.run(
        [sys.executable, "-m", "avatarlib", *arguments],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)),
    )
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "6,000 avatars of 512 pixels would take 4.4 GiB of memory; " in done.stderr
