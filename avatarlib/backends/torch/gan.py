"""Two networks and one training step, in PyTorch."""

import numpy as np
import torch
from torch.nn import functional as F

from avatarlib.backends.torch.compiled import Recorded, is_recorded
from avatarlib.backends.torch.device import find_device
from avatarlib.backends.torch.losses import LOSSES, gradient_penalty, zero_centred_penalty
from avatarlib.backends.torch.networks import (
    Discriminator,
    Generator,
    copy_array,
    get_weights,
    set_weights,
    to_array,
)
from avatarlib.core import values
from avatarlib.core.errors import InputError
from avatarlib.core.nested import map_leaves
from avatarlib.training.ahead import READ_LATER
from avatarlib.training.draws import draw
from avatarlib.training.losses import StepStatistics

MOMENTS = {"exp_avg": "m", "exp_avg_sq": "v"}  # PyTorch's names for Adam's two running averages


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

    framework, framework_version = "torch", torch.__version__

    def __init__(self, spec, seed=0, dtype="float32", device=None):
        self.spec, self.seed, self.dtype, self.steps = spec, values.seed(seed), dtype, 0
        self.device = find_device(device)
        self.runs_ahead = READ_LATER if self.device.type == "cuda" else 0
        self.generator = Generator(spec, seed, dtype, device)
        self.discriminator = Discriminator(spec, seed, dtype, device)
        self.average = self.generator
        if spec.config.ema_half_life:
            self.average = Generator(spec, seed, dtype, device)
        self.generator_optimizer = Adam(self.generator, spec.config)
        self.discriminator_optimizer = Adam(self.discriminator, spec.config)
        # How far the moving average moves; a tensor, so that a recorded step reads today's.
        self._toward = torch.zeros((), dtype=getattr(torch, dtype), device=self.device)
        self._recorded = is_recorded(self.device, getattr(torch, dtype))
        self._compiled_play = Recorded(self._play, self.device) if self._recorded else self._play
        torch.set_flush_denormal(True)  # numbers below 1e-38 make a processor many times slower

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
        self.discriminator_optimizer.prepare(config.lr_d * factor, self.steps + 1)
        g_moves = self.steps // config.generator_every + 1
        self.generator_optimizer.prepare(config.lr_g * factor, g_moves)
        self._toward.fill_(1 - config.ema_decay(self.steps))

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
        real = translate(self._to_float(real), draws.real.shift)
        fake = translate(self.generator(z, condition, training=True), draws.fake.shift)
        seen = fake.detach().requires_grad_()  # what D sees: no gradient of D's goes on into G

        # Step 4: the discriminator judges both.
        self.discriminator.advance_spectral_norm()
        real_logits, r1 = _logits_and_penalty(discriminate_real, real, config.r1 * penalised)
        fake_logits, r2 = _logits_and_penalty(discriminate_fake, seen, config.r2 * penalised)
        loss_d = loss.discriminator(real_logits, fake_logits)
        loss_g = loss.generator(real_logits, fake_logits)
        between = torch.zeros_like(loss_d)
        if config.gradient_penalty and penalised:
            between = gradient_penalty(discriminate_real, real, seen.detach(), draws.share)
        penalty = (config.r1 * r1 + config.r2 * r2) / 2 + config.gradient_penalty * between
        if config.update_order == "simultaneous":  # G listens before D moves
            (upstream_gradient,) = torch.autograd.grad(loss_g, seen, retain_graph=True)
        gradients_d = torch.autograd.grad(
            loss_d + config.penalty_every * penalty, list(self.discriminator.parameters())
        )

        # Step 5: the discriminator moves.
        self.discriminator_optimizer.apply(gradients_d)

        # Step 6: the generator moves. All it hears is how L_G changes with its pictures.
        if generator_moves:
            if config.update_order == "alternating":
                new_real = _if_paired(config, discriminate_real, real)
                loss_g = loss.generator(new_real, discriminate_fake(seen))
                (upstream_gradient,) = torch.autograd.grad(loss_g, seen)
            gradients_g = torch.autograd.grad(
                fake, list(self.generator.parameters()), upstream_gradient
            )
            self.generator_optimizer.apply(gradients_g)
            self._update_average()
        numbers = torch.stack([loss_d, loss_g, r1, r2, between])
        return torch.cat([numbers, real_logits[:, 0], fake_logits[:, 0]]).detach()

    def _update_average(self):
        """Moving average of the generator's weights; batch statistics are copied."""
        if self.average is self.generator:
            return
        now = self.generator.arrays
        with torch.no_grad():
            for name, average in self.average.arrays.items():
                if average.requires_grad:
                    average.lerp_(now[name], self._toward)
                else:
                    average.copy_(now[name])

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
                arrays[f"{player}/{name}"] = to_array(moment)
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
                copy_array(moment, own[name])
        self.steps = steps

    def _players(self):
        yield "generator", self.generator, self.generator_optimizer
        yield "discriminator", self.discriminator, self.discriminator_optimizer
        if self.average is not self.generator:
            yield "average", self.average, None

    def _to_tensor(self, array):
        """An array as a tensor that a step takes."""
        tensor = torch.from_numpy(array)
        if array.dtype.kind == "f":
            tensor = tensor.to(getattr(torch, self.dtype))
        # From pinned memory, a card fetches it while it computes.
        return tensor.pin_memory() if self._recorded else tensor.to(self.device)

    def _to_float(self, images):
        """Pictures uint8 as floats in [-1, 1], like `avatarlib.core.pixels.to_float`."""
        if images.dtype != torch.uint8:
            return images
        return (images.float() / 127.5 - 1).to(getattr(torch, self.dtype))


