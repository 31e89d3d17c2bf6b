"""A run: what it leaves, how it goes on after a stop, and what it says when something is wrong."""

import contextlib
import dataclasses
import errno
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import kills
import numpy as np
import pytest

import avatarlib as al
from avatarlib import InputError
from avatarlib.core import files
from avatarlib.core.arrays import load_arrays, save_arrays
from avatarlib.core.lock import lock_folder
from avatarlib.training.batches import Batches
from avatarlib.training.callbacks import HealthWarnings, KeepGenerators
from avatarlib.training.checkpoint import checkpoints, load_checkpoint, sampling_weights
from avatarlib.training.health import WINDOW, Health, standard_deviation
from avatarlib.training.loop import Budget, Loop, describe
from avatarlib.training.losses import LOSSES, StepStatistics, discriminator_statistics
from avatarlib.training.stopwatch import Stopwatch

torch = pytest.importorskip("torch")
pytest.importorskip("tensorflow")
torch.set_num_threads(1)

BACKENDS = ("torch", "tensorflow")
POINTS = al.presets.points()


def with_game(spec, **settings):
    return dataclasses.replace(spec, config=dataclasses.replace(spec.config, **settings))


def ring(n=512):
    angle = np.random.default_rng(0).integers(0, 8, n) * np.pi / 4
    return np.column_stack([np.cos(angle), np.sin(angle)]).astype(np.float32)


def loop(out, steps, backend="torch", spec=POINTS, data=None, dtype="float32", seed=0, **settings):
    gan = al.backend(backend).GAN(spec, seed, dtype)
    data = ring() if data is None else data
    budget = steps if isinstance(steps, Budget) else Budget(steps)
    return Loop(gan, data, budget, out, [HealthWarnings()], **settings)


class Stopped(Budget):
    """A budget whose run is stopped before its end, as if from outside."""

    def __init__(self, steps, after):
        super().__init__(steps)
        self.after = after

    def progress(self, steps, seconds):
        return super().progress(steps, seconds) if steps < self.after else 1.0


def bits(gan):
    return {name: array.tobytes() for name, array in gan.state().items()}


# --------------------------------------------------------------------------- what a run leaves


def test_a_run_leaves_history_samples_and_two_checkpoints(tmp_path):
    run = loop(tmp_path, 25, sample_every=10, save_every=0)(progress=False)
    assert run.gan.steps == 25 and run.seconds > 0
    assert [step for step, _ in run.samples] == [0, 10, 20, 25]
    lines = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert lines == run.history and [row["step"] for row in lines] == list(range(1, 26))
    assert run.column("loss_d").shape == (25,) and (run.column("D(x)") > 0).all()
    names = [path.name for path in checkpoints(tmp_path)]
    assert names == ["checkpoint-00000024.safetensors", "checkpoint-00000025.safetensors"]
    assert sorted(os.listdir(tmp_path)) == [".lock", *names, "history.jsonl"]


def test_the_header_says_what_the_run_is(tmp_path):
    run = loop(tmp_path, 3, recipe={"style": "ring"}, seed=4)(progress=False)
    _, header = load_arrays(checkpoints(tmp_path)[-1])
    assert header["steps"] == 3 and header["seed"] == 4 and header["recipe"] == {"style": "ring"}
    assert header["versions"]["torch"] == torch.__version__
    assert header["spec"] == run.gan.spec.to_json() and header["budget"]["steps"] == 3


def test_the_history_holds_what_the_steps_reported(tmp_path):
    run = loop(None, 3)(progress=False)
    again = al.backend("torch").GAN(POINTS, 0)
    feed = Batches(POINTS, ring(), 0)
    for step in range(3):
        real, _ = feed(step)
        report = again.step(real, al.noise(0, "latent", step, (128, 2)), progress=step / 3)
        assert run.history[step]["loss_d"] == report.loss_d
        assert run.history[step]["D(x)"] == pytest.approx(
            (1 / (1 + np.exp(-report.real_logits.astype(float)))).mean()
        )


