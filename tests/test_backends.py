"""Which framework, how much to compute, and what was trained beforehand."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import avatarlib as al
from avatarlib import InputError
from avatarlib.core.about import how_to_install
from avatarlib.zoo import pretrained_file, pretrained_folder, read_network

ROOT = Path(al.__file__).parents[1]


def run(code, **variables):
    """What a fresh Python prints."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | variables
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    return done.stdout.strip() or done.stderr


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in ("AVATARLIB_BACKEND", "AVATARLIB_TIER"):
        monkeypatch.delenv(name, raising=False)


def test_the_backend_is_chosen_by_argument_then_variable_then_torch(monkeypatch):
    assert al.backend().name == "torch"
    assert al.backend("tensorflow").name == "tensorflow"
    monkeypatch.setenv("AVATARLIB_BACKEND", "tensorflow")
    assert al.backend().name == "tensorflow"
    assert al.backend("torch").name == "torch"


def test_an_unknown_backend_is_named(monkeypatch):
    with pytest.raises(InputError, match="not 'jax'"):
        al.backend("jax")
    monkeypatch.setenv("AVATARLIB_BACKEND", "Torch")
    with pytest.raises(InputError, match="not 'Torch'"):
        al.backend()


WITHOUT = """
import importlib.abc, sys

class NotInstalled(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] == {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, NotInstalled())
import avatarlib
try:
    print(avatarlib.backend({name!r}).name)
except avatarlib.InputError as error:
    print(error)
"""


@pytest.mark.parametrize(
    "name, hidden", [("torch", "torch"), ("tensorflow", "tensorflow"), ("tensorflow", "keras")]
)
def test_a_framework_that_is_not_installed_is_named_with_its_command(name, hidden):
    assert run(WITHOUT.format(hidden=hidden, name=name)) == (
        f"{name} is not installed here. Install it with: {how_to_install(name)}"
    )


def test_a_fault_inside_a_framework_is_not_taken_for_its_absence():
    message = run(WITHOUT.format(hidden="typing_extensions", name="torch"))
    assert "ModuleNotFoundError: No module named 'typing_extensions'" in message


def test_the_tier_is_the_variable_or_what_the_machine_has(monkeypatch):
    for has_gpu, tier in ((False, "page"), (True, "full")):
        monkeypatch.setattr(al.backend("torch"), "has_gpu", lambda has_gpu=has_gpu: has_gpu)
        assert al.tier() == tier
    for tier in ("check", "page", "full"):
        monkeypatch.setenv("AVATARLIB_TIER", tier)
        assert al.tier() == tier
        assert al.steps(check=1, page=20, full=300) == {"check": 1, "page": 20, "full": 300}[tier]


@pytest.mark.parametrize("name", ["torch", "tensorflow"])
def test_the_device_is_the_argument_the_variable_or_what_the_machine_has(name, monkeypatch):
    twin, spec = al.backend(name), al.presets.points()
    processor = twin.find_device("cpu")
    monkeypatch.setenv("AVATARLIB_DEVICE", "cpu")
    assert twin.find_device() == processor == twin.GAN(spec).device
    monkeypatch.setenv("AVATARLIB_DEVICE", "gpu:7")
    with pytest.raises(InputError, match=r"sees \d graphics cards here, and number 7 \(from 0\)"):
        twin.GAN(spec)
    assert twin.GAN(spec, device="cpu").device == processor  # the argument wins
    for odd in ("cuda", "gpu:", "cpu:1", "gpu:-1", "GPU", 0.5):
        with pytest.raises(InputError, match='A device is "cpu", "gpu" or "gpu:1"'):
            twin.find_device(odd)


def test_an_unknown_tier_is_named(monkeypatch):
    monkeypatch.setenv("AVATARLIB_TIER", "quick")
    with pytest.raises(InputError, match="check, page, full, not 'quick'"):
        al.tier()


