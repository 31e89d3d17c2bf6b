"""The training loop: progress, history, samples, checkpoints; a crash costs a minute at most."""

import json
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from avatarlib.core import values
from avatarlib.core.about import VERSION
from avatarlib.core.errors import InputError
from avatarlib.core.files import append, make_folder, remove_partial_files, write_text
from avatarlib.core.interruption import Interruption
from avatarlib.core.lock import lock_folder
from avatarlib.core.pixels import to_uint8
from avatarlib.core.randomness import noise
from avatarlib.core.terminal import bar, say
from avatarlib.training.ahead import Ahead, spare_threads
from avatarlib.training.backup import Backup
from avatarlib.training.batches import Batches
from avatarlib.training.checkpoint import (
    checkpoints,
    load_checkpoint,
    save_checkpoint,
    spec_of,
)
from avatarlib.training.losses import discriminator_statistics
from avatarlib.training.spec import differences
from avatarlib.training.stopwatch import Stopwatch

SAMPLES = 64
SAMPLE_SEED = 7
NUMBERS = ("loss_d", "loss_g", "r1", "r2", "gradient_penalty")


@dataclass
class Budget:
    """How long a run may be: so many steps in all, or so many minutes in all.

    Raises:
        InputError: both or neither is given, or it is not positive.
    """

    steps: int | None = None
    minutes: float | None = None

    def __post_init__(self):
        if (self.steps is None) == (self.minutes is None):
            raise InputError("A run's budget is a number of steps, or of minutes, and not both.")
        if self.steps is not None:
            self.steps = values.whole(self.steps, "A budget's number of steps", 1)
        else:
            self.minutes = values.number(self.minutes, "A budget's number of minutes", above=0)

    def progress(self, steps, seconds):
        """The share of the run that is over, at least 1 when it is all."""
        return seconds / (60 * self.minutes) if self.minutes else steps / self.steps


@dataclass
class Run:
    """What training leaves.

    Attributes:
        gan: the trained GAN; `gan.generate(z)` samples from it.
        seconds: how long it trained, all parts together.
        history: one row for each step: "step", losses, penalties, the discriminator's statistics.
        samples: [(step, the 64 fixed latents' pictures or points)], of this part of the run.
        warnings: sentences about the run's health.
    """

    gan: object
    seconds: float = 0.0
    history: list = field(default_factory=list)
    samples: list = field(default_factory=list)
    warnings: list = field(default_factory=list)

    def column(self, name):
        """One number of the history for every step, float64 (steps,)."""
        return np.array([row[name] for row in self.history], dtype=np.float64)