def test_generators_are_kept_at_their_shares_also_over_a_stop(tmp_path):
    """Eight steps, kept at a quarter and at the end; the run is stopped in between and goes on."""
    first = Loop(new_points(), ring(), Budget(4), tmp_path, [KeepGenerators((0.5, 2))])
    first(progress=False)
    run = Loop(new_points(), ring(), Budget(8), tmp_path, [KeepGenerators((0.25, 1))])(False)
    kept = sorted(path.name for path in tmp_path.glob("generator-*"))
    assert kept == ["generator-00000002.safetensors", "generator-00000008.safetensors"]
    arrays, header = load_arrays(tmp_path / kept[-1])
    assert header["steps"] == 8
    for name, array in sampling_weights(run.gan.state(), POINTS).items():
        assert array.tobytes() == arrays[name].tobytes(), name
    z = al.noise(0, "latent", 0, (4, 2))
    drawn = al.backend("torch").generate(al.load_network(tmp_path / kept[-1], "torch"), z)
    np.testing.assert_array_equal(drawn, run.gan.generate(z))


def test_what_no_network_can_learn_from_gets_a_sentence_before_anything_looks_at_it():
    for odd in (5, "avatars", np.array(["a"])):
        with pytest.raises(InputError, match="learns from floats"):
            al.train(POINTS, odd, steps=1, progress=False)


def test_a_checkpoint_without_a_weight_names_it(tmp_path):
    gan = new_points()
    state = gan.state()
    del state["generator/out/kernel"]
    save_arrays(tmp_path / "a.safetensors", state, {"spec": POINTS.to_json()})
    with pytest.raises(InputError, match="another network; they differ in out/kernel"):
        al.load_network(tmp_path / "a.safetensors")


def new_points():
    return al.backend("torch").GAN(POINTS, 0)


def test_a_budget_of_minutes_ends_in_time_and_the_rates_follow_the_clock():
    gan = al.backend("torch").GAN(with_game(POINTS, final_lr_fraction=0.0), 0)
    seen = []
    enqueue = gan.enqueue
    gan.enqueue = lambda *inputs: (seen.append(inputs[-1]), enqueue(*inputs))[1]
    run = Loop(gan, ring(), Budget(minutes=1 / 60))(progress=False)
    assert run.seconds >= 1.0 and run.gan.steps > 1
    assert seen == sorted(seen) and seen[0] == 0 and 0 < seen[-1] < 1
    assert run.seconds < 10


@pytest.mark.parametrize(
    "steps, minutes, words",
    [
        (None, None, "a number of steps, or of minutes, and not both"),
        (5, 5, "a number of steps, or of minutes, and not both"),
        (0, None, "steps is a whole number of at least 1, not 0"),
        (2.5, None, "steps is a whole number of at least 1, not 2.5"),
        (None, -1, "minutes is a number above 0, not -1"),
    ],
)
def test_a_budget_is_steps_or_minutes(steps, minutes, words):
    with pytest.raises(InputError, match=words):
        Budget(steps, minutes)


def test_numpys_numbers_are_numbers_in_a_run(tmp_path):
    settings = {"seed": np.int64(3), "recipe": {"rate": np.float32(0.5), "sizes": np.arange(2)}}
    run = loop(tmp_path / "a", Budget(np.int64(2)), **settings)(progress=False)
    _, header = load_arrays(checkpoints(tmp_path / "a")[-1])
    assert header["recipe"] == {"rate": 0.5, "sizes": [0, 1]} and header["budget"]["steps"] == 2
    assert run.gan.seed == 3 and header["seed"] == 3
    loop(tmp_path / "b", Budget(minutes=np.float32(1e-4)))(progress=False)


def test_a_recipe_that_json_cannot_hold_is_told_before_the_first_step(tmp_path):
    with pytest.raises(InputError, match="The recipe is plain data.*Path"):
        loop(tmp_path, 5, recipe={"data": Path("x")})


