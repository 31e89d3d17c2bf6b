"""The losses of the course, from logits, in PyTorch.

A discriminator that returns a logit l says "real" with the probability D = σ(l) = 1 / (1 + e⁻ˡ).
Then -log D = softplus(-l) and -log(1 - D) = softplus(l), which stay exact where the logarithm of a
probability would have overflowed. Below, r is a real picture's logit, f a generated one's; means
are over the batch. Gradients are given for one logit, before the mean's 1/n.
"""

from typing import NamedTuple

import torch
from torch.nn.functional import logsigmoid, relu


def softplus(logits):
    """log(1 + eˡ), exact for every l; its slope is σ(l).

    PyTorch's own softplus turns linear above 20, an error of 2e-9; -logsigmoid(-l) does not.
    """
    return -logsigmoid(-logits)


def discriminator_cross_entropy(real, fake):
    """L_D = mean softplus(-r) + mean softplus(f) = -V(D, G); 2 log 2 ≈ 1.386 at a guess.

    Gradients: -σ(-r) and σ(f). Goodfellow et al. 2014, equation 1 with the opposite sign.
    """
    return softplus(-real).mean() + softplus(fake).mean()


def generator_minimax(real, fake):
    """L_G = -mean softplus(f) = mean log(1 - D(G(z))); -log 2 ≈ -0.693 at a guess.

    Gradient: -σ(f), next to nothing while the discriminator is sure. Goodfellow et al. 2014,
    equation 1: what the generator minimises in theory.
    """
    return -softplus(fake).mean()


def generator_non_saturating(real, fake):
    """L_G = mean softplus(-f) = -mean log D(G(z)); log 2 ≈ 0.693 at a guess.

    Gradient: -σ(-f), nearly -1 while the discriminator is sure. Goodfellow et al. 2014, section 3,
    end: what the generator minimises in practice, and in the article's listing.
    """
    return softplus(-fake).mean()


def discriminator_hinge(real, fake):
    """L_D = mean max(0, 1 - r) + mean max(0, 1 + f); 2 at a guess.

    Gradients: -1 where r < 1, 1 where f > -1, else 0. Lim and Ye 2017 (arXiv:1705.02894); with
    spectral normalisation, Miyato et al. 2018 (arXiv:1802.05957), equation 16.
    """
    return relu(1 - real).mean() + relu(1 + fake).mean()


def discriminator_wasserstein(real, fake):
    """L_D = mean f - mean r; 0 at a guess.

    Gradients: -1 and 1. Arjovsky et al. 2017 (arXiv:1701.07875), equation 2 with the opposite
    sign; it estimates a distance only while the discriminator's slope is held near 1.
    """
    return fake.mean() - real.mean()


def generator_critic(real, fake):
    """L_G = -mean f, for the hinge and the Wasserstein loss; 0 at a guess. Gradient: -1."""
    return -fake.mean()


def discriminator_relativistic(real, fake):
    """L_D = mean softplus(-(r - f)), each real picture paired with one generated; log 2 at a guess.

    Gradients: -σ(f - r) and σ(f - r). Jolicoeur-Martineau 2018 (arXiv:1807.00734).
    """
    return softplus(fake - real).mean()


def generator_relativistic(real, fake):
    """L_G = mean softplus(-(f - r)), the same pairs the other way round; log 2 at a guess.

    Gradient: -σ(r - f). Jolicoeur-Martineau 2018; with penalties at both ends of a pair, Huang
    et al. 2024 (arXiv:2501.05441).
    """
    return softplus(real - fake).mean()


class Loss(NamedTuple):
    """What the two players minimise: functions of (real, fake) logits, each (n, 1)."""

    discriminator: callable
    generator: callable


LOSSES = {
    "minimax": Loss(discriminator_cross_entropy, generator_minimax),
    "non-saturating": Loss(discriminator_cross_entropy, generator_non_saturating),
    "hinge": Loss(discriminator_hinge, generator_critic),
    "wasserstein": Loss(discriminator_wasserstein, generator_critic),
    "relativistic": Loss(discriminator_relativistic, generator_relativistic),
}


def zero_centred_penalty(discriminate, images):
    """Mean ‖∇ₓ D(x)‖², the R1 penalty at real and the R2 penalty at generated pictures.

    The discriminator's loss takes γ/2 of each. Mescheder et al. 2018 (arXiv:1801.04406).

    Args:
        discriminate: function from pictures to logits, in which no picture affects another's.
        images: (n, ...), where the slope is taken.

    Returns:
        (logits (n, 1), a scalar); the scalar can be differentiated once more.
    """
    images = images if images.requires_grad else images.detach().requires_grad_()
    logits = discriminate(images)
    (slope,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return logits, slope.flatten(1).square().sum(1).mean()


def gradient_penalty(discriminate, real, fake, share):
    """Mean (‖∇ D(x̂)‖ - 1)², the gradient penalty, at x̂ = f + share (r - f) between the pictures.

    The discriminator's loss takes λ of it. Gulrajani et al. 2017 (arXiv:1704.00028), equation 3.

    Args:
        discriminate: function from pictures to logits, in which no picture affects another's.
        real, fake: pictures (n, ...).
        share: (n, 1, ...) in [0, 1], one number for each pair.

    Returns:
        a scalar, which can be differentiated once more.
    """
    between = (fake + share * (real - fake)).detach().requires_grad_()
    (slope,) = torch.autograd.grad(discriminate(between).sum(), between, create_graph=True)
    squared = slope.flatten(1).square().sum(1)
    return ((squared + 1e-12).sqrt() - 1).square().mean()  # a root has no slope at 0