class Loop:
    """Trains a GAN, and survives.

    To train in another way, override `step`; to watch, give callbacks.

    Args:
        gan: a new GAN of either backend.
        data: see `Batches`.
        budget: a `Budget`.
        folder: for checkpoints and history, or None to keep nothing.
        backup: another folder, on a drive that may fail, that gets a copy of each checkpoint, and
            from which a run goes on whose machine is gone; see `Backup`.
        callbacks: of type `Callback`, called in this order.
        sample_every: steps between two sets of samples.
        save_every: seconds between two checkpoints.
        recipe: plain data, kept in the checkpoints.
        stopwatch: a `Stopwatch`.

    Attributes:
        batches: the `Batches`.
        run: the `Run` so far.

    Raises:
        InputError: data, spec or folder do not fit, or another run is writing into the folder.
    """

    def __init__(
        self,
        gan,
        data,
        budget,
        folder=None,
        callbacks=(),
        *,
        backup=None,
        sample_every=500,
        save_every=60,
        recipe=None,
        stopwatch=None,
    ):
        self.gan, self.budget, self.folder = gan, budget, Path(folder) if folder else None
        self.callbacks, self.recipe = tuple(callbacks), values.plain(recipe, "The recipe")
        self.sample_every = values.whole(sample_every, "sample_every", 1)
        self.save_every = values.number(save_every, "save_every", 0)
        self.stopwatch = stopwatch or Stopwatch()
        self.batches = Batches(gan.spec, data, gan.seed)
        self.run = Run(gan)
        z = noise(SAMPLE_SEED, "latent", 0, (SAMPLES, gan.spec.latent))
        conditions = self.batches.conditions
        if conditions is not None:
            conditions = np.resize(conditions, (SAMPLES, conditions.shape[1]))  # the data's first
        self._fixed = z, conditions
        self._unwritten, self._saved, self._lock = [], None, None
        self.backup = Backup(self.folder, backup) if backup else None
        self._asked = deque()  # steps that were asked for, whose numbers have not been read
        self._inputs = self._prepare
        if self.folder:
            try:
                self._go_on()
            except BaseException:  # a notebook keeps the error, and with it this loop
                if self._lock:
                    self._lock.close()
                raise

    def __call__(self, progress=True):
        """Train until the budget is used up; give the `Run`.

        On SIGTERM or Ctrl-C the step is finished and saved, and then the program stops as usual.

        Args:
            progress: whether to show a bar.

        Raises:
            InputError: a loss is not a number any more, or the disk is full.
        """
        try:
            self._tell("on_start")
            if not self.gan.steps:
                self._sample()
            threads = spare_threads() if self.gan.runs_ahead else 0
            with (
                self._bar(progress) as bar,
                Interruption() as interruption,
                Ahead(self._prepare, threads) as self._inputs,
            ):
                self._train(bar, interruption)
        finally:
            if self._lock:
                self._lock.close()
            if self.backup:
                self.backup.finish()
                self.warn(self.backup.problem)
        return self.run

    def _train(self, bar, interruption):
        gan, saved = self.gan, self.run.seconds
        self.stopwatch.lap()
        while (share := self.progress()) < 1:
            self._asked.append(self.step(share))
            self.run.seconds += self.stopwatch.lap()
            self._read(bar, gan.runs_ahead)
            if gan.steps % self.sample_every == 0:
                self._read(bar)
                self._sample()
            if interruption.signal:
                break
            if self.run.seconds - saved > self.save_every:
                self._read(bar)
                self.save()
                saved = self.run.seconds
        self._read(bar)
        if gan.steps % self.sample_every and not interruption.signal:
            self._sample()
        self.save()
        if interruption.signal and self.folder:
            say(f"Stopped and saved after step {gan.steps:,}. The same call goes on from there.")

    def step(self, progress):
        """Take one training step; a run that learns otherwise overrides this.

        Args:
            progress: share of the run that is over, in [0, 1).

        Returns:
            what `gan.enqueue` gives: a function that waits for the step's `StepStatistics`.
        """
        return self.gan.enqueue(self._inputs(self.gan.steps), progress)

    def _prepare(self, step):
        """What a step is made from; the same whenever, and in whichever thread, it is asked for."""
        gan = self.gan
        real, condition = self.batches(step)
        z = noise(gan.seed, "latent", step, (len(real), gan.spec.latent))
        return gan.prepare(real, z, condition, step)

    @property
    def steps_read(self):
        """How many steps there are whose numbers have been read; on a card, `gan` is ahead."""
        return self.gan.steps - len(self._asked)

    def progress(self):
        """The share of the run that is over, at least 1 when it is all."""
        return self.budget.progress(self.gan.steps, self.run.seconds)

    def warn(self, sentence):
        """Keep a warning among the run's and show it; None is no warning."""
        if sentence:
            self.run.warnings.append(f"Step {self.steps_read:,}. {sentence}")
            say(self.run.warnings[-1])

    def save(self):
        """Write history and a checkpoint, if the run has a folder."""
        if not self.folder or self._saved == self.gan.steps:
            return
        append(self.folder / "history.jsonl", _lines(self._unwritten))
        self._unwritten.clear()
        save_checkpoint(self.folder, self.gan.state(), self.header())
        self._saved = self.gan.steps
        if self.backup:
            self.warn(self.backup.problem)
            self.backup.start()

    def _read(self, bar, but=0):
        """Read the numbers of the steps that were asked for, but not of so many last ones."""
        while len(self._asked) > but:
            self._record(bar, self._asked.popleft()())

    def _record(self, bar, statistics):
        """What comes after a step: its row, the callbacks, the bar."""
        loss = self.gan.spec.config.loss
        said, _ = discriminator_statistics(loss, statistics.real_logits, statistics.fake_logits)
        numbers = {name: getattr(statistics, name) for name in NUMBERS}
        row = {"step": self.steps_read} | numbers | said
        self.run.history.append(row)
        self._unwritten.append(row)
        self._tell("after_step", statistics)
        bar.total = self._pictures_in_all()
        bar.set_postfix_str(describe(loss, statistics), refresh=False)
        bar.update(self.gan.spec.config.batch)

    def _sample(self):
        samples = self.gan.generate(*self._fixed)
        samples = to_uint8(samples) if samples.ndim == 4 else samples
        self.run.samples.append((self.gan.steps, samples))
        self._tell("after_samples", samples)

    def _tell(self, moment, *what):
        for callback in self.callbacks:
            getattr(callback, moment)(self, *what)

    def _bar(self, shown):
        return bar(
            shown=shown,
            total=self._pictures_in_all(),
            initial=self.gan.steps * self.gan.spec.config.batch,
            unit=" pictures",
            unit_scale=True,
        )

    def _pictures_in_all(self):
        """An estimate, where the budget is time."""
        gan, steps = self.gan, self.budget.steps
        if steps is None:
            share = self.progress()
            steps = gan.steps / share if share else 0
        return max(round(steps), gan.steps) * gan.spec.config.batch or None

    def header(self):
        """What a checkpoint says of its run: plain data."""
        gan = self.gan
        return {
            "steps": gan.steps,
            "seed": gan.seed,
            "dtype": gan.dtype,
            "spec": gan.spec.to_json(),
            "recipe": self.recipe,
            "data": self.batches.fingerprint,
            "shares": self.batches.shares,
            "seconds": self.run.seconds,
            "budget": asdict(self.budget),
            "versions": {
                "avatarlib": VERSION,
                "numpy": np.__version__,
                gan.framework: gan.framework_version,
            },
        }

    def _go_on(self):
        """Restore the newest sound checkpoint of the folder, if there is one, and its history."""
        make_folder(self.folder)
        self._lock = lock_folder(self.folder)
        remove_partial_files(self.folder)
        if self.backup:
            self.backup.fetch()
        history = self.folder / "history.jsonl"
        rows = []
        if checkpoints(self.folder):
            arrays, header, notes = load_checkpoint(self.folder)
            for note in notes:
                say(note)
            self._refuse_another_run(header)
            self.gan.restore(arrays, header["steps"])
            self.run.seconds, self._saved = header["seconds"], header["steps"]
            rows = _rows_until(history, header["steps"])
        self.run.history = rows
        write_text(history, _lines(rows))

    def _refuse_another_run(self, header):
        gan = self.gan
        differing = differences(spec_of(header), gan.spec)
        mine = {"seed": gan.seed, "dtype": gan.dtype, "data": self.batches.fingerprint}
        differing += [f"{k}: {header[k]!r}, not {v!r}" for k, v in mine.items() if header[k] != v]
        if differing:
            raise InputError(
                f"The run in {self.folder} is another one ({'; '.join(differing)}). Choose another "
                "folder, or go on with that run's own settings."
            )


def describe(loss, statistics):
    """A step's statistics as a short text: "D(x) 0.62, D(G(z)) 0.31 (chance level 0.50)"."""
    said, at_chance = discriminator_statistics(loss, statistics.real_logits, statistics.fake_logits)
    numbers = ", ".join(f"{name} {value:.2f}" for name, value in said.items())
    return f"{numbers} (chance level {at_chance:.2f})"


def _lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _rows_until(history, steps):
    """The rows of a history up to a step; a crash may have left a torn line behind them."""
    rows = []
    with suppress(FileNotFoundError, json.JSONDecodeError):
        for line in history.read_text(encoding="utf-8", errors="replace").splitlines():
            rows.append(json.loads(line))
    last = {row["step"]: row for row in rows}  # of two that two writers left, the later one
    return [last[step] for step in sorted(last) if step <= steps]