def test_a_run_that_was_stopped_for_a_while_does_not_count_the_pause():
    """By clocks of our own: three laps of 4 s at work, one of 30 s asleep, one of 30 s at work."""
    watch = Stopwatch(clock=iter((100, 104, 108, 138, 168, 172)).__next__,
                      work=iter((0, 4, 8, 8, 38, 42)).__next__)  # fmt: skip
    assert [watch.lap() for _ in range(5)] == [4, 4, 0, 30, 4] and watch.asleep == 30


def test_a_process_that_slept_goes_on_for_the_rest_of_its_budget():
    """SIGSTOP is what a closed laptop does to a process."""
    child = subprocess.Popen(
        [sys.executable, "-c", SLEEPER], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.5)
    os.kill(child.pid, signal.SIGSTOP)
    time.sleep(11)
    os.kill(child.pid, signal.SIGCONT)
    seconds, asleep = map(float, child.communicate(timeout=120)[0].split())
    assert 10 < asleep < 60 and 3 <= seconds < 3 + 10


SLEEPER = """
import numpy as np, avatarlib as al
from avatarlib.training.loop import Budget, Loop
points = np.random.default_rng(0).normal(size=(512, 2)).astype(np.float32)
loop = Loop(al.backend("torch").GAN(al.presets.points(), 0), points, Budget(minutes=0.05))
print("ready", flush=True)
run = loop(progress=False)
print(run.seconds, loop.stopwatch.asleep)
"""


def test_of_two_runs_in_one_folder_the_second_gets_a_sentence(tmp_path):
    first = loop(tmp_path, 3)
    with pytest.raises(InputError, match="Another run is writing into .* choose another folder"):
        loop(tmp_path, 3)
    first(progress=False)
    assert loop(tmp_path, 5)(progress=False).gan.steps == 5


def test_a_history_with_doubled_rows_is_read_without_them(tmp_path):
    loop(tmp_path, 4)(progress=False)
    history = tmp_path / "history.jsonl"
    lines = history.read_text().splitlines(keepends=True)
    history.write_text("".join([*lines[:3], *lines[1:]]))
    assert [row["step"] for row in loop(tmp_path, 6).run.history] == [1, 2, 3, 4]


def test_the_bar_tells_what_the_discriminator_says(capsys):
    loop(None, 3)(progress=True)
    shown = capsys.readouterr().err
    assert "pictures/s" in shown and "D(x) " in shown and "(chance level 0.50)" in shown


def test_describe_names_the_chance_level():
    logits = np.array([2.0, 0.0]), np.array([0.0, -1.0])
    report = StepStatistics(0, 0, 0, 0, 0, *logits)
    assert describe("hinge", report) == "r 1.00, f -0.50 (chance level 0.00)"
    for loss in LOSSES:
        _, chance = discriminator_statistics(loss, *logits)
        assert describe(loss, report).endswith(f"(chance level {chance:.2f})")


# ------------------------------------------------------------------------------------ going on


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "spec", [POINTS, with_game(al.presets.small(28, 1), batch=8)], ids=["p", "s"]
)
def test_a_run_in_two_parts_is_the_run_in_one_bit_for_bit(tmp_path, backend, spec, small):
    data = ring() if spec is POINTS else small.grey()[:50]
    whole = loop(tmp_path / "whole", 9, backend, spec, data)(progress=False)
    first = loop(tmp_path / "parts", Stopped(9, after=4), backend, spec, data)
    first(progress=False)
    assert first.gan.steps == 4
    again = loop(tmp_path / "parts", 9, backend, spec, data)(progress=False)
    assert bits(again.gan) == bits(whole.gan)
    assert again.history == whole.history


@pytest.mark.parametrize(
    "backend, stop", [("torch", signal.SIGTERM), ("tensorflow", signal.SIGINT)]
)
def test_a_run_killed_in_and_out_of_writing_ends_the_same(backend, stop):
    """The short form of `verify/kills.py`, whose fifty kills `make verify` repeats."""
    counts, differing = kills.compare(backend, 400, 2, [stop])
    assert not differing
    assert counts["SIGKILL"] >= 1