def _later(numbers):
    """A function that waits for a step's numbers and sorts them."""
    done = torch.cuda.Event() if numbers.is_cuda else None
    numbers = numbers.to("cpu", non_blocking=True)
    if done:
        done.record()

    def statistics():
        if done:
            done.synchronize()
        return StepStatistics(*numbers[:5].tolist(), *numbers[5:].numpy().reshape(2, -1))

    return statistics


def _logits_and_penalty(discriminate, images, weight):
    """Logits, and their squared gradient norm where it has a weight (else 0)."""
    if weight:
        return zero_centred_penalty(discriminate, images)
    logits = discriminate(images)
    return logits, torch.zeros((), dtype=logits.dtype, device=logits.device)


def _if_paired(config, discriminate, images):
    if not config.generator_sees_real:
        return None
    with torch.no_grad():
        return discriminate(images)


class Adam:
    """Adam as its paper's algorithm 1 has it: epsilon is added after the bias correction."""

    def __init__(self, network, config):
        self.parameters = list(network.parameters())
        device = self.parameters[0].device
        self._recorded = is_recorded(device, self.parameters[0].dtype)
        self._fused = torch.optim.Adam(
            self.parameters,
            lr=torch.zeros((), device=device) if self._recorded else 0.0,
            betas=(config.beta1, config.beta2),
            eps=config.epsilon,
            fused=True,
            capturable=self._recorded,  # then it reads the rate from the card's memory
        )
        self._fused._warned_capturable_if_run_uncaptured = True  # the first steps are not recorded
        self._times = torch.zeros(len(self.parameters), device=device)
        for parameter, time in zip(self.parameters, self._times, strict=True):
            self._fused.state[parameter] = {
                "step": time,
                **{moment: torch.zeros_like(parameter).detach() for moment in MOMENTS},
            }

    def prepare(self, rate, time):
        """Set the learning rate, and how many moves there are with the next one."""
        if self._recorded:
            self._fused.param_groups[0]["lr"].fill_(rate)
        else:
            self._fused.param_groups[0]["lr"] = rate
        self._times.fill_(time - 1)

    def apply(self, gradients):
        """Move each parameter."""
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            # The fused Adam reads both in the order of their memory and does not compare strides.
            if gradient.ndim == 4:
                gradient = gradient.contiguous(memory_format=torch.channels_last)
            parameter.grad = gradient
        self._fused.step()

    def moments(self, parameter):
        """The two running averages of a parameter's gradient: "m" and "v" -> tensor."""
        return {short: self._fused.state[parameter][name] for name, short in MOMENTS.items()}


def _moments(network, optimizer):
    """Adam's running averages: "layer/name/m" and "layer/name/v" -> tensor."""
    return {
        f"{name}/{short}": moment
        for name, parameter in network.named_parameters()
        if optimizer
        for short, moment in optimizer.moments(parameter).items()
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
    padded = F.pad(images, (0, 0, edge, edge, edge, edge))
    rows = (
        edge + torch.arange(height, device=images.device)[None, :, None] - shift[:, 0, None, None]
    )
    columns = edge + torch.arange(width, device=images.device)[None, None] - shift[:, 1, None, None]
    return padded[torch.arange(n, device=images.device)[:, None, None], rows, columns]


def generate(generator, z, condition=None):
    """Draw in evaluation mode, 256 at a time.

    Args:
        generator: a `Generator`.
        z: latents, float32 (n, latent).
        condition: float32 (n, condition_size) for a generator with conditions.

    Returns:
        float32 (n, *shape), pictures in [-1, 1]; `avatarlib.to_uint8` makes uint8 of them.
    """
    like = next(generator.parameters())
    chunks = []
    with torch.no_grad():
        for start in range(0, len(z), 256):
            inputs = [
                None if a is None else torch.from_numpy(a[start : start + 256]).to(like)
                for a in (z, condition)
            ]
            chunks.append(generator(*inputs).cpu().numpy())
    return np.concatenate(chunks)
