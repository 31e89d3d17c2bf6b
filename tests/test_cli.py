"""The command line: what it does, and one line for whatever goes wrong."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import avatarlib
from avatarlib.cli import main
from avatarlib.data import AvatarSet, render
from avatarlib.show import sheet

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
    assert (shown == np.asarray(sheet(avatars.images[:9], columns=8, zoom=2))).all()


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