def test_a_run_goes_on_in_the_other_framework(tmp_path):
    spec = with_game(al.presets.small(28, 1), batch=4)
    data = np.random.default_rng(0).integers(0, 256, (40, 28, 28, 1), dtype=np.uint8)
    whole = loop(None, 20, "torch", spec, data, "float64")(progress=False)
    for one, other in (BACKENDS, BACKENDS[::-1]):
        first = loop(tmp_path / one, Stopped(20, after=10), one, spec, data, "float64")
        first(progress=False)
        changed = loop(tmp_path / one, 20, other, spec, data, "float64")(progress=False)
        assert changed.gan.steps == 20
        for name in ("loss_d", "loss_g", "r1", "r2"):
            np.testing.assert_allclose(changed.column(name), whole.column(name), rtol=0, atol=1e-8)
        for name, array in whole.gan.state().items():
            np.testing.assert_allclose(changed.gan.state()[name], array, rtol=0, atol=1e-8)


def test_rows_behind_the_checkpoint_and_a_torn_line_are_cut(tmp_path):
    loop(tmp_path, 6)(progress=False)
    history = tmp_path / "history.jsonl"
    with open(history, "a") as file:
        file.write(json.dumps({"step": 7, "loss_d": 0.0}) + '\n{"step": 8, "lo')
    assert [row["step"] for row in loop(tmp_path, 9).run.history] == list(range(1, 7))
    assert len(history.read_text().splitlines()) == 6


def test_a_checkpoint_of_a_newer_version_names_both_versions(tmp_path):
    loop(tmp_path, 4)(progress=False)
    path = checkpoints(tmp_path)[-1]
    arrays, header = load_arrays(path)
    newer = json.loads(header["spec"])
    newer["config"]["momentum_of_the_future"] = 0.5
    header |= {"spec": json.dumps(newer), "versions": {"avatarlib": "9.1.0"}}
    save_arrays(path, arrays, header)
    sentence = f"written by avatarlib 9.1.0, and this is avatarlib {al.__version__}"
    for act in (lambda: loop(tmp_path, 8), lambda: al.load_network(path, "torch")):
        with pytest.raises(InputError, match=sentence):
            act()
    save_arrays(path, arrays, header | {"versions": {"avatarlib": al.__version__}})
    with pytest.raises(InputError, match="not the JSON of a spec"):
        loop(tmp_path, 8)


def test_a_finished_run_is_not_written_again(tmp_path):
    loop(tmp_path, 4)(progress=False)
    before = {path: path.stat().st_mtime_ns for path in checkpoints(tmp_path)}
    run = loop(tmp_path, 4)(progress=False)
    assert run.gan.steps == 4
    assert {path: path.stat().st_mtime_ns for path in checkpoints(tmp_path)} == before


def test_unfinished_files_of_a_killed_process_are_swept(tmp_path):
    (tmp_path / ".checkpoint-00000001.safetensors.99.partial").write_bytes(b"x")
    loop(tmp_path, 2)(progress=False)
    assert [path.name for path in tmp_path.glob(".*")] == [".lock"]


def test_interrupting_a_notebook_saves_and_stops(tmp_path, capsys):
    class Interrupted(Loop):
        def step(self, progress):
            if self.gan.steps == 5:
                signal.raise_signal(signal.SIGINT)
            return super().step(progress)

    training = Interrupted(new_points(), ring(), Budget(10**6), tmp_path)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    with pytest.raises(KeyboardInterrupt):
        training(progress=False)
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler
    assert load_checkpoint(tmp_path)[1]["steps"] == 6  # the step was finished first
    assert "Stopped and saved after step 6" in capsys.readouterr().out


def test_outside_the_main_thread_training_works_without_signals():
    found = []
    thread = threading.Thread(target=lambda: found.append(loop(None, 2)(progress=False)))
    thread.start()
    thread.join()
    assert found[0].gan.steps == 2


# ------------------------------------------------------------------------------ damaged or foreign


