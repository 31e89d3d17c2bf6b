"""Two networks and one training step, in TensorFlow."""

import numpy as np
import tensorflow as tf

from avatarlib.backends.tensorflow.device import find_device
from avatarlib.backends.tensorflow.losses import LOSSES, gradient_penalty, zero_centred_penalty
from avatarlib.backends.tensorflow.networks import (
    Discriminator,
    Generator,
    get_weights,
    set_weights,
)
from avatarlib.core import values
from avatarlib.core.errors import InputError
from avatarlib.core.nested import map_leaves
from avatarlib.core.pixels import to_float
from avatarlib.training.ahead import READ_LATER
from avatarlib.training.draws import draw
from avatarlib.training.losses import StepStatistics

MOMENTS = ("m", "v")  # Adam's two running averages


class GAN:
    """A generator and a discriminator with their optimisers.

    Args:
        spec: a `Spec`: the networks and how they are trained.
        seed: first weights, dropout and augmentation are functions of it.
        dtype: "float32", or "float64" for proofs.
        device: where it computes, as in `find_device`.

    Attributes:
        generator, discriminator: the networks.
        average: the generator with the moving average of its weights; where the config keeps none,
            the generator itself.
        steps: how many training steps were taken.
        runs_ahead: how many steps may be asked for before the first one's numbers are read; 0 on a
            processor, which computes them at once.
        framework, framework_version: for a run's papers.
    """

    framework, framework_version = "tensorflow", tf.__version__

    def __init__(self, spec, seed=0, dtype="float32", device=None):
        self.spec, self.seed, self.dtype, self.steps = spec, values.seed(seed), dtype, 0
        self.device = find_device(device)
        self.runs_ahead = READ_LATER if "GPU" in self.device else 0
        self.generator = Generator(spec, seed, dtype, device)
        self.discriminator = Discriminator(spec, seed, dtype, device)
        self.average = self.generator
        if spec.config.ema_half_life:
            self.average = Generator(spec, seed, dtype, device)
        with tf.device(self.device):
            self.generator_optimizer = Adam(self.generator, spec.config)
            self.discriminator_optimizer = Adam(self.discriminator, spec.config)
            # How far the moving average moves; a variable, so that a compiled step reads today's.
            self._toward = tf.Variable(np.zeros((), dtype), trainable=False)
        # Traced once for each size of a batch; its ifs are plain Python, nothing for autograph.
        self._compiled_play = tf.function(self._play, autograph=False)

    def step(self, real, z, condition=None, progress=0.0):
        """Steps 2 to 6 of the article's training, by the rules of `spec.config`.

        Args:
            real: real pictures uint8 (n, height, width, channels), or points float (n, 2).
            z: latents float32 (n, latent).
            condition: float32 (n, condition_size), for real and generated pictures alike.
            progress: share of the run that is over, in [0, 1]; the learning rates follow it.

        Returns:
            a `StepStatistics`: losses, penalties and logits.
        """
        return self.enqueue(self.prepare(real, z, condition), progress)()

    def prepare(self, real, z, condition=None, step=None):
        """What a step is made from, as tensors: the batch, and everything that is drawn for it.

        It depends on the step's number alone, so that another thread can do it ahead of its time.

        Args:
            real, z, condition: as in `step`.
            step: the step's number, from 0; by default the next one's.

        Returns:
            nested tuples of tensors, for `enqueue`.
        """
        draws = draw(self.spec, self.seed, self.steps if step is None else step, len(z))
        return map_leaves(self._to_tensor, (real, z, condition, draws))

    def enqueue(self, inputs, progress=0.0):
        """Ask for one step; a card computes while the program goes on.

        Args:
            inputs: what `prepare` gave for this step.
            progress: as in `step`.

        Returns:
            a function without arguments, which waits for the step and gives its `StepStatistics`.
        """
        config = self.spec.config
        penalised = self.steps % config.penalty_every == 0
        generator_moves = (self.steps + 1) % config.generator_every == 0
        factor = config.lr_factor(progress)
        with tf.device(self.device):
            self.discriminator_optimizer.prepare(config.lr_d * factor, self.steps + 1)
            g_moves = self.steps // config.generator_every + 1
            self.generator_optimizer.prepare(config.lr_g * factor, g_moves)
            self._toward.assign(1 - config.ema_decay(self.steps))

            numbers = self._compiled_play(inputs, penalised, generator_moves)
        self.steps += 1
        return _later(numbers)

    def _play(self, inputs, penalised, generator_moves):
        config, loss = self.spec.config, LOSSES[self.spec.config.loss]
        real, z, condition, draws = inputs

        def discriminate_real(images):
            return self.discriminator(images, condition, draws.real.masks, training=True)

        def discriminate_fake(images):
            return self.discriminator(images, condition, draws.fake.masks, training=True)

        # Step 2, a batch of real pictures, and step 3, as many generated ones.
        real = translate(real, draws.real.shift)
        with tf.GradientTape() as tape_g:
            fake = translate(self.generator(z, condition, training=True), draws.fake.shift)
        seen = tf.stop_gradient(fake)  # what D sees: no gradient of D's goes on into G

        # Step 4: the discriminator judges both.
        self.discriminator.advance_spectral_norm()
        with tf.GradientTape() as tape_d, tf.GradientTape() as tape_seen:
            tape_seen.watch(seen)
            real_logits, r1 = _logits_and_penalty(discriminate_real, real, config.r1 * penalised)
            fake_logits, r2 = _logits_and_penalty(discriminate_fake, seen, config.r2 * penalised)
            loss_d = loss.discriminator(real_logits, fake_logits)
            loss_g = loss.generator(real_logits, fake_logits)
            between = tf.zeros_like(loss_d)
            if config.gradient_penalty and penalised:
                between = gradient_penalty(discriminate_real, real, seen, draws.share)
            penalty = (config.r1 * r1 + config.r2 * r2) / 2 + config.gradient_penalty * between
            total_d = loss_d + config.penalty_every * penalty
        if config.update_order == "simultaneous":  # G listens before D moves
            upstream_gradient = tape_seen.gradient(loss_g, seen)
        gradients_d = tape_d.gradient(total_d, self.discriminator.parameters())

        # Step 5: the discriminator moves.
        self.discriminator_optimizer.apply(gradients_d)

        # Step 6: the generator moves. All it hears is how L_G changes with its pictures.
        if generator_moves:
            if config.update_order == "alternating":
                with tf.GradientTape() as tape_seen:
                    tape_seen.watch(seen)
                    new_real = _if_paired(config, discriminate_real, real)
                    loss_g = loss.generator(new_real, discriminate_fake(seen))
                upstream_gradient = tape_seen.gradient(loss_g, seen)
            gradients_g = tape_g.gradient(fake, self.generator.parameters(), upstream_gradient)
            self.generator_optimizer.apply(gradients_g)
            self._update_average()
        numbers = tf.stack([loss_d, loss_g, r1, r2, between])
        return tf.concat([numbers, real_logits[:, 0], fake_logits[:, 0]], 0)

    def _update_average(self):
        """Moving average of the generator's weights; batch statistics are copied."""
        if self.average is self.generator:
            return
        for name, average in self.average.arrays.items():
            now = self.generator.arrays[name]
            average.assign_add((self._toward if average.trainable else 1.0) * (now - average))

    def generate(self, z, condition=None):
        """Pictures from the averaged generator, as the function `generate` gives them."""
        return generate(self.average, z, condition)

    def state(self):
        """Everything that training needs to go on: networks and the optimisers' moments.

        Returns:
            name -> array in TensorFlow's layout; with `steps`, the whole state.
        """
        arrays = {}
        for player, network, optimizer in self._players():
            for name, array in get_weights(network).items():
                arrays[f"{player}/{name}"] = array
            for name, moment in _moments(network, optimizer).items():
                arrays[f"{player}/{name}"] = moment.numpy()
        return arrays

    def restore(self, arrays, steps):
        """Go on from where `state` was taken, after the given number of steps.

        Raises:
            InputError: names or shapes do not fit these networks.
        """
        for player, network, optimizer in self._players():
            own = {
                k.removeprefix(f"{player}/"): a for k, a in arrays.items() if k.startswith(player)
            }
            moments = _moments(network, optimizer)
            missing = moments.keys() - own.keys()
            if missing:
                raise InputError(f"The moments {', '.join(sorted(missing))} are missing.")
            set_weights(network, {k: own[k] for k in own if k not in moments})
            for name, moment in moments.items():
                moment.assign(own[name])
        self.steps = steps

    def _players(self):
        yield "generator", self.generator, self.generator_optimizer
        yield "discriminator", self.discriminator, self.discriminator_optimizer
        if self.average is not self.generator:
            yield "average", self.average, None

    def _to_tensor(self, array):
        """An array as a tensor that a step takes."""
        array = to_float(array)
        with tf.device(self.device):
            return tf.constant(array.astype(self.dtype) if array.dtype.kind == "f" else array)