def test_an_unknown_pretrained_network_names_the_known_ones():
    for call in (al.pretrained, al.pretrained_record):
        with pytest.raises(InputError, match="no pretrained network '../grey-28'"):
            call("../grey-28")


@pytest.mark.parametrize("name", al.pretrained_names())
def test_a_pretrained_network_draws_the_same_in_both_frameworks(name):
    pictures = [al.sample(name, 16, backend=framework) for framework in ("torch", "tensorflow")]
    assert np.abs(pictures[0].astype(int) - pictures[1]).max() <= 1  # a rounding
    assert pictures[0].std(axis=0).mean() > 13  # avatars that differ from each other


@pytest.mark.parametrize("name", al.pretrained_names())
def test_a_pretrained_network_says_how_it_came_about(name):
    card, history = al.pretrained_record(name)
    assert {"data", "seed", "licence", "credit", "minutes"} <= card.keys()
    if not history:
        assert card["held_out"]["distance"] < 100 and len(card["first_losses"]) == 20
        return
    assert history["losses"].shape == (card["epochs"], 2) and np.isfinite(history["losses"]).all()
    assert history["samples"].shape[0] == len(history["epochs"])
    assert history["samples"].dtype == np.uint8


def test_the_network_on_demand_knows_how_often_each_word_occurs():
    """The kit of parts gives half of its avatars no accessory; all else is equally likely."""
    name = "big-smile-32-on-demand"
    network, header = read_network(pretrained_file(name, ".safetensors"), "torch")
    expected = []
    for attribute, values in network.spec.conditions:
        usual = 1 / 16 if attribute == "accessories" else 1 / len(values)
        expected += [0.5 if value == "none" else usual for value in values]
    assert header["shares"] == al.pretrained_record(name)[0]["shares"]
    # Of 40,000 avatars: the largest standard error is 0.0025, and there are 54 words.
    assert header["shares"] == pytest.approx(expected, abs=5 * 0.0025)


def test_the_first_page_says_how_large_the_network_of_its_wall_is():
    spec = al.pretrained("big-smile-32-on-demand", backend="torch").spec
    row = next(line for line in al.show.summary(spec).splitlines() if "together" in line)
    learned = int(row.split()[1].replace(",", ""))
    text = (ROOT / "book" / "index.md").read_text(encoding="utf-8")
    assert f"{round(learned, -4):,} weights" in text
    assert "sixty-four random numbers\nand six wishes" in text
    assert (spec.latent, len(spec.conditions)) == (64, 6)


def test_the_published_network_is_one_of_those_kept_along_its_run():
    card, _ = al.pretrained_record("big-smile-32")
    kept = dict(al.through_training("big-smile-32"))
    assert list(kept) == sorted(kept) and len(kept) == 6
    z = al.noise(0, "latent", 0, (4, 64))
    draw = al.backend().generate
    published = draw(al.pretrained("big-smile-32"), z)
    apart = {steps: abs(draw(one, z) - published).mean() for steps, one in kept.items()}
    assert min(apart, key=apart.get) == card["steps"]
    assert apart[card["steps"]] < 0.01 < min(apart[n] for n in kept if n != card["steps"])


def test_the_article_s_network_was_kept_at_six_moments_of_its_half_hour():
    timed, _ = al.measured("time-to-quality")
    (pictures,) = {
        row["pictures"]
        for row in timed["rows"]
        if (row["name"], row["minutes"]) == ("article-32", 30)
    }
    kept = al.through_training("article-32")
    steps = [moment for moment, _ in kept]
    assert steps[-1] * 32 == pictures
    minutes = np.array([1, 2, 5, 10, 20, 30])
    assert np.allclose(np.array(steps) / steps[-1], minutes / 30, atol=0.05)
    z = al.noise(0, "latent", 0, (8, 100))
    draws = [al.backend().generate(generator, z) for _, generator in kept]
    assert all(drawn.shape == (8, 32, 32, 3) for drawn in draws)
    moved = [abs(a - b).mean() for a, b in zip(draws, draws[1:], strict=False)]
    assert min(moved) > 0.01  # six generators, not one six times