def damage(path, how):
    content = bytearray(path.read_bytes())
    if how == "cut off":
        content = content[: len(content) // 2]
    elif how == "a bit turned":
        content[-5] ^= 1
    else:
        content = pickle.dumps({"a": 1})
    path.write_bytes(content)


@pytest.mark.parametrize("how", ["cut off", "a bit turned", "a pickle"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path, how, capsys):
    whole = loop(None, 8)(progress=False)
    loop(tmp_path, 8, save_every=0)(progress=False)
    newest = checkpoints(tmp_path)[-1]
    damage(newest, how)
    training = loop(tmp_path, 8)
    said = capsys.readouterr().out
    assert training.gan.steps == 7 and str(newest) in said
    assert "Going on from the checkpoint before it" in said
    assert bits(training(progress=False).gan) == bits(whole.gan)


def test_two_damaged_checkpoints_are_not_silently_begun_anew(tmp_path):
    loop(tmp_path, 8, save_every=0)(progress=False)
    for path in checkpoints(tmp_path):
        damage(path, "cut off")
    with pytest.raises(InputError, match="No checkpoint in .* is usable.*another folder"):
        loop(tmp_path, 8)


def test_a_checkpoint_with_values_that_are_not_numbers_falls_back(tmp_path):
    loop(tmp_path, 8, save_every=0)(progress=False)
    newest = checkpoints(tmp_path)[-1]
    arrays, header = load_arrays(newest)
    arrays["generator/out/bias"][0] = np.nan
    save_arrays(newest, arrays, header)
    arrays, header, notes = load_checkpoint(tmp_path)
    assert header["steps"] == 7 and "generator/out/bias are not numbers" in notes[0]


@pytest.mark.parametrize(
    "change, word",
    [
        ({"spec": with_game(POINTS, loss="hinge")}, "loss: 'non-saturating', not 'hinge'"),
        ({"spec": al.presets.points(hidden=16)}, "generator"),
        ({"seed": 1}, "seed: 0, not 1"),
        ({"data": ring()[:300]}, "data: "),
        ({"dtype": "float64"}, "dtype: 'float32', not 'float64'"),
    ],
)
def test_a_folder_with_another_run_is_refused(tmp_path, change, word):
    loop(tmp_path, 3)(progress=False)
    before = bits_of_folder(tmp_path)
    with pytest.raises(InputError, match="is another one") as caught:
        loop(tmp_path, 3, **change)
    assert word in str(caught.value) and "another folder" in str(caught.value)
    assert bits_of_folder(tmp_path) == before


def bits_of_folder(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_full_disk_stops_with_a_sentence_and_keeps_the_last_checkpoint(tmp_path, monkeypatch):
    loop(tmp_path, 4)(progress=False)
    before = [path.read_bytes() for path in checkpoints(tmp_path)]
    training = loop(tmp_path, 8)

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="the disk is full"):
        training(progress=False)
    monkeypatch.undo()
    assert [path.read_bytes() for path in checkpoints(tmp_path)] == before
    assert loop(tmp_path, 8)(progress=False).history == loop(None, 8)(progress=False).history


def test_a_disk_that_fills_up_between_two_saves_loses_nothing_of_before(tmp_path, full_disk):
    """The history goes to the disk first, and is whole or as it was."""
    training = loop(tmp_path, 8, save_every=0)
    step = training.step

    def and_then_it_is_full(progress):
        if training.gan.steps == 5:
            full_disk()
        return step(progress)

    training.step = and_then_it_is_full
    with pytest.raises(InputError, match="the disk is full. Nothing was written; make room"):
        training(progress=False)
    assert load_checkpoint(tmp_path)[1]["steps"] == 5


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_history_that_cannot_be_written_gets_a_sentence(tmp_path, monkeypatch, number):
    training = loop(tmp_path, 2)

    def refuse(path, mode, **settings):
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr(files, "open", refuse, raising=False)
    with pytest.raises(InputError, match="Cannot write .*history.jsonl: the disk"):
        training(progress=False)


def test_a_history_on_another_disk_stays_there(tmp_path):
    (tmp_path / "large").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "history.jsonl").symlink_to(tmp_path / "large" / "history.jsonl")
    loop(tmp_path / "run", 3)(progress=False)
    assert (tmp_path / "run" / "history.jsonl").is_symlink()
    assert len((tmp_path / "large" / "history.jsonl").read_text().splitlines()) == 3


def test_a_terminal_that_goes_away_stops_no_run(tmp_path, monkeypatch):
    reader, writer = os.pipe()
    stream = open(writer, "w", buffering=1)
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr("sys.stdout", None)
    training = loop(tmp_path, 30)
    step = training.step

    def and_then_it_is_gone(progress):
        if training.gan.steps == 5:
            os.close(reader)
        training.warn("Nobody hears this.")
        return step(progress)

    training.step = and_then_it_is_gone
    run = training()
    assert run.gan.steps == 30 and load_checkpoint(tmp_path)[1]["steps"] == 30
    assert len(run.warnings) >= 30
    with pytest.raises(BrokenPipeError):  # which shows that it was gone
        stream.write("x\n")
    with contextlib.suppress(BrokenPipeError):
        stream.close()


def test_a_run_s_folder_that_is_locked_for_writing_gets_a_sentence(locked_folder, as_ordinary_user):
    said = as_ordinary_user(lambda: lock_folder(locked_folder))
    assert said == (
        f"InputError: Cannot write {locked_folder}/.lock: no permission for {locked_folder}. "
        "Choose another folder."
    )


def test_a_folder_that_cannot_be_made_gets_a_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="Cannot make the folder"):
        loop(tmp_path / "file" / "run", 2)


