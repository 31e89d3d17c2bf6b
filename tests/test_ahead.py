"""Steps whose numbers are read later, as on a card: the same run, bit for bit."""

import threading

import numpy as np
import pytest
from test_loop import POINTS, bits, new_points, ring

import avatarlib as al
from avatarlib.core.errors import InputError
from avatarlib.core.nested import leaves, map_leaves
from avatarlib.training.ahead import STEPS, Ahead
from avatarlib.training.callbacks import HealthWarnings
from avatarlib.training.checkpoint import checkpoints, load_checkpoint
from avatarlib.training.loop import Budget, Loop


def behind(gan, steps=5):
    """The GAN as one whose numbers are read some steps later."""
    gan.runs_ahead = steps
    return gan


def history(run):
    return [tuple(row.values()) for row in run.history]


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_a_run_that_asks_ahead_is_the_same_run(backend):
    """Batches swapped between steps, rows named wrongly or lost would all show here."""
    runs = [
        Loop(make(al.backend(backend).GAN(POINTS, 3)), ring(), Budget(23), sample_every=7)(False)
        for make in (lambda gan: gan, behind)
    ]
    assert bits(runs[0].gan) == bits(runs[1].gan)
    assert history(runs[0]) == history(runs[1]) and len(runs[1].history) == 23
    for (step, one), (same, other) in zip(*(run.samples for run in runs), strict=True):
        assert step == same and np.array_equal(one, other)


def test_every_checkpoint_comes_after_the_numbers_of_its_steps(tmp_path):
    """A run that is stopped right after a checkpoint has a row for each of its steps."""

    class Stopped(Loop):
        def save(self):
            super().save()
            if self.gan.steps == 9:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Stopped(behind(new_points()), ring(), Budget(20), tmp_path, save_every=0)(False)
    assert load_checkpoint(tmp_path)[1]["steps"] == 9
    assert len((tmp_path / "history.jsonl").read_text().splitlines()) == 9
    run = Loop(behind(new_points()), ring(), Budget(20), tmp_path)(False)
    assert bits(run.gan) == bits(Loop(new_points(), ring(), Budget(20))(False).gan)
    assert [row["step"] for row in run.history] == list(range(1, 21))


def test_a_loss_that_is_no_number_is_found_before_anything_is_saved(tmp_path):
    gan = behind(new_points())

    class Broken(Loop):
        def step(self, progress):
            if gan.steps == 3:
                state = {k: a * np.float32("nan") for k, a in gan.state().items()}
                gan.restore(state, gan.steps)
            return super().step(progress)

    loop = Broken(gan, ring(), Budget(30), tmp_path, [HealthWarnings()], save_every=10)
    with pytest.raises(InputError, match="In step 4 the"):
        loop(False)
    assert not checkpoints(tmp_path)


def test_each_step_gets_its_own_also_out_of_order_and_from_several_threads():
    asked = []

    def square(step):
        asked.append((step, threading.current_thread().name))
        return step * step

    before = threading.active_count()
    with Ahead(square, 3) as ahead:
        assert [ahead(step) for step in range(5, 40)] == [step**2 for step in range(5, 40)]
    steps = [step for step, _ in asked]
    assert sorted(set(steps)) == sorted(steps)  # nothing twice
    assert set(range(5, 40)) <= set(steps) <= set(range(5, 40 + STEPS))
    assert all(name.startswith("ahead") for _, name in asked)
    assert threading.active_count() == before


def test_what_goes_wrong_in_a_thread_is_told_to_whoever_asks_for_that_step():
    def fails(step):
        if step == 2:
            raise InputError("The batch of step 2 cannot be read.")
        return step

    with Ahead(fails, 2) as ahead:
        assert [ahead(0), ahead(1)] == [0, 1]
        with pytest.raises(InputError, match="step 2"):
            ahead(2)


def test_without_threads_nothing_is_computed_before_it_is_asked_for():
    asked = []
    with Ahead(asked.append, 0) as ahead:
        ahead(4)
    assert asked == [4]


def test_nested_tuples_keep_their_kind_and_their_order():
    draws = al.training.draws.draw(al.presets.article(), 0, 0, 2)
    shapes = map_leaves(lambda array: array.shape, (draws, None, np.zeros(3)))
    assert type(shapes[0]) is type(draws) and shapes[0].share is None and shapes[1] is None
    assert list(leaves((1, (2, None, (3,)), 4))) == [1, 2, 3, 4]
    assert shapes[0].real.masks == ((2, 14, 14, 64), (2, 7, 7, 128)) and shapes[2] == (3,)