def test_what_is_kept_through_training_stays_below_ten_megabytes():
    folder = pretrained_folder() / "through-training"
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 10e6


def test_an_unknown_run_names_those_that_were_kept():
    with pytest.raises(InputError, match="'grey-28'; there are: article-32, big-smile-32"):
        al.through_training("grey-28")


# ------------------------------------------------------------- both frameworks in one process

HAS_TRITON = importlib.util.find_spec("triton") is not None  # builds of PyTorch for GPUs have it
TRAIN = """
gan = avatarlib.backend("{name}").GAN(avatarlib.presets.points())
gan.step(np.zeros((4, 2), np.float32), avatarlib.noise(0, "latent", 0, (4, 2)))
"""
BOTH_WAYS = [("torch", "tensorflow"), ("tensorflow", "torch")]


@pytest.mark.parametrize("names", BOTH_WAYS)
def test_one_framework_trains_after_the_other(names):
    """With triton and TensorFlow in the wrong order, the process would end with a SIGSEGV."""
    steps = "".join(TRAIN.format(name=name) for name in names)
    assert run(f"import numpy as np, avatarlib{steps}print('alive')") == "alive"


@pytest.mark.skipif(not HAS_TRITON, reason="this PyTorch has no compiler")
def test_whoever_imports_tensorflow_first_is_warned():
    script = (
        "import warnings, tensorflow, avatarlib\n"
        "with warnings.catch_warnings(record=True) as told:\n"
        "    warnings.simplefilter('always')\n"
        "    avatarlib.backend('torch')\n"
        "print([str(w.message) for w in told if 'triton' in str(w.message)][0])"
    )
    assert "begin with `from avatarlib.backends import triton_first`" in run(script)


# What the real triton does after TensorFlow; PyTorch's builds for CPUs bring none at all.
STAND_IN = "import os, sys\nif 'tensorflow' in sys.modules:\n    os._exit(139)\n"
ALIVE = "\nimport tensorflow, triton\nprint('alive')"


def with_triton(folder, script, then=ALIVE):
    """What a fresh Python prints in which `triton` is the stand-in."""
    (folder / "triton.py").write_text(STAND_IN)
    return run(f"import sys; sys.path.insert(0, {str(folder)!r})\n{script}{then}")


def test_tensorflow_imported_by_its_own_name_still_trains(tmp_path):
    step = TRAIN.format(name="tensorflow") + "print('alive')"
    assert with_triton(tmp_path, "import numpy as np, tensorflow, avatarlib", step) == "alive"


@pytest.mark.parametrize("name", ["torch", "tensorflow"])
def test_whichever_twin_comes_first_brings_triton_before_tensorflow(tmp_path, name):
    assert with_triton(tmp_path, f"import avatarlib; avatarlib.backend({name!r})") == "alive"


def test_the_tests_themselves_bring_triton_before_tensorflow(tmp_path):
    tests = str(Path(__file__).parent)
    assert with_triton(tmp_path, f"sys.path.append({tests!r}); import conftest") == "alive"


def test_the_stand_in_ends_a_process_that_is_in_the_wrong_order(tmp_path):
    assert with_triton(tmp_path, "import tensorflow") != "alive"


def test_a_build_s_own_version_is_told():
    """PyPI's file is called 2.13.0, the build in it 2.13.0+cu130."""
    other = "import torch\ntorch.__version__ = torch.torch_version.TorchVersion('9.9.0+cu130')\n"
    told = "import avatarlib; print(avatarlib.backend('torch').GAN.framework_version)"
    assert run(other + told) == "9.9.0+cu130"


def test_tensorflow_tells_only_errors_unless_somebody_wants_more(monkeypatch):
    told = "import os, avatarlib; avatarlib.backend('tensorflow')\n"
    told += "print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    assert run(told) == "3"
    assert run(told, TF_CPP_MIN_LOG_LEVEL="0") == "0"