# ------------------------------------------------------------------------------------ odd data


def test_data_of_another_size_get_a_sentence(small):
    with pytest.raises(InputError, match="28 x 28 x 3, but the network 'small' draws 32 x 32 x 3"):
        Batches(al.presets.small(32), small, 0)


@pytest.mark.parametrize("n", [0, 1, 63])
def test_fewer_pictures_than_a_batch_get_a_sentence(small, n):
    with pytest.raises(InputError, match=f"A batch of 64 needs at least as many.*there are {n}"):
        Batches(al.presets.small(28), small.images[:n], 0)


def test_wrong_kinds_of_data_get_a_sentence(small):
    with pytest.raises(InputError, match="learns from uint8, 0 to 255, not float32"):
        Batches(al.presets.small(28), al.to_float(small.images), 0)
    with pytest.raises(InputError, match="learns from floats"):
        Batches(POINTS, np.zeros((200, 2), int), 0)
    with pytest.raises(InputError, match="not numbers"):
        Batches(POINTS, np.full((200, 2), np.nan), 0)
    spec = al.presets.small(28, conditions=(("hair_colour", ("red",)),))
    with pytest.raises(InputError, match="give it an AvatarSet"):
        Batches(spec, small.images, 0)


def test_an_epoch_shows_each_picture_once_and_the_next_in_another_order():
    data = np.column_stack([np.arange(300.0), np.zeros(300)])
    feed = Batches(with_game(POINTS, batch=100), data, 5)
    epochs = [np.concatenate([feed(3 * e + i)[0][:, 0] for i in range(3)]) for e in range(3)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(300))
    assert (epochs[0] != epochs[1]).mean() > 0.9 and (epochs[1] != epochs[2]).mean() > 0.9
    assert (feed(0)[0][:, 0] == epochs[0][:100]).all()  # going back needs nothing but the step
    assert (Batches(with_game(POINTS, batch=100), data, 6)(0)[0][:, 0] != epochs[0][:100]).any()


def test_conditions_travel_with_their_pictures(small):
    values = tuple(small.counts("hair_colour"))
    spec = with_game(al.presets.small(28, conditions=(("hair_colour", values),)), batch=8)
    real, condition = Batches(spec, small, 0)(2)
    codes = {
        image.tobytes(): label
        for image, label in zip(small.images, small.labels("hair_colour"), strict=True)
    }
    assert [values[i] for i in condition.argmax(1)] == [codes[image.tobytes()] for image in real]
    assert condition.shape == (8, len(values)) and (condition.sum(1) == 1).all()


