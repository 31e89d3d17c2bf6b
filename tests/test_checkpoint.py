"""Checkpoints: exact, readable by both frameworks, and never a pickle."""

import os
import pickle
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from avatarlib import InputError
from avatarlib.core.arrays import load_arrays, save_arrays
from avatarlib.training.checkpoint import checkpoints, load_checkpoint, save_checkpoint

RNG = np.random.default_rng(0)
ARRAYS = {
    "generator/dense/kernel": RNG.normal(size=(5, 7)).astype(np.float32),
    "half": RNG.normal(size=(3, 2)).astype(np.float16),
    "extremes": np.array([np.inf, -np.inf, np.nan, 1e-45, -0.0], dtype=np.float32),
    "transposed": RNG.normal(size=(2, 3, 4)).transpose(2, 0, 1),
    "counts": np.arange(6, dtype=np.int64).reshape(2, 3),
    "bytes": np.arange(256, dtype=np.uint8),
    "empty": np.zeros((0, 4), dtype=np.float32),
}
HEADER = {"steps": 4711, "losses": [[1.386, 0.693]], "credit": "“Zoë”"}


def refused(path, *words):
    with pytest.raises(InputError) as caught:
        load_arrays(path)
    for word in (str(path), *words):
        assert word in str(caught.value)


def test_arrays_and_header_come_back_exactly(tmp_path):
    path = tmp_path / "a.safetensors"
    save_arrays(path, ARRAYS, HEADER)
    arrays, header = load_arrays(str(path))
    assert header == HEADER
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype and arrays[name].shape == array.shape
        assert arrays[name].tobytes() == array.tobytes()


def test_a_header_of_any_length_is_read(tmp_path):
    """The file begins with the header's length, which may look like the start of a pickle."""
    path, starts = tmp_path / "a.safetensors", set()
    for length in [*range(0, 260, 8), *range(18_900, 19_300, 8)]:
        save_arrays(path, {"a": np.zeros(1)}, {"text": "x" * length})
        assert load_arrays(path)[1] == {"text": "x" * length}
        starts.add(path.read_bytes()[:2])
    assert b"PK" in starts and any(start[0] == 0x80 for start in starts)


class Trap:
    """Opened as a pickle, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_pickle_is_refused_with_its_sentence_and_never_run(tmp_path):
    sprung, path = tmp_path / "sprung", tmp_path / "a.pkl"
    for protocol in (0, 1, 2, 4, 5):
        path.write_bytes(pickle.dumps(Trap(sprung), protocol))
        refused(path, "is a pickle" if protocol > 1 else "no safetensors file")
    assert not sprung.exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_what_torch_saves_is_refused_with_its_sentence(tmp_path, zipped):
    torch = pytest.importorskip("torch")
    path = tmp_path / "a.pt"
    torch.save({"a": torch.zeros(3)}, path, _use_new_zipfile_serialization=zipped)
    refused(path, "is a pickle (torch.save writes these)", "safetensors")


def test_a_file_cut_off_at_any_length_is_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    save_arrays(path, ARRAYS, HEADER)
    content = path.read_bytes()
    for length in [*range(0, 20), *range(20, len(content), 41), len(content) - 1]:
        path.write_bytes(content[:length])
        refused(path, "damaged or no safetensors file")


def test_foreign_files_are_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({"a": np.zeros(3)}, path)
    refused(path, "was not written by avatarlib")
    save_file({"a": np.zeros(3)}, path, metadata={"format": "pt"})
    refused(path, "was not written by avatarlib")
    path.write_text("hello, hello, hello")
    refused(path, "damaged or no safetensors file")


def test_foreign_numbers_that_numpy_does_not_know_are_refused(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save_tensors

    path = tmp_path / "a.safetensors"
    save_tensors({"a": torch.zeros(3, dtype=torch.bfloat16)}, path)
    refused(path, "was not written by avatarlib")


@pytest.mark.parametrize("kind, known", [("bfloat16", "BF16"), ("float8_e4m3fn", "F8_E4M3")])
def test_numbers_that_numpy_does_not_have_are_named_even_if_another_package_knows_them(
    tmp_path, kind, known
):
    torch = pytest.importorskip("torch")
    pytest.importorskip("ml_dtypes")  # TensorFlow brings it; np.dtype("bfloat16") works from here
    from safetensors.torch import save_file as save_tensors

    path = tmp_path / "a.safetensors"
    numbers = torch.zeros(3).to(getattr(torch, kind))
    save_tensors({"w": numbers}, path, metadata={"avatarlib": "{}", "sha256": ""})
    refused(path, f"holds 'w' as {known}, which NumPy does not have", "Save it as float32")


def test_other_files_are_called_what_they_are(tmp_path, planted):
    planted.save(tmp_path / "a.npz")
    refused(tmp_path / "a.npz", "is an npz file, not a network")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 100)
    refused(tmp_path / "a.png", "is a PNG picture, not a network")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a/face.png", b"x")
    refused(tmp_path / "a.zip", "is a zip file, not a network")


def test_an_older_checkpoint_that_cannot_be_removed_stops_nothing(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "somebody has it open")

    monkeypatch.setattr("pathlib.Path.unlink", refuse)
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, {"a": np.zeros(1)}, {"steps": step})
    assert load_checkpoint(tmp_path)[1] == {"steps": 3} and len(checkpoints(tmp_path)) == 3


def test_missing_files_and_folders_are_named(tmp_path):
    refused(tmp_path / "missing.safetensors", "There is no file")
    refused(tmp_path, "Cannot read")


def test_a_file_that_may_not_be_read_is_named(locked_folder, as_ordinary_user):
    path = locked_folder / "a.safetensors"
    os.chmod(locked_folder, 0o755)
    save_arrays(path, ARRAYS, HEADER)
    path.chmod(0)
    assert as_ordinary_user(lambda: load_arrays(path)) == (
        f"InputError: Cannot read {path}: Permission denied."
    )


def test_a_full_disk_leaves_the_older_file_as_it_was(tmp_path, full_disk):
    path = tmp_path / "a.safetensors"
    save_arrays(path, {"a": np.zeros(1)}, {"steps": 1})
    full_disk()
    with pytest.raises(InputError, match="the disk is full"):
        save_arrays(path, ARRAYS, {"steps": 2})
    assert load_arrays(path)[1] == {"steps": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["a.safetensors"]
