"""The plain PyTorch loop that a good engineer would write for one card, for the same networks.

Everything is on the card: pictures, batches, latents. Nothing is copied back in a step, tensors lie
channels last, the optimiser is fused, and the step is recorded as a CUDA graph (or left as it is,
for comparison). The networks and the loop share no code with avatarlib; the article's are those of
benchmarks/step.py.
"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from step import torch_networks  # noqa: F401

SMALL = {32: (128, 64, 32, 32)}
MEDIUM = {32: (256, 128, 64, 32), 64: (256, 128, 64, 32, 32)}


class Skips(nn.Module):
    """The recommended generator: every size paints over the enlarged picture of the one before."""

    def __init__(self, widths, size, channels=3, latent=64):
        super().__init__()
        self.start, self.first = size // 2 ** (len(widths) - 1), widths[0]
        self.dense = nn.Linear(latent, self.start**2 * widths[0], bias=False)
        pairs = zip(widths, widths[1:], strict=False)
        self.ups = nn.ModuleList(nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False) for a, b in pairs)
        self.norms = nn.ModuleList(nn.BatchNorm2d(w) for w in widths)
        self.paints = nn.ModuleList(nn.Conv2d(w, channels, 1) for w in widths)

    def forward(self, z):
        h = self.dense(z).view(-1, self.start, self.start, self.first).permute(0, 3, 1, 2)
        picture = None
        for i, (norm, paint) in enumerate(zip(self.norms, self.paints, strict=True)):
            h = F.leaky_relu(norm(self.ups[i - 1](h) if i else h), 0.2)
            picture = paint(h) + (F.interpolate(picture, scale_factor=2) if i else 0)
        return torch.tanh(picture)


def recommended(widths, size):
    """Generator and discriminator as `small` and `medium` have them."""
    layers, before = [], 3
    for width in reversed(widths[:-1]):
        layers += [nn.Conv2d(before, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        before = width
    end = size // 2 ** (len(widths) - 1)
    discriminator = nn.Sequential(*layers, nn.Flatten(), nn.Linear(before * end * end, 1))
    return Skips(widths, size), discriminator


class Plain:
    """A training loop. `step()` takes one step; `read()` gives the last losses.

    Args:
        networks: (generator, discriminator).
        images: uint8 (n, channels, height, width), on the card.
        batch: pictures in a batch.
        gamma: weight of R1 and R2 with relativistic pairs; 0 for the article's game.
        recorded: whether the step is a CUDA graph.
    """

    def __init__(self, networks, images, batch, gamma=0.0, recorded=True):
        self.g, self.d = (n.cuda().to(memory_format=torch.channels_last) for n in networks)
        self.images, self.batch, self.gamma = images, batch, gamma
        self.latent = 64 if gamma else 100
        betas, rate = ((0.0, 0.99), 7e-4) if gamma else ((0.9, 0.999), 1e-4)
        same = {"betas": betas, "fused": True, "capturable": True}
        self.opt_g = torch.optim.Adam(self.g.parameters(), torch.tensor(rate).cuda(), **same)
        self.opt_d = torch.optim.Adam(self.d.parameters(), torch.tensor(rate).cuda(), **same)
        self.average = [p.detach().clone() for p in self.g.parameters()]
        self.losses = torch.zeros(2, device="cuda")
        work = self._relativistic if gamma else self._article
        self.step = record(work) if recorded else work

    def read(self):
        return self.losses.tolist()

    def _batch(self):
        rows = torch.randint(len(self.images), (self.batch,), device="cuda")
        real = self.images[rows].float().div_(127.5).sub_(1)
        return real, torch.randn(self.batch, self.latent, device="cuda")

    def _move(self, optimizer, network, gradients):
        for parameter, gradient in zip(network.parameters(), gradients, strict=True):
            parameter.grad = gradient.contiguous(
                memory_format=torch.channels_last if gradient.ndim == 4 else torch.contiguous_format
            )
        optimizer.step()

    def _article(self):
        real, z = self._batch()
        fake = self.g(z)
        told_fake, told_real = self.d(fake), self.d(real)
        loss_d = F.softplus(-told_real).mean() + F.softplus(told_fake).mean()
        loss_g = F.softplus(-told_fake).mean()
        gradients_g = torch.autograd.grad(loss_g, list(self.g.parameters()), retain_graph=True)
        gradients_d = torch.autograd.grad(loss_d, list(self.d.parameters()))
        self._move(self.opt_g, self.g, gradients_g)
        self._move(self.opt_d, self.d, gradients_d)
        self.losses.copy_(torch.stack([loss_d, loss_g]).detach())

    def _relativistic(self):
        real, z = self._batch()
        fake = self.g(z)
        both = [real.requires_grad_(), fake.detach().requires_grad_()]
        told = [self.d(x) for x in both]
        slopes = torch.autograd.grad([t.sum() for t in told], both, create_graph=True)
        penalty = sum(s.flatten(1).square().sum(1).mean() for s in slopes)
        loss_d = F.softplus(told[1] - told[0]).mean()
        total = loss_d + self.gamma / 2 * penalty
        self._move(self.opt_d, self.d, torch.autograd.grad(total, list(self.d.parameters())))
        with torch.no_grad():
            told_real = self.d(real)
        told_fake = self.d(fake)
        loss_g = F.softplus(told_real - told_fake).mean()
        self._move(self.opt_g, self.g, torch.autograd.grad(loss_g, list(self.g.parameters())))
        torch._foreach_lerp_(self.average, [p.detach() for p in self.g.parameters()], 0.001)
        self.losses.copy_(torch.stack([loss_d, loss_g]).detach())


def record(work, warm_up=3):
    """A CUDA graph of the work, as PyTorch's manual describes it."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(warm_up):
            work()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay
