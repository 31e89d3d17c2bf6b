"""How long scores take: this library against the usual calculations, on the same arrays.

    python benchmarks/metrics.py

One thread, float64, 2,048 features that are like Inception's: not negative, a quarter of them 0,
correlated, with a covariance of full rank at 5,000 whose eigenvalues span six orders of magnitude.
(Steep: nine and a half orders, harder for a Cholesky factor.)
The opponents take turns with the library, so that all meet the same machine; counted are the
processor's seconds, which one thread has as the clock has them, if nothing else runs.

* torchmetrics: its `_compute_fid` (eigenvalues of S1 S2), with statistics from sums of products as
  its metric keeps them, and its polynomial kernel distance on one full subset.
* sqrtm: SciPy's square root of S1 S2, which pytorch-fid and clean-fid call: alone, and with the
  statistics and the product that it needs.
* prdc: all distances at once, three matrices in memory.

Ours start from the features. Memory is the most that NumPy held beyond the inputs; what PyTorch
holds is not counted.
"""

# ruff: noqa: E402  (the number of threads is read when a library loads)
import contextlib
import io
import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import platform
import statistics
import time
import tracemalloc

import numpy as np
import prdc as package
import scipy
import torch
import torchmetrics
from torchmetrics.image import fid, kid

from avatarlib.core.randomness import generator
from avatarlib.metrics import (
    frechet_distance,
    frechet_from_statistics,
    kernel_distance,
    prdc,
)

WIDTH = 2048
TURNS = 7
FEW_TURNS = 3  # where a turn takes minutes


def features(n, stream, power):
    """float64 (n, 2048): rectified mixtures of factors whose strength falls as a power."""
    strength = np.arange(1, WIDTH + 1.0) ** -power
    mix = generator(0, "mix").normal(size=(WIDTH, WIDTH)) * strength / np.linalg.norm(strength)
    return np.maximum(generator(0, stream).normal(size=(n, WIDTH)) @ mix.T / 2 + 0.25, 0)


def pair(n, power=1.0):
    return features(n, "real", power), 1.05 * features(n, "generated", power) + 0.01


def statistics_of(x):
    """Mean and covariance as torchmetrics accumulates them: from sums, in float64."""
    x = torch.from_numpy(x)
    total, products, n = x.sum(dim=0), x.t().mm(x), len(x)
    mean = total / n
    return mean, (products - n * mean[:, None] * mean[None]) / (n - 1)


def torchmetrics_frechet(real, generated):
    return float(fid._compute_fid(*statistics_of(real), *statistics_of(generated)))


def square_root(real, generated):
    """The whole calculation with SciPy's square root, as pytorch-fid and clean-fid have it."""
    means = [x.mean(axis=0) for x in (real, generated)]
    covs = [np.cov(x, rowvar=False) for x in (real, generated)]
    cross = np.trace(scipy.linalg.sqrtm(covs[0] @ covs[1]).real)
    return float(((means[0] - means[1]) ** 2).sum() + np.trace(covs[0] + covs[1]) - 2 * cross)


def frechet_contestants(real, generated):
    ready = [*statistics_of(real), *statistics_of(generated)]
    arrays = [tensor.numpy() for tensor in ready]
    product = arrays[1] @ arrays[3]
    return {
        "ours": lambda: frechet_distance(real, generated),
        "torchmetrics": lambda: torchmetrics_frechet(real, generated),
        "with scipy's sqrtm": lambda: square_root(real, generated),
        "scipy's sqrtm alone": lambda: scipy.linalg.sqrtm(product),
        "torchmetrics, statistics given": lambda: float(fid._compute_fid(*ready)),
        "ours, statistics given": lambda: frechet_from_statistics(*arrays),
    }


def kernel_contestants(real, generated):
    x, y = torch.from_numpy(real), torch.from_numpy(generated)
    return {
        "ours, with its error": lambda: float(kernel_distance(real, generated)),
        "torchmetrics": lambda: float(kid.poly_mmd(x, y)),
    }


def prdc_values(real, generated):
    with contextlib.redirect_stdout(io.StringIO()):
        return float(package.compute_prdc(real, generated, 5)["coverage"])


def neighbour_contestants(real, generated):
    return {
        "ours, with errors": lambda: prdc(real, generated)["coverage"].value,
        "prdc": lambda: prdc_values(real, generated),
    }


def alternate(contestants, turns):
    """Name -> the processor's seconds of each turn, what it found, its megabytes."""
    seconds, found, held = {name: [] for name in contestants}, {}, {}
    tracemalloc.start()  # NumPy reports its arrays; PyTorch does not
    for _ in range(turns):
        for name, run in contestants.items():
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            start = time.process_time()
            found[name] = run()
            seconds[name].append(time.process_time() - start)
            held[name] = (tracemalloc.get_traced_memory()[1] - before) / 1e6
    tracemalloc.stop()
    return seconds, found, held


def print_rows(title, seconds, found, held):
    """One line a contestant: median, least, most, ratio to ours (median of the turns' ratios)."""
    ours = next(iter(seconds.values()))
    for name, times in seconds.items():
        ratios = [a / b for a, b in zip(times, ours, strict=True)]
        value = f"{found[name]:.8g}" if isinstance(found[name], float) else "-"
        memory = "-" if "torch" in name else f"{held[name]:.0f} MB"
        print(
            f"{title:24}{name:32}{statistics.median(times):9.3f}{min(times):9.3f}{max(times):9.3f}"
            f"{statistics.median(ratios):8.2f}   {min(ratios):6.2f} to {max(ratios):6.2f}"
            f"{value:>13}{memory:>10}",
            flush=True,
        )


def main():
    torch.set_num_threads(1)
    print(
        f"one thread, d = {WIDTH:,}, Python {platform.python_version()}, numpy {np.__version__}, "
        f"scipy {scipy.__version__}, torch {torch.__version__}, "
        f"torchmetrics {torchmetrics.__version__}\n\n"
        f"{'':56}{'median s':>9}{'least':>9}{'most':>9}{'/ ours':>8}   of the turns  "
        f"{'value':>13}{'memory':>10}",
        flush=True,
    )
    for n in (5000, 500):
        print_rows(f"Fréchet, n = {n:,}", *alternate(frechet_contestants(*pair(n)), TURNS))
    steep = frechet_contestants(*pair(5000, power=2.0))
    steep = {name: run for name, run in steep.items() if "scipy" not in name}
    print_rows("the same, 5,000, steep", *alternate(steep, TURNS))
    print_rows("kernel, n = 5,000", *alternate(kernel_contestants(*pair(5000)), TURNS))
    print_rows("neighbours, n = 5,000", *alternate(neighbour_contestants(*pair(5000)), FEW_TURNS))
    print_rows("neighbours, n = 10,000", *alternate(neighbour_contestants(*pair(10_000)), 1))


if __name__ == "__main__":
    main()
