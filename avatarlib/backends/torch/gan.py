"""Two networks and one training step, in PyTorch."""

import numpy as np
import torch
from torch.nn import functional as F

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
from avatarlib.core.pixels import to_float
from avatarlib.training.draws import draw
from avatarlib.training.losses import StepStatistics

MOMENTS = {"exp_avg": "m", "exp_avg_sq": "v"}  # PyTorch's names for Adam's two running averages


class GAN:
    """A generator and a discriminator with their optimisers.

    Args:
        spec: a `Spec`: the networks and how they are trained.
        seed: first weights, dropout and augmentation are functions of it.
        dtype: "float32", or "float64" for proofs.

    Attributes:
        generator, discriminator: the networks.
        average: the generator with the moving average of its weights; where the config keeps none,
            the generator itself.
        steps: how many training steps were taken.
        framework, framework_version: for a run's papers.
    """

    framework, framework_version = "torch", torch.__version__

    def __init__(self, spec, seed=0, dtype="float32"):
        self.spec, self.seed, self.dtype, self.steps = spec, values.seed(seed), dtype, 0
        self.device = torch.device("cuda" if has_gpu() else "cpu")
        self.generator = Generator(spec, seed, dtype).to(self.device)
        self.discriminator = Discriminator(spec, seed, dtype).to(self.device)
        self.average = self.generator
        if spec.config.ema_half_life:
            self.average = Generator(spec, seed, dtype).to(self.device)
        self.generator_optimizer = Adam(self.generator, spec.config)
        self.discriminator_optimizer = Adam(self.discriminator, spec.config)
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
        config = self.spec.config
        draws = self._to_tensors(draw(self.spec, self.seed, self.steps, len(z)))
        real, z, condition = self._to_tensors((to_float(real), z, condition))
        penalised = self.steps % config.penalty_every == 0
        generator_moves = (self.steps + 1) % config.generator_every == 0
        factor = config.lr_factor(progress)
        self.discriminator_optimizer.prepare(config.lr_d * factor, self.steps + 1)
        g_moves = self.steps // config.generator_every + 1
        self.generator_optimizer.prepare(config.lr_g * factor, g_moves)

        numbers, logits = self._play(real, z, condition, draws, penalised, generator_moves)
        self.steps += 1
        return StepStatistics(*numbers.tolist(), *logits.cpu().numpy())

    def _play(self, real, z, condition, draws, penalised, generator_moves):
        config, loss = self.spec.config, LOSSES[self.spec.config.loss]

        def discriminate_real(images):
            return self.discriminator(images, condition, draws.real.masks, training=True)

        def discriminate_fake(images):
            return self.discriminator(images, condition, draws.fake.masks, training=True)

        # Step 2, a batch of real pictures, and step 3, as many generated ones.
        real = translate(real, draws.real.shift)
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
        numbers = torch.stack([loss_d, loss_g, r1, r2, between]).detach()
        return numbers, torch.stack([real_logits[:, 0], fake_logits[:, 0]]).detach()

    def _update_average(self):
        """Moving average of the generator's weights; batch statistics are copied."""
        if self.average is self.generator:
            return
        keep = self.spec.config.ema_decay(self.steps)
        with torch.no_grad():
            for name, average in self.average.arrays.items():
                now = self.generator.arrays[name]
                average.lerp_(now, 1 - keep if average.requires_grad else 1.0)

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

    def _to_tensors(self, value):
        """Arrays in nested tuples as tensors on the device; whole numbers stay whole."""
        if isinstance(value, tuple):
            parts = [self._to_tensors(part) for part in value]
            return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
        if value is None:
            return None
        tensor = torch.from_numpy(value).to(self.device)
        return tensor.to(getattr(torch, self.dtype)) if value.dtype.kind == "f" else tensor


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
        self._fused = torch.optim.Adam(
            self.parameters, betas=(config.beta1, config.beta2), eps=config.epsilon, fused=True
        )
        for parameter in self.parameters:
            self._fused.state[parameter] = {
                "step": torch.zeros((), device=parameter.device),
                **{moment: torch.zeros_like(parameter).detach() for moment in MOMENTS},
            }

    def prepare(self, rate, time):
        """Set the learning rate, and how many moves there are with the next one."""
        self._fused.param_groups[0]["lr"] = rate
        for slots in self._fused.state.values():
            slots["step"].fill_(time - 1)

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


def has_gpu():
    """Whether PyTorch sees a graphics processor that it can compute on."""
    return torch.cuda.is_available()