def test_the_fingerprint_sees_one_changed_pixel_and_the_order(small):
    spec, images = al.presets.small(28), small.images
    changed = images.copy()
    changed[17, 3, 4, 1] ^= 1
    prints = {Batches(spec, data, 0).fingerprint for data in (images, changed, images[::-1])}
    assert len(prints) == 3
    assert Batches(spec, images.copy(), 9).fingerprint in prints


# -------------------------------------------------------------------------------------- health


def report(real=0.0, fake=0.0, loss=0.7):
    return StepStatistics(loss, loss, 0, 0, 0, np.full(4, real), np.full(4, fake))


def warnings_of(loss, reports):
    health = Health(with_game(POINTS, loss=loss), ring())
    return [health.after_step(i, one) for i, one in enumerate(reports)]


@pytest.mark.parametrize(
    "loss, sure, unsure",
    [
        ("non-saturating", (6, -6), (6, -4)),
        ("minimax", (6, -6), (4, -6)),
        ("relativistic", (6, 0), (4, 0)),
        ("hinge", (1.1, -1.1), (1.1, -0.9)),
    ],
)
def test_a_discriminator_that_wins_is_told_once_each_time(loss, sure, unsure):
    told = warnings_of(loss, [report(*sure)] * (WINDOW + 50))
    assert [i for i, sentence in enumerate(told) if sentence] == [WINDOW - 1]
    assert "The discriminator has won" in told[WINDOW - 1] and "Try" in told[WINDOW - 1]
    assert not any(warnings_of(loss, [report(*unsure)] * (WINDOW + 50)))
    twice = [report(*sure)] * WINDOW + [report(0, 0)] * WINDOW + [report(*sure)] * WINDOW
    assert sum(map(bool, warnings_of(loss, twice))) == 2


def test_a_large_wasserstein_gap_is_no_victory():
    assert not any(warnings_of("wasserstein", [report(50, -50)] * (WINDOW + 1)))


def test_a_loss_that_is_not_a_number_stops_the_run():
    for bad in (np.nan, np.inf):
        with pytest.raises(
            InputError, match=r"In step 17 the discriminator's loss is (nan|inf).*Try"
        ):
            Health(POINTS, ring()).after_step(17, report(loss=bad))


@pytest.mark.parametrize("backend", BACKENDS)
def test_nan_in_the_weights_stops_the_run_and_is_never_saved(tmp_path, backend):
    loop(tmp_path, 3, backend)(progress=False)
    training = loop(tmp_path, 9, backend)
    state = training.gan.state()
    state["discriminator/dense1/kernel"][0, 0] = np.nan
    training.gan.restore(state, 3)
    with pytest.raises(InputError, match="loss is nan"):
        training(progress=False)
    assert load_checkpoint(tmp_path)[1]["steps"] == 3
    with pytest.raises(InputError, match="Nothing was saved: values in .* are not numbers"):
        training.save()


def test_drawings_that_look_alike_are_told():
    data = np.random.default_rng(0).integers(0, 256, (100, 8, 8, 1), dtype=np.uint8)
    health = Health(al.presets.small(28, 1), data)
    alike = np.repeat(data[:1], 64, axis=0)
    assert health.after_samples(WINDOW - 1, alike) is None  # every run begins so
    said = health.after_samples(WINDOW, alike)
    assert "0%" in said and "mode collapse" in said
    assert health.after_samples(2 * WINDOW, alike) is None
    assert health.after_samples(3 * WINDOW, data[:64]) is None
    assert health.after_samples(4 * WINDOW, alike)


def test_spread_is_the_distance_from_the_mean():
    assert standard_deviation(np.array([[0, 0], [2, 0]])) == pytest.approx(np.sqrt(0.5))
    rng = np.random.default_rng(0)
    assert standard_deviation(rng.normal(3, 2, (20_000, 5))) == pytest.approx(2, rel=0.01)


