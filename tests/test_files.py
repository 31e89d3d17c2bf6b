"""Writing: whole files or none, under whatever name, by whomever else at the same time."""

import ast
import errno
import os
import random
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import avatarlib
from avatarlib.core import files
from avatarlib.core.errors import InputError
from avatarlib.core.files import (
    append,
    atomic_write,
    cache_folder,
    check_folder,
    check_output,
    content,
    from_cache,
    make_folder,
    remove_partial_files,
    write_text,
)

LIBRARY = Path(avatarlib.__file__).parent
SIZE = 200_000


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def write(path, what=b"new"):
    with atomic_write(path) as file:
        file.write(what)


def is_whole(path):
    """Whether a file is what one call of `fill` writes."""
    found = Path(path).read_bytes()
    return len(found) == SIZE and found.count(found[:1]) == SIZE


def fill(path, byte):
    """One byte many times over, a bit at a time, so that there is time to be disturbed."""
    with atomic_write(path) as file:
        for _ in range(50):
            file.write(bytes([byte]) * (SIZE // 50))


# ----------------------------------------------------------------------- what is no plain file


def test_a_link_stays_a_link_and_what_it_leads_to_is_written(tmp_path):
    (tmp_path / "drive").mkdir()
    (tmp_path / "drive" / "data").write_bytes(b"old")
    (tmp_path / "link").symlink_to("drive/data")
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "drive" / "data").read_bytes() == b"new"
    assert names(tmp_path / "drive") == ["data"]


def test_a_link_that_leads_nowhere_yet_leads_to_the_new_file(tmp_path):
    (tmp_path / "drive").mkdir()
    (tmp_path / "link").symlink_to("drive/data")
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "drive" / "data").read_bytes() == b"new"
    (tmp_path / "lost").symlink_to("gone/data")
    with pytest.raises(InputError, match=f"lost: the folder {tmp_path}/gone does not exist"):
        write(tmp_path / "lost")