def _later(numbers):
    """A function that waits for a step's numbers and sorts them."""

    def statistics():
        found = numbers.numpy()
        return StepStatistics(*found[:5].tolist(), *found[5:].reshape(2, -1))

    return statistics


def _logits_and_penalty(discriminate, images, weight):
    """Logits, and their squared gradient norm where it has a weight (else 0)."""
    if weight:
        return zero_centred_penalty(discriminate, images)
    logits = discriminate(images)
    return logits, tf.zeros((), logits.dtype)


def _if_paired(config, discriminate, images):
    if not config.generator_sees_real:
        return None
    return discriminate(images)


class Adam:
    """Adam as its paper's algorithm 1 has it: epsilon is added after the bias correction.

    Keras adds it before, and so does TensorFlow's kernel; ε √(1 - β₂ᵗ) there is ε here.
    """

    def __init__(self, network, config):
        self.parameters, self.config = network.parameters(), config
        self.m = [tf.Variable(tf.zeros_like(p), trainable=False) for p in self.parameters]
        self.v = [tf.Variable(tf.zeros_like(p), trainable=False) for p in self.parameters]
        self.settings = tf.Variable(np.zeros(4, self.parameters[0].dtype.as_numpy_dtype))

    def prepare(self, rate, time):
        """Set the learning rate, and how many moves there are with the next one."""
        power1, power2 = self.config.beta1**time, self.config.beta2**time
        epsilon = self.config.epsilon * np.sqrt(1 - power2)
        self.settings.assign([rate, power1, power2, epsilon])

    def apply(self, gradients):
        """Move each parameter."""
        rate, power1, power2, epsilon = tf.unstack(self.settings)
        beta1, beta2 = (tf.constant(b, rate.dtype) for b in (self.config.beta1, self.config.beta2))
        for i, gradient in enumerate(gradients):
            tf.raw_ops.ResourceApplyAdam(
                var=self.parameters[i].handle,
                m=self.m[i].handle,
                v=self.v[i].handle,
                beta1_power=power1,
                beta2_power=power2,
                lr=rate,
                beta1=beta1,
                beta2=beta2,
                epsilon=epsilon,
                grad=gradient,
            )


