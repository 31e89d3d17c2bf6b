"""What else happens during a run: warnings, generators that are kept, and whatever you add.

    class Print(Callback):
        def after_step(self, loop, statistics):
            print(loop.steps_read, statistics.loss_d)

    Loop(gan, avatars, Budget(steps=100), callbacks=[Print()])()

They are called in the order in which they are given.
"""

from avatarlib.core.arrays import save_arrays
from avatarlib.training.checkpoint import sampling_weights
from avatarlib.training.health import Health


class Callback:
    """Called by a `Loop` at three moments; override what you need."""

    def on_start(self, loop):
        """Before the first step of this part of the run; its data and folder have been checked."""

    def after_step(self, loop, statistics):
        """After each step, with its `StepStatistics`."""

    def after_samples(self, loop, samples):
        """After each set of samples: the 64 fixed latents' pictures, uint8, or points, float."""


class HealthWarnings(Callback):
    """Turns what `Health` notices into the run's warnings."""

    def on_start(self, loop):
        """Look at the data once."""
        self.health = Health(loop.gan.spec, loop.batches.images)

    def after_step(self, loop, statistics):
        """Raise InputError where a loss is not a number; warn where the discriminator has won."""
        loop.warn(self.health.after_step(loop.steps_read, statistics))

    def after_samples(self, loop, samples):
        """Warn where all samples look alike."""
        loop.warn(self.health.after_samples(loop.gan.steps, samples))


class KeepGenerators(Callback):
    """Keeps the generator for good at some moments, in the folder's generator-STEPS.safetensors.

    Args:
        shares: of the run, such as (0.25, 0.5, 1).
    """

    def __init__(self, shares):
        self.shares = tuple(shares)

    def on_start(self, loop):
        """Note how much of the run is over already."""
        self.before = loop.progress()

    def after_step(self, loop, statistics):
        """Write the generator, if this step was the first one after a share."""
        after = loop.progress()
        if loop.folder and any(self.before < share <= after for share in self.shares):
            weights = sampling_weights(loop.gan.state(), loop.gan.spec)
            name = f"generator-{loop.gan.steps:08}.safetensors"
            save_arrays(loop.folder / name, weights, loop.header())
        self.before = after