def test_a_collapsed_run_warns_in_words(capsys):
    """A generator that does not hear its input: the drawings of all latents lie on one spot."""
    gan = al.backend("torch").GAN(with_game(POINTS, lr_g=1e-9), 0)
    state = gan.state()
    state["generator/out/kernel"][:] = 0
    gan.restore(state, 0)
    settings = {"callbacks": [HealthWarnings()], "sample_every": WINDOW}
    training = Loop(gan, 5 * ring(), Budget(WINDOW), **settings)
    run = training(progress=False)
    assert any("mode collapse" in sentence for sentence in run.warnings)
    assert "mode collapse" in capsys.readouterr().out


ROOT = Path(al.__file__).parents[1]


def python(script, *arguments, **settings):
    """A fresh Python that runs a script."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, **settings)


CLOCK = """
import sys, time
start = time.monotonic()
time.time = lambda: 1e9 - 2 * (time.monotonic() - start)  # somebody sets it back all the time
import numpy as np, avatarlib as al
from avatarlib.training.loop import Budget, Loop

class Counted(Loop):
    saves = 0

    def save(self):
        self.saves += 1
        super().save()

points = np.random.default_rng(0).normal(size=(512, 2)).astype(np.float32)
gan = al.backend("torch").GAN(al.presets.points(), 0)
loop = Counted(gan, points, Budget(minutes=0.05), sys.argv[1], save_every=0.5)
print(loop(progress=False).seconds, loop.saves)
"""


def test_a_clock_that_is_set_back_prolongs_no_run_and_keeps_nothing_from_being_saved(tmp_path):
    """The clock is another one before anything is imported, lest somebody kept the right one."""
    child = python(CLOCK, tmp_path)
    try:
        seconds, saves = map(float, child.communicate(timeout=60)[0].split())
    finally:
        child.kill()
    assert 3 <= seconds < 13 and 3 <= saves <= 7  # every half second, and at the end


ANOTHER = """
import sys
import numpy as np, avatarlib as al
points = np.random.default_rng(0).normal(size=(512, 2)).astype(np.float32)
try:
    al.train(al.presets.points(), points, steps=9, out=sys.argv[1], progress=False)
    print("it trained")
except al.InputError as error:
    print(error)
"""


def test_of_two_processes_in_one_folder_the_second_gets_a_sentence(tmp_path):
    """As when a scheduler starts a run again while the first one still trains."""
    first = loop(tmp_path, 4, save_every=0)
    before = bits_of_folder(tmp_path)
    said = python(ANOTHER, tmp_path).communicate(timeout=60)[0]
    assert said.startswith(f"Another run is writing into {tmp_path} at this moment.")
    assert bits_of_folder(tmp_path) == before
    assert first(progress=False).gan.steps == 4 and load_checkpoint(tmp_path)[1]["steps"] == 4
    assert python(ANOTHER, tmp_path).communicate(timeout=60)[0].startswith("The run in ")


def test_a_run_that_is_refused_gives_its_folder_back(tmp_path):
    """Notebooks keep the last error, and with it whatever it holds on to."""
    loop(tmp_path, 3)(progress=False)
    with pytest.raises(InputError, match="is another one") as kept:
        loop(tmp_path, 3, seed=1)
    assert loop(tmp_path, 5)(progress=False).gan.steps == 5
    assert kept.tb is not None


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"sample_every": 0}, "sample_every is a whole number of at least 1, not 0"),
        ({"sample_every": "500"}, "sample_every is a whole number of at least 1, not '500'"),
        ({"save_every": "60"}, "save_every is a number of at least 0, not '60'"),
    ],
)
def test_settings_of_another_type_are_told_before_the_first_step(tmp_path, settings, words):
    with pytest.raises(InputError, match=words):
        loop(tmp_path, 3, **settings)
    assert list(tmp_path.iterdir()) == []
