"""The game once more, in NumPy, without autograd: the truth that both twins are held against.

Derivatives come from an imaginary step: f(w + ih) = f(w) + ih f'(w) + O(h²), and with h = 1e-30
nothing is left of the error. So every function here must take complex numbers: no abs, no norm.
Slow, and written from the papers' formulas, not from the library.
"""

import numpy as np

from avatarlib.core.pixels import to_float
from avatarlib.training.draws import draw
from avatarlib.training.initial import initial_weights

H = 1e-30
AVERAGED = ("/mean", "/variance", "/u")


def gradient(function, arrays, names):
    """The derivatives of a number by every entry of the named arrays."""
    found = {}
    for name in names:
        found[name] = np.empty(arrays[name].shape)
        for i in np.ndindex(arrays[name].shape):
            moved = arrays[name].astype(complex)
            moved[i] += 1j * H
            found[name][i] = function({**arrays, name: moved}).imag / H
    return found


# --------------------------------------------------------------------------------------- networks


def conv(h, kernel, stride):
    """A window's inner product with the kernel; the zeros' smaller half stands before."""
    k, size = kernel.shape[0], h.shape[1]
    zeros = max(k + (-(-size // stride) - 1) * stride - size, 0)
    edge = (zeros // 2, zeros - zeros // 2)
    padded = np.pad(h, ((0, 0), edge, edge, (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (k, k), axis=(1, 2))
    return np.einsum("nhwcij,ijco->nhwo", windows[:, ::stride, ::stride], kernel)


def conv_transpose(h, kernel, stride):
    """Every input pixel stamps the kernel into the output, `stride` apart."""
    n, size, _, _ = h.shape
    k = kernel.shape[0]
    full = np.zeros((n, *(stride * (size - 1) + k,) * 2, kernel.shape[2]), complex)
    for i in range(k):
        for j in range(k):
            stamp = np.einsum("nhwc,oc->nhwo", h, kernel[i, j])
            full[:, i : i + stride * size : stride, j : j + stride * size : stride] += stamp
    zeros = max(k - stride, 0)
    before = zeros // 2
    return full[:, before : before + stride * size, before : before + stride * size]


def run(layers, w, x, condition=None, masks=(), seen=None):
    """A network in training mode; `seen` collects batch normalisation's statistics."""
    h, masks, picture = x, iter(masks), 0
    for layer in layers:
        kind, name = type(layer).__name__, getattr(layer, "name", None)

        def part(of, name=name):
            kernel, u = w[f"{name}/{of}"], w.get(f"{name}/{of}/u")
            if u is None:
                return kernel
            matrix = kernel.reshape(-1, kernel.shape[-1])
            v = (matrix @ u).real
            v = v / np.sqrt((v * v).sum())
            return kernel / (v @ (matrix @ u))

        if kind == "Dense":
            h = h @ part("kernel") + (w[f"{name}/bias"] if layer.bias else 0)
        elif kind == "Conv":
            h = conv(h, part("kernel"), layer.stride) + (w[f"{name}/bias"] if layer.bias else 0)
        elif kind == "ConvTranspose":
            h = conv_transpose(h, part("kernel"), layer.stride)
            h = h + (w[f"{name}/bias"] if layer.bias else 0)
        elif kind == "BatchNorm":
            axes = tuple(range(h.ndim - 1))
            mean = h.sum(axes) / (h.size // h.shape[-1])
            variance = ((h - mean) ** 2).sum(axes) / (h.size // h.shape[-1])
            if seen is not None:
                seen.append((layer, mean.real, variance.real))
            h = (h - mean) / np.sqrt(variance + layer.epsilon)
            h = h * w[f"{name}/gamma"] + w[f"{name}/beta"]
        elif kind == "LeakyReLU":
            h = np.where(h.real > 0, h, layer.slope * h)
        elif kind == "Tanh":
            h = np.tanh(h)
        elif kind == "Dropout":
            mask = next(masks, None)
            h = h if mask is None else h * mask / (1 - layer.rate)
        elif kind in ("Reshape", "Flatten"):
            h = h.reshape(len(h), *layer.after(h.shape[1:]))
        elif kind == "Embed":
            h = np.concatenate([h, condition @ part("kernel")], axis=1)
        elif kind == "Project":
            logit = h @ part("kernel") + w[f"{name}/bias"]
            h = logit + (h * (condition @ part("embedding"))).sum(1, keepdims=True)
        elif kind == "ToRGB":
            picture = np.kron(picture, np.ones((2, 2, 1))) if np.ndim(picture) else 0
            picture = picture + h @ part("kernel")[0, 0] + w[f"{name}/bias"]
        elif kind == "SkipOutput":
            h = picture
        else:
            raise AssertionError(kind)
    return h


def squared_slopes(layers, w, x):
    """‖∇ₓ D(x)‖² of each point, by the chain rule; dense layers and leaky ReLUs only."""
    h, chain = x, np.eye(x.shape[1])[None] + np.zeros((len(x), 1, 1))
    for layer in layers:
        if type(layer).__name__ == "Dense":
            h = h @ w[f"{layer.name}/kernel"] + w[f"{layer.name}/bias"]
            chain = chain @ w[f"{layer.name}/kernel"]
        else:
            slopes = np.where(h.real > 0, 1, layer.slope)
            h, chain = h * slopes, chain * slopes[:, None]
    return (chain[:, :, 0] ** 2).sum(1)


def translate(images, shift):
    """np.roll, with what came in from the other side painted 0."""
    if shift is None:
        return images
    moved = np.zeros_like(images)
    for image, (down, right), out in zip(images, shift, moved, strict=True):
        rolled = np.roll(image, (down, right), axis=(0, 1))
        height, width = image.shape[:2]
        rows, columns = np.arange(height) - down, np.arange(width) - right
        inside = ((rows >= 0) & (rows < height))[:, None] & (columns >= 0) & (columns < width)
        out[...] = rolled * inside[:, :, None]
    return moved


# ------------------------------------------------------------------------------------------- losses


def softplus(x):
    return np.log(1 + np.exp(x))


def relu(x):
    return np.where(x.real > 0, x, 0)


CROSS_ENTROPY = lambda r, f: (softplus(-r) + softplus(f)).mean()  # noqa: E731
LOSSES = {
    "minimax": (CROSS_ENTROPY, lambda r, f: -softplus(f).mean()),
    "non-saturating": (CROSS_ENTROPY, lambda r, f: softplus(-f).mean()),
    "hinge": (lambda r, f: (relu(1 - r) + relu(1 + f)).mean(), lambda r, f: -f.mean()),
    "wasserstein": (lambda r, f: (f - r).mean(), lambda r, f: -f.mean()),
    "relativistic": (
        lambda r, f: softplus(-(r - f)).mean(),
        lambda r, f: softplus(-(f - r)).mean(),
    ),
}
GENERATOR_SEES_REAL = ("relativistic",)


# --------------------------------------------------------------------------------------------- game


class Training:
    """A GAN's whole training, by the rules of a spec."""

    def __init__(self, spec, seed):
        self.spec, self.seed, self.steps = spec, seed, 0
        self.w = {
            player: {k: a.astype(float) for k, a in initial_weights(spec, player, seed).items()}
            for player in ("generator", "discriminator")
        }
        self.average = dict(self.w["generator"]) if spec.config.ema_half_life else None
        self.learned = {p: [k for k in w if not k.endswith(AVERAGED)] for p, w in self.w.items()}
        self.moves = dict.fromkeys(self.w, 0)
        self.moments = {
            p: {f"{k}/{m}": np.zeros(w[k].shape) for k in self.learned[p] for m in "mv"}
            for p, w in self.w.items()
        }

    def step(self, real, z, condition=None, progress=0.0):
        """(L_D, L_G, R1, R2, gradient penalty, real logits, generated logits)."""
        spec, config = self.spec, self.spec.config
        draws = draw(spec, self.seed, self.steps, len(z))
        loss_of_d, loss_of_g = LOSSES[config.loss]
        penalised = self.steps % config.penalty_every == 0
        moves = self.steps % config.generator_every == config.generator_every - 1
        rate = config.final_lr_fraction
        if progress < 0.5:
            rate = 1.0
        else:
            rate += (1 - rate) * (1 + np.cos(np.pi * (2 * progress - 1))) / 2
        real = translate(to_float(real).astype(float), draws.real.shift)

        def drawing(w, seen=None):
            h = run(spec.generator, w, z.astype(float), condition, seen=seen)
            return translate(h, draws.fake.shift)

        def logits(w, images, half, seen=None):
            return run(spec.discriminator, w, images, condition, half.masks, seen)

        # Spectral norm's vectors move first.
        d = self.w["discriminator"]
        for name in [name for name in d if name.endswith("/u")]:
            matrix = d[name[:-2]].reshape(-1, d[name].size)
            u = matrix.T @ (matrix @ d[name])
            d[name] = u / np.sqrt(u @ u)

        of_g, of_d = [], []
        fake = drawing(self.w["generator"], of_g).real
        r, f = logits(d, real, draws.real, of_d).real, logits(d, fake, draws.fake, of_d).real
        losses = [loss_of_d(r, f), loss_of_g(r, f)]

        def penalties(w):
            r1 = r2 = between = 0.0
            if penalised and config.r1:
                r1 = squared_slopes(spec.discriminator, w, real).mean()
            if penalised and config.r2:
                r2 = squared_slopes(spec.discriminator, w, fake).mean()
            if penalised and config.gradient_penalty:
                share = draws.share.astype(float)
                places = share * real + (1 - share) * fake
                slopes = np.sqrt(squared_slopes(spec.discriminator, w, places) + 1e-12)
                between = ((slopes - 1) ** 2).mean()
            return r1, r2, between

        def total_d(w):
            r1, r2, between = penalties(w)
            penalty = config.r1 / 2 * r1 + config.r2 / 2 * r2 + config.gradient_penalty * between
            loss = loss_of_d(logits(w, real, draws.real), logits(w, fake, draws.fake))
            return loss + config.penalty_every * penalty

        told = [*losses, *penalties(d)]
        old_d = dict(d)
        gradients_d = gradient(total_d, d, self.learned["discriminator"])
        self._adam("discriminator", gradients_d, config.lr_d * rate)
        opponent = old_d if config.update_order == "simultaneous" else d

        if moves:
            g = self.w["generator"]
            if config.update_order == "alternating":
                if config.loss in GENERATOR_SEES_REAL:
                    logits(opponent, real, draws.real, of_d)
                logits(opponent, fake, draws.fake, of_d)
            now = logits(opponent, real, draws.real)

            def total_g(w):
                return loss_of_g(now, logits(opponent, drawing(w), draws.fake))

            told[1] = total_g(g).real  # what the generator minimises: against this opponent
            gradients_g = gradient(total_g, g, self.learned["generator"])
            self._adam("generator", gradients_g, config.lr_g * rate)
        self._take_in(self.w["generator"], of_g)
        self._take_in(d, of_d)
        if moves and self.average is not None:
            self._average()
        self.steps += 1
        return *told, r[:, 0], f[:, 0]

    def _adam(self, player, gradients, rate):
        """Kingma and Ba 2015, algorithm 1, line by line."""
        config, moments = self.spec.config, self.moments[player]
        self.moves[player] = t = self.moves[player] + 1
        for name, g in gradients.items():
            m = config.beta1 * moments[f"{name}/m"] + (1 - config.beta1) * g
            v = config.beta2 * moments[f"{name}/v"] + (1 - config.beta2) * g**2
            m_hat, v_hat = m / (1 - config.beta1**t), v / (1 - config.beta2**t)
            self.w[player][name] = self.w[player][name] - rate * m_hat / (
                np.sqrt(v_hat) + config.epsilon
            )
            moments[f"{name}/m"], moments[f"{name}/v"] = m, v

    def _take_in(self, w, seen):
        for layer, mean, variance in seen:
            for part, now in (("mean", mean), ("variance", variance)):
                name = f"{layer.name}/{part}"
                w[name] = layer.momentum * w[name] + (1 - layer.momentum) * now

    def _average(self):
        config = self.spec.config
        pictures = self.steps * config.batch
        half_life = min(config.ema_half_life, config.ema_rampup * pictures)
        keep = 2 ** -(config.batch / half_life) if half_life > 0 else 0.0
        for name, now in self.w["generator"].items():
            old = self.average[name]
            self.average[name] = now if name.endswith(AVERAGED) else keep * old + (1 - keep) * now

    def state(self):
        """As `GAN.state` gives it."""
        found = {}
        for player, w in self.w.items():
            found |= {f"{player}/{k}": a for k, a in w.items()}
            found |= {f"{player}/{k}": a for k, a in self.moments[player].items()}
        if self.average is not None:
            found |= {f"average/{k}": a for k, a in self.average.items()}
        return found