def test_a_link_in_circles_gets_a_sentence(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(InputError, match="leads in circles"):
        write(tmp_path / "a")
    assert names(tmp_path) == ["a", "b"]


def test_a_pipe_gets_all_bytes_and_stays(tmp_path):
    pipe, found = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    with atomic_write(pipe) as file:
        file.write(b"12345")
        file.seek(1)  # a zip file goes back like this, which a pipe itself could not
        file.write(b"x" * 100_000)
    reader.join(10)
    assert found == [b"1" + b"x" * 100_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode) and names(tmp_path) == ["pipe"]


def device(path, minor):
    """A device of our own, so that a mistake of ours harms none of the system's."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, minor))
        path.open("wb").close()
    except OSError:
        pytest.skip("only root may make devices, and not everywhere")
    return path


def test_a_device_stays_a_device(tmp_path):
    node = device(tmp_path / "null", 3)  # takes everything, like /dev/null
    write(node)
    assert stat.S_ISCHR(node.stat().st_mode) and names(tmp_path) == ["null"]


def test_a_device_that_takes_nothing_gets_a_sentence(tmp_path):
    node = device(tmp_path / "full", 7)  # like /dev/full
    with pytest.raises(InputError, match=f"Cannot write {node}: the disk is full"):
        write(node)
    assert stat.S_ISCHR(node.stat().st_mode) and names(tmp_path) == ["full"]


def test_what_can_hold_no_file_is_refused(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        with pytest.raises(InputError, match="a disk or a socket. Give the name of a file"):
            write(tmp_path / "s")
    assert stat.S_ISSOCK((tmp_path / "s").stat().st_mode)


def test_permissions_of_an_older_file_stay(tmp_path):
    write(tmp_path / "a")
    (tmp_path / "a").chmod(0o640)
    write(tmp_path / "a", b"newer")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_a_write_protected_file_is_not_replaced(tmp_path, as_ordinary_user):
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(0o444)
    for folder in (tmp_path, *tmp_path.parents):
        if "pytest-of" in str(folder):  # pytest keeps others out of its folders
            folder.chmod(0o777)
    said = as_ordinary_user(lambda: write(tmp_path / "a"))
    assert said == (
        f"InputError: Cannot write {tmp_path / 'a'}: it is write-protected. Give another name."
    )
    assert (tmp_path / "a").read_bytes() == b"old"


# ------------------------------------------------------------------------------ names and errors


@pytest.mark.parametrize("name", ["a" * 249 + ".npz", "头" * 80 + ".npz"])
def test_names_may_be_as_long_as_the_disk_allows(tmp_path, name):
    try:
        (tmp_path / name).write_bytes(b"old")
    except OSError:
        pytest.skip("this disk does not allow such names")
    write(tmp_path / name)
    assert (tmp_path / name).read_bytes() == b"new" and names(tmp_path) == [name]


def test_a_longer_name_gets_a_sentence(tmp_path):
    with pytest.raises(InputError, match="the name is too long. Choose a shorter one"):
        write(tmp_path / ("a" * 300))


def test_another_program_s_hidden_file_is_never_taken(tmp_path, monkeypatch):
    tokens = iter(["mine", "mine", "free"])
    monkeypatch.setattr(files.secrets, "token_hex", lambda n: next(tokens))
    (tmp_path / ".mine.partial").write_bytes(b"somebody's")
    write(tmp_path / "a")
    assert names(tmp_path) == [".mine.partial", "a"]
    assert (tmp_path / ".mine.partial").read_bytes() == b"somebody's"


@pytest.mark.parametrize(
    "number, words",
    [
        (errno.ENOSPC, "the disk is full. Nothing was written; make room and retry."),
        (errno.EDQUOT, "the disk is full"),
        (errno.EROFS, "is read-only. Choose another folder."),
        (errno.EACCES, "no permission for"),
        (errno.EBUSY, os.strerror(errno.EBUSY)),
    ],
)
@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_whatever_fails_is_one_sentence_and_leaves_the_older_file(
    tmp_path, monkeypatch, moment, number, words
):
    write(tmp_path / "a", b"old")

    def fail(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, moment, fail)
    with pytest.raises(InputError, match=f"Cannot write {tmp_path / 'a'}: .*{words}"):
        write(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"old" and names(tmp_path) == ["a"]


def test_names_that_are_no_text_are_written_with_a_backslash(tmp_path):
    write_text(tmp_path / "a", os.fsdecode(b"caf\xe9") + " é")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "caf\\udce9 é"


def test_lines_are_added_completely_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a"
    append(path, "one\n")
    append(path, "two é\n")
    assert path.read_text(encoding="utf-8") == "one\ntwo é\n"

    class Filling:
        """A file on a disk that is full after three more bytes."""

        def __init__(self, file):
            self.file, self.room = file, 3

        def write(self, data):
            if not self.room:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.room -= 3
            return self.file.write(data[:3])

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def __getattr__(self, name):
            return getattr(self.file, name)

    monkeypatch.setattr(files, "open", lambda *a, **k: Filling(open(*a, **k)), raising=False)
    with pytest.raises(InputError, match="the disk is full"):
        append(path, "three\n")
    assert path.read_text(encoding="utf-8") == "one\ntwo é\n"
    with pytest.raises(InputError, match="the folder .* does not exist"):
        append(tmp_path / "no" / "a", "x")


# --------------------------------------------------------------------- others at the same time


def test_threads_that_write_one_file_are_in_nobody_s_way(tmp_path):
    problems = []

    def work(byte):
        for _ in range(15):
            try:
                fill(tmp_path / "a", byte)
            except InputError as error:
                problems.append(error)
            if not is_whole(tmp_path / "a"):
                problems.append("torn")

    threads = [threading.Thread(target=work, args=(65 + i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == [] and names(tmp_path) == ["a"]


SAME_PID = """
import os, sys
sys.path.insert(0, sys.argv[2])
os.getpid = lambda: 1  # as in two containers that share a folder
import test_files
for _ in range(100):
    test_files.fill(sys.argv[1], ord(sys.argv[3]))
    assert test_files.is_whole(sys.argv[1]), "torn"
"""


def test_two_containers_with_one_process_number_write_one_file(tmp_path):
    command = [sys.executable, "-c", SAME_PID, str(tmp_path / "a"), str(Path(__file__).parent)]
    environment = os.environ | {"PYTHONPATH": str(LIBRARY.parent)}
    processes = [
        subprocess.Popen([*command, byte], env=environment, stderr=subprocess.PIPE, text=True)
        for byte in "AB"
    ]
    assert [process.communicate()[1] for process in processes] == ["", ""]
    assert names(tmp_path) == ["a"]


def killed_while_writing(path, rng):
    """Start a process that writes and kill it at a random moment, most often inside a write."""
    child = os.fork()
    if child == 0:
        while True:
            fill(path, 65 + os.getpid() % 26)
    while not any(name.endswith(".partial") for name in names(path.parent)):
        time.sleep(0.0002)
    time.sleep(rng.uniform(0, 0.004))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    left = [name for name in names(path.parent) if name.endswith(".partial")]
    remove_partial_files(path.parent)
    return bool(left)


def test_twenty_kills_leave_no_damaged_file(tmp_path):
    path, rng, inside = tmp_path / "a", random.Random(0), 0
    fill(path, 65)
    for _ in range(20):
        inside += killed_while_writing(path, rng)
        assert is_whole(path) and names(tmp_path) == ["a"]
    assert inside >= 5


def test_tidying_up_spares_what_a_living_program_writes(tmp_path):
    (tmp_path / ".0123.partial").write_bytes(b"of a dead one")
    with atomic_write(tmp_path / "a") as file:
        file.write(b"half")
        remove_partial_files(tmp_path)
        assert ".0123.partial" not in names(tmp_path) and len(names(tmp_path)) == 1
        file.write(b" and half")
    assert (tmp_path / "a").read_bytes() == b"half and half"


def test_where_there_are_no_locks_tidying_up_leaves_everything(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(files.fcntl, "flock", no_locks)
    (tmp_path / ".0123.partial").write_bytes(b"of whom?")
    write(tmp_path / "a")
    remove_partial_files(tmp_path)
    assert names(tmp_path) == [".0123.partial", "a"]


# -------------------------------------------------------------------------- before the work


def test_folders_are_made_also_at_the_end_of_a_link(tmp_path):
    (tmp_path / "runs").symlink_to("drive/runs")
    make_folder(tmp_path / "runs" / "one")
    make_folder(tmp_path / "runs" / "one")
    assert (tmp_path / "drive" / "runs" / "one").is_dir()


def test_a_folder_that_cannot_be_made_gets_a_sentence(tmp_path, locked_folder, as_ordinary_user):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        for attempt in (make_folder, check_folder):
            with pytest.raises(InputError, match=f"Cannot make the folder {path}: .*a file is in"):
                attempt(path)
    for attempt in (make_folder, check_folder):
        said = as_ordinary_user(lambda attempt=attempt: attempt(locked_folder / "a" / "b"))
        assert said == (
            f"InputError: Cannot make the folder {locked_folder / 'a' / 'b'}: no permission for "
            f"{locked_folder}. Choose another folder."
        )
    said = as_ordinary_user(lambda: check_folder(locked_folder))
    assert f"no permission for {locked_folder}" in said


def test_trying_a_place_leaves_no_trace(tmp_path):
    check_folder(tmp_path / "a" / "b")
    check_folder(tmp_path)
    assert check_output(tmp_path / "a.PNG", (".npz", ".png")) == ".png"
    assert names(tmp_path) == []


def test_a_folder_is_not_called_like_a_file(tmp_path):
    with pytest.raises(InputError, match="is the name of a file. Give that of a folder"):
        check_folder(tmp_path / "report.html")
    (tmp_path / "odd.html").mkdir()
    check_folder(tmp_path / "odd.html")
    check_folder(tmp_path / "run-1.5")


@pytest.mark.parametrize("name", ["a", "a.jpg", "a.npy", ".npz", "npz", "a.npz.old"])
def test_an_unknown_ending_is_refused_with_the_known_ones(tmp_path, name):
    with pytest.raises(InputError, match=r"Let it end in \.png or \.npz"):
        check_output(tmp_path / name, (".png", ".npz"))


def test_a_pipe_needs_no_ending(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert check_output(tmp_path / "pipe", (".png", ".npz")) == ".png"


def test_what_is_read_is_never_written_over(tmp_path):
    (tmp_path / "a.png").write_bytes(b"precious")
    (tmp_path / "link.png").symlink_to("a.png")
    os.link(tmp_path / "a.png", tmp_path / "twin.png")
    for out in ("a.png", "link.png", "twin.png", "./a.png"):
        with pytest.raises(InputError, match="it is what is read, and would be lost"):
            check_output(f"{tmp_path}/{out}", (".png",), [tmp_path / "a.png"])
    check_output(tmp_path / "b.png", (".png",), [tmp_path / "a.png", "big-smile-32"])


def test_a_place_that_cannot_be_written_to_is_found_before_the_work(
    tmp_path, locked_folder, as_ordinary_user, full_disk
):
    with pytest.raises(InputError, match="the folder .* does not exist. Create it first"):
        check_output(tmp_path / "no" / "a.png", (".png",))
    with pytest.raises(InputError, match="this is a folder"):
        check_output(tmp_path, (".png",))
    said = as_ordinary_user(lambda: check_output(locked_folder / "a.png", (".png",)))
    assert "no permission for" in said


# ------------------------------------------------------------------------------- what files hold


def test_a_file_is_what_its_first_bytes_say(tmp_path, planted):
    torch = pytest.importorskip("torch")
    from PIL import Image
    from safetensors.numpy import save_file

    planted.save(tmp_path / "set.npz")
    np.save(tmp_path / "array.npy", np.zeros(3))
    save_file({"a": np.zeros(3)}, tmp_path / "a.safetensors")
    torch.save({"a": torch.zeros(3)}, tmp_path / "a.pt")
    torch.save({"a": torch.zeros(3)}, tmp_path / "b.pt", _use_new_zipfile_serialization=False)
    subprocess.run([sys.executable, "-m", "zipfile", "-c", "a.zip", "a.pt"], cwd=tmp_path)
    for kind in ("PNG", "JPEG", "GIF"):
        Image.new("RGB", (3, 3)).save(tmp_path / f"{kind}.x", kind)
    whole = (tmp_path / "set.npz").read_bytes()
    (tmp_path / "half").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text").write_text("hello, hello, hello")
    (tmp_path / "empty").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe")
    assert {name: content(tmp_path / name) for name in [*names(tmp_path), "missing", "."]} == {
        "set.npz": files.NPZ,
        "half": files.NPZ,
        "array.npy": "an npy file",
        "a.safetensors": "a safetensors file",
        "a.pt": files.PICKLE,
        "b.pt": files.PICKLE,
        "a.zip": files.ZIP,
        **{f"{kind}.x": f"a {kind} picture" for kind in ("PNG", "JPEG", "GIF")},
        **dict.fromkeys(("text", "empty", "pipe", "missing", "."), ""),
    }


# ---------------------------------------------------------------------------------- the cache


def test_the_cache_is_where_the_variable_says(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AVATARLIB_CACHE", str(tmp_path / "a"))
    assert cache_folder() == tmp_path / "a"
    for text in ("~/b", "$HOME/b", "${HOME}/b", " ~/b "):  # no shell has seen it
        monkeypatch.setenv("AVATARLIB_CACHE", text)
        assert cache_folder() == tmp_path / "b"
    for text in ("", " "):
        monkeypatch.setenv("AVATARLIB_CACHE", text)
        assert cache_folder().name == "avatarlib" and cache_folder().is_absolute()


def test_a_relative_cache_stays_where_it_was_when_the_program_goes_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("AVATARLIB_CACHE", f"cache-{tmp_path.name}")
    monkeypatch.chdir(tmp_path)
    first = cache_folder()
    monkeypatch.chdir(tmp_path / "other")
    assert cache_folder() == first == tmp_path / f"cache-{tmp_path.name}"


def cached(name="kind/a"):
    """What `from_cache` gives for a text, how often it was made, and what it warned of."""
    made = []

    def make():
        made.append("text")
        return "text"

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = from_cache(name, lambda path: path.read_text(), make, write_text)
    return found, len(made), [str(warning.message) for warning in caught]


def test_what_was_made_once_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("AVATARLIB_CACHE", str(tmp_path))
    assert cached() == ("text", 1, []) and cached() == ("text", 0, [])
    assert (tmp_path / "kind" / "a").read_text() == "text"
    (tmp_path / "kind" / ".0123.partial").write_bytes(b"of a program that was killed")
    assert cached("kind/b") == ("text", 1, []) and names(tmp_path / "kind") == ["a", "b"]


@pytest.mark.parametrize("place", ["file", "file/below", "~nobody-at-all/cache", "$NO_SUCH/cache"])
def test_where_no_cache_can_be_the_work_is_done_with_one_warning(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AVATARLIB_CACHE", place if place[0] in "~$" else str(tmp_path / place))
    found, made, said = cached()
    assert (found, made, len(said)) == ("text", 1, 1)
    assert names(tmp_path) == ["file"]


def test_a_full_cache_is_done_without(tmp_path, monkeypatch, full_disk):
    monkeypatch.setenv("AVATARLIB_CACHE", str(tmp_path))
    full_disk()
    found, made, said = cached()
    assert (found, made, len(said)) == ("text", 1, 1)
    assert "could not be kept" in said[0] and "the disk is full" in said[0]


def test_a_closed_cache_is_done_without(locked_folder, monkeypatch, as_ordinary_user):
    closed = locked_folder / "closed"
    os.chmod(locked_folder, 0o755)
    closed.mkdir(mode=0o000)
    for folder in (locked_folder / "no-cache-yet", closed, closed / "below"):
        os.chmod(locked_folder, 0o555)
        monkeypatch.setenv("AVATARLIB_CACHE", str(folder))
        said = as_ordinary_user(cached)
        assert said.startswith("('text', 1, ['What was made could not be kept for the next time.")
        assert said.count("Cannot make the folder") == 1


# ------------------------------------------------------------------------------- the house rule

WRITES = {"mkdir", "makedirs", "write_text", "write_bytes", "savez", "savez_compressed", "savetxt"}
WRITERS = {"core/files.py", "core/lock.py"}


def writing_calls(file):
    """Calls that make a file or a folder by themselves."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        modes = [a.value for a in [*node.args, *(k.value for k in node.keywords)] if is_text(a)]
        if (name in WRITES and isinstance(called, ast.Attribute)) or (
            name == "open" and any(set(mode) & set("wax+") and len(mode) < 4 for mode in modes)
        ):
            yield f"{file.relative_to(LIBRARY).as_posix()}:{node.lineno}: {ast.unparse(node)}"


def is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_only_one_module_writes():
    found = [call for file in sorted(LIBRARY.rglob("*.py")) for call in writing_calls(file)]
    # members of a zip file that lies in an atomic_write
    found = [call for call in found if "npz.open(" not in call]
    assert {call.partition(":")[0] for call in found} == WRITERS, "\n".join(found)