def _moments(network, optimizer):
    """Adam's two running averages: "layer/name/m" and "layer/name/v" -> variable."""
    names = [name for name, variable in network.arrays.items() if variable.trainable]
    return {
        f"{name}/{short}": getattr(optimizer, short)[i]
        for i, name in enumerate(names)
        for short in MOMENTS
        if optimizer
    }


def translate(images, shift):
    """Shift each picture; what moves in from outside is 0, a middle grey.

    Zhao et al. 2020 (arXiv:2006.10738). The grey edge shows the discriminator how far a picture
    was moved, so that the generator need not learn to draw moved pictures.

    Args:
        images: (n, height, width, channels).
        shift: whole numbers (n, 2), rows down and columns to the right; None shifts nothing.
    """
    if shift is None:
        return images
    n, height, width, _ = images.shape
    edge = height // 2  # no shift is longer
    padded = tf.pad(images, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
    rows = edge + tf.range(height, dtype=tf.int64)[None, :, None] - shift[:, 0, None, None]
    columns = edge + tf.range(width, dtype=tf.int64)[None, None] - shift[:, 1, None, None]
    places = tf.broadcast_to(tf.range(n, dtype=tf.int64)[:, None, None], (n, height, width))
    rows, columns = (tf.broadcast_to(index, (n, height, width)) for index in (rows, columns))
    return tf.gather_nd(padded, tf.stack([places, rows, columns], axis=-1))


def generate(generator, z, condition=None):
    """Draw in evaluation mode, 256 at a time.

    Args:
        generator: a `Generator`.
        z: latents, float32 (n, latent).
        condition: float32 (n, condition_size) for a generator with conditions.

    Returns:
        float32 (n, *shape), pictures in [-1, 1]; `avatarlib.to_uint8` makes uint8 of them.
    """
    dtype = generator.parameters()[0].dtype
    chunks = []
    with tf.device(generator.device):
        for start in range(0, len(z), 256):
            inputs = [
                None if a is None else tf.cast(a[start : start + 256], dtype)
                for a in (z, condition)
            ]
            chunks.append(generator(*inputs).numpy())
    return np.concatenate(chunks)
