"""The article's two losses, from logits, in PyTorch.

A discriminator that returns a logit l says "real" with the probability D = σ(l) = 1 / (1 + e⁻ˡ).
Then -log D = softplus(-l) and -log(1 - D) = softplus(l), which stay exact where the logarithm of a
probability would have overflowed.
"""

# PyTorch's own softplus turns linear above 20; -logsigmoid(-l) is the same function, exact
# throughout.
from torch.nn.functional import logsigmoid


def discriminator_loss(real_logits, fake_logits):
    """L_D = mean softplus(-l_real) + mean softplus(l_fake) = -V(D, G).

    Goodfellow et al. 2014, equation 1 with the opposite sign. A discriminator that can only guess
    (l = 0 everywhere) has 2 log 2 ≈ 1.386.

    Args:
        real_logits, fake_logits: (n, 1), the discriminator's logits.

    Returns:
        a scalar.
    """
    loss_real = -logsigmoid(real_logits).mean()
    loss_fake = -logsigmoid(-fake_logits).mean()
    return loss_real + loss_fake


def generator_loss(fake_logits):
    """L_G = mean softplus(-l_fake) = -mean log D(G(z)), the non-saturating loss.

    Goodfellow et al. 2014, section 3, end. Against a discriminator that can only guess it is
    log 2 ≈ 0.693.

    Args:
        fake_logits: (n, 1), the discriminator's logits for generated pictures.

    Returns:
        a scalar.
    """
    return -logsigmoid(fake_logits).mean()
