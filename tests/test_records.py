"""What long benchmarks measured: written by one function, read by another."""

import json

import keeping
import numpy as np
import pytest
import train_grey_28

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


def test_grey_28_is_trained_and_published_by_one_command(tmp_path):
    """The article's network for one step; the pictures before it are those of the stored run."""
    data = train_grey_28.RECIPE["data"] | {"count": 64}
    recipe = train_grey_28.RECIPE | {"data": data, "epochs": 1}
    train_grey_28.main(recipe, tmp_path / "run", tmp_path)
    stored, history = al.pretrained_record("grey-28")
    with np.load(tmp_path / "grey-28-history.npz") as made:
        assert made["losses"].shape == (1, 2) and made["epochs"].tolist() == [0, 1]
        assert abs(made["samples"][0].astype(int) - history["samples"][0]).max() <= 1
        assert (made["samples"][1] != made["samples"][0]).any()
    card = json.loads((tmp_path / "grey-28.json").read_text(encoding="utf-8"))
    assert card.keys() == stored.keys() and card["epochs"] == 1
    network = al.load_network(tmp_path / "grey-28.safetensors", "torch")
    one = al.to_uint8(al.backend("torch").generate(network, al.noise(7, "latent", 0, (16, 100))))
    with np.load(tmp_path / "grey-28-history.npz") as made:
        assert abs(one.astype(int) - made["samples"][1]).max() <= 2  # in half precision
