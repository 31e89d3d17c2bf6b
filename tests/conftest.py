"""What the tests share: a cache of their own, a small rendered set, a user without rights."""

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from avatarlib.backends import triton_first  # noqa: F401
from avatarlib.core import files
from avatarlib.data import Attribute, AvatarSet, render


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVATARLIB_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def small():
    """300 real avatars of 28 pixels."""
    return render("big-smile", 300, size=28, progress=False)


@pytest.fixture
def planted():
    """Twelve pictures of noise with an attribute, a number and options."""
    rng = np.random.default_rng(0)
    return AvatarSet(
        rng.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8),
        {"hair": Attribute(np.arange(12, dtype=np.uint16) % 3, ("bangs", "mohawk", "“ü”"))},
        {"angle": rng.normal(size=12).astype(np.float32)},
        licence="CC0 1.0",
        creator="Zoë",
        source="a test",
        options={"seed": 3, "weights": {"hair": {"bangs": 1.5}}},
    )


@pytest.fixture
def full_disk(monkeypatch):
    """Whatever is being written lies on a disk without room; Linux has one, /dev/full."""
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    real = files._partial

    def partial(folder):
        path, file = real(folder)
        file.close()
        return path, open("/dev/full", "wb")

    return lambda: monkeypatch.setattr(files, "_partial", partial)


@pytest.fixture
def locked_folder():
    """A folder that everyone may read and that an ordinary user may not write to."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        yield Path(folder)
        os.chmod(folder, 0o755)


@pytest.fixture
def as_ordinary_user():
    """Call a function as a user without rights; give what it returned or raised, as one text.

    Root may write anywhere, so root's tests do it in a child process that gives its rights up.
    (A new interpreter would not do: that user may not be allowed to read its files.)
    """
    return _call_as_ordinary_user


def _call_as_ordinary_user(function):
    if os.getuid() != 0:
        return _outcome(function)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        os.write(writer, _outcome(function).encode())
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        text = pipe.read().decode()
    os.waitpid(child, 0)
    return text


def _outcome(function):
    try:
        return str(function())
    except BaseException as error:  # the child must never go on into pytest itself
        return f"{type(error).__name__}: {error}"
