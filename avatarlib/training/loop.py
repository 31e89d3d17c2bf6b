"""The training loop: progress, history, samples, checkpoints; a crash costs a minute at most."""

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path

import numpy as np
from tqdm import tqdm

from avatarlib.arrays import save_arrays
from avatarlib.errors import InputError
from avatarlib.files import atomic_write, remove_partial_files
from avatarlib.interruption import Interruption
from avatarlib.pixels import to_uint8
from avatarlib.randomness import noise
from avatarlib.training.checkpoint import (
    checkpoints,
    drawing_weights,
    load_checkpoint,
    save_checkpoint,
)
from avatarlib.training.feed import Feed
from avatarlib.training.report import opinion
from avatarlib.training.spec import Spec, differences

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
        given = [value for value in (self.steps, self.minutes) if value is not None]
        if len(given) != 1 or not given[0] > 0:
            raise InputError("A run's budget is a positive number of steps, or of minutes.")

    def progress(self, steps, seconds):
        """The share of the run that is over, at least 1 when it is all."""
        return seconds / (60 * self.minutes) if self.minutes else steps / self.steps


@dataclass
class Run:
    """What training leaves.

    Attributes:
        gan: the trained GAN; `gan.generate(z)` draws.
        seconds: how long it trained, all parts together.
        history: one row for each step: "step", losses, penalties, the critic's opinion.
        samples: [(step, drawings of the 64 fixed latents)], of this part of the run.
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

    Args:
        gan: a new GAN of either framework.
        data: see `Feed`.
        budget: a `Budget`.
        out: folder for checkpoints and history, or None to keep nothing.
        sample_every: steps between two sheets of samples.
        save_every: seconds between two checkpoints.
        on_samples: called as on_samples(step, drawings) at each sheet.
        recipe: plain data, kept in the checkpoints.
        keep_at: shares of the run, such as (0.25, 0.5, 1), at which the generator is kept for
            good, in the folder's generator-STEPS.safetensors.

    Attributes:
        watch: None, or a `Health`, whose sentences become warnings.

    Raises:
        InputError: data, spec or folder do not fit.
    """

    def __init__(
        self,
        gan,
        data,
        budget,
        out=None,
        sample_every=500,
        save_every=60,
        on_samples=None,
        recipe=None,
        keep_at=(),
    ):
        self.gan, self.budget, self.folder = gan, budget, Path(out) if out else None
        self.sample_every, self.save_every = sample_every, save_every
        self.on_samples, self.recipe, self.keep_at, self.watch = on_samples, recipe, keep_at, None
        self.feed = Feed(gan.spec, data, gan.seed)
        self.run = Run(gan)
        z = noise(SAMPLE_SEED, "latent", 0, (SAMPLES, gan.spec.latent))
        conditions = self.feed.conditions
        if conditions is not None:
            conditions = np.resize(conditions, (SAMPLES, conditions.shape[1]))  # the data's first
        self._fixed = z, conditions
        self._unwritten, self._saved = [], None
        if self.folder:
            self._go_on()

    def __call__(self, progress=True):
        """Train until the budget is used up; give the `Run`.

        On SIGTERM or Ctrl-C the step is finished and saved, and then the program stops as usual.

        Args:
            progress: whether to show a bar.

        Raises:
            InputError: a loss is not a number any more, or the disk is full.
        """
        gan, started, saved = self.gan, time.time() - self.run.seconds, time.time()
        bar = tqdm(
            total=self._pictures_in_all(),
            initial=gan.steps * gan.spec.game.batch,
            unit=" pictures",
            unit_scale=True,
            disable=not progress,
        )
        if not gan.steps:
            self._sample()
        with bar, Interruption() as interruption:
            while (share := self.budget.progress(gan.steps, self.run.seconds)) < 1:
                report = self._step(share)
                self.run.seconds = time.time() - started
                self._keep_generator(share)
                bar.total = self._pictures_in_all()
                bar.set_postfix_str(describe(gan.spec.game.loss, report), refresh=False)
                bar.update(gan.spec.game.batch)
                if gan.steps % self.sample_every == 0:
                    self._sample()
                if interruption.signal:
                    break
                if time.time() - saved > self.save_every:
                    self.save()
                    saved = time.time()
            if gan.steps % self.sample_every and not interruption.signal:
                self._sample()
            self.save()
            if interruption.signal and self.folder:
                tqdm.write(
                    f"Stopped and saved after step {gan.steps:,}. The same call goes on from there."
                )
        return self.run

    def save(self):
        """Write history and a checkpoint, if the run has a folder."""
        if not self.folder or self._saved == self.gan.steps:
            return
        with open(self.folder / "history.jsonl", "a", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in self._unwritten)
        self._unwritten.clear()
        save_checkpoint(self.folder, self.gan.state(), self._header())
        self._saved = self.gan.steps

    def _keep_generator(self, before):
        """Write the averaged generator, if this step was the first one after a share to keep."""
        after = self.budget.progress(self.gan.steps, self.run.seconds)
        if self.folder and any(before < share <= after for share in self.keep_at):
            name = f"generator-{self.gan.steps:08}.safetensors"
            weights = drawing_weights(self.gan.state(), self.gan.spec)
            save_arrays(self.folder / name, weights, self._header())

    def _step(self, share):
        gan = self.gan
        real, condition = self.feed(gan.steps)
        z = noise(gan.seed, "latent", gan.steps, (len(real), gan.spec.latent))
        report = gan.step(real, z, condition, share)
        self._warn(self.watch and self.watch.after_step(gan.steps, report))
        said, _ = opinion(gan.spec.game.loss, report.real_logits, report.fake_logits)
        row = {"step": gan.steps} | {name: getattr(report, name) for name in NUMBERS} | said
        self.run.history.append(row)
        self._unwritten.append(row)
        return report

    def _sample(self):
        drawings = self.gan.generate(*self._fixed)
        drawings = to_uint8(drawings) if drawings.ndim == 4 else drawings
        self.run.samples.append((self.gan.steps, drawings))
        self._warn(self.watch and self.watch.after_samples(self.gan.steps, drawings))
        if self.on_samples:
            self.on_samples(self.gan.steps, drawings)

    def _warn(self, sentence):
        if sentence:
            self.run.warnings.append(f"Step {self.gan.steps:,}. {sentence}")
            tqdm.write(self.run.warnings[-1])

    def _pictures_in_all(self):
        """An estimate, where the budget is time."""
        gan, steps = self.gan, self.budget.steps
        if steps is None:
            share = self.budget.progress(gan.steps, self.run.seconds)
            steps = gan.steps / share if share else 0
        return max(round(steps), gan.steps) * gan.spec.game.batch or None

    def _header(self):
        gan, package = self.gan, type(self.gan).__module__.split(".")[1]
        names = ("avatarlib", "numpy", package)
        return {
            "steps": gan.steps,
            "seed": gan.seed,
            "dtype": gan.dtype,
            "spec": gan.spec.to_json(),
            "recipe": self.recipe,
            "data": self.feed.fingerprint,
            "shares": self.feed.shares,
            "seconds": self.run.seconds,
            "budget": asdict(self.budget),
            "versions": {name: metadata.version(name) for name in names},
        }

    def _go_on(self):
        """Restore the newest sound checkpoint of the folder, if there is one, and its history."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"Cannot make the folder {self.folder}: {error.strerror}.") from error
        remove_partial_files(self.folder)
        history = self.folder / "history.jsonl"
        rows = []
        if checkpoints(self.folder):
            arrays, header, notes = load_checkpoint(self.folder)
            for note in notes:
                tqdm.write(note)
            self._refuse_another_run(header)
            self.gan.restore(arrays, header["steps"])
            self.run.seconds, self._saved = header["seconds"], header["steps"]
            rows = _rows_until(history, header["steps"])
        self.run.history = rows
        with atomic_write(history) as file:
            file.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())

    def _refuse_another_run(self, header):
        gan = self.gan
        differing = differences(Spec.from_json(header["spec"]), gan.spec)
        mine = {"seed": gan.seed, "dtype": gan.dtype, "data": self.feed.fingerprint}
        differing += [f"{k}: {header[k]!r}, not {v!r}" for k, v in mine.items() if header[k] != v]
        if differing:
            raise InputError(
                f"The run in {self.folder} is another one ({'; '.join(differing)}). Choose another "
                "folder, or go on with that run's own settings."
            )


def describe(loss, report):
    """The critic's opinion as a short text: "D(x) 0.62, D(G(z)) 0.31 (at a guess 0.50)"."""
    said, guess = opinion(loss, report.real_logits, report.fake_logits)
    numbers = ", ".join(f"{name} {value:.2f}" for name, value in said.items())
    return f"{numbers} (at a guess {guess:.2f})"


def _rows_until(history, steps):
    """The rows of a history up to a step; a crash may have left a torn line behind them."""
    rows = []
    with suppress(FileNotFoundError, json.JSONDecodeError):
        for line in history.read_text(encoding="utf-8", errors="replace").splitlines():
            rows.append(json.loads(line))
    return [row for row in rows if row["step"] <= steps]
