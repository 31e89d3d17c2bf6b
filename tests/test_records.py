"""What long benchmarks measured: written by one function, read by another."""

import keeping
import numpy as np
import pytest

import avatarlib as al
from avatarlib.core.errors import InputError
from avatarlib.zoo import records

ROWS = [{"name": "one", "distance": 1.5, "rarest": ["hair", "mohawk", 0.25]}, {"name": "two"}]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty place for records."""
    (tmp_path / "measured").mkdir()
    for module in (keeping, records):
        monkeypatch.setattr(module, "pretrained_folder", lambda: tmp_path)
    return tmp_path / "measured"


def test_a_record_comes_back_as_it_was_written(folder):
    drawings = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 8, 3), dtype=np.uint8)
    keeping.keep_measured("run", "python run.py", ROWS, drawings=drawings)
    record, pictures = al.measured("run")
    assert record["rows"] == ROWS and record["command"] == "python run.py"
    assert record["versions"]["numpy"] == np.__version__
    assert (pictures["drawings"] == drawings).all() and pictures["drawings"].dtype == np.uint8


def test_a_record_without_pictures_has_none(folder):
    keeping.keep_measured("plain", "python plain.py", ROWS)
    assert al.measured("plain")[1] == {}


def test_an_unknown_name_is_answered_with_the_known_ones(folder):
    keeping.keep_measured("plain", "python plain.py", ROWS)
    with pytest.raises(InputError, match="'fog'.*there is: plain"):
        al.measured("fog")
