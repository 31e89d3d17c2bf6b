"""Our scores and those of torch-fidelity and pytorch-fid on the same float64 features.

    pytest verify/test_metric_libraries.py     makes the environment, and runs this there

Those two pull torchvision, and with it another torch, so they do not live in .venv. It prints a
table, writes it to metric_libraries.md beside this file, and ends with 1 if a row misses its limit.
"""

import datetime
import importlib.metadata
import platform
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch_fidelity
from pytorch_fid.fid_score import calculate_frechet_distance
from torch_fidelity import metric_fid, metric_isc, metric_kid, metric_prc
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from avatarlib import metrics

TABLE = Path(__file__).with_name("metric_libraries.md")
RNG = np.random.default_rng(0)


def clouds(n, m, d, step, wide):
    """Rectified features, correlated, as a network's are; n real and m generated."""
    mix = RNG.normal(size=(d, d)) * np.arange(1, d + 1) ** -0.3 / 4
    return (
        np.maximum(RNG.normal(size=(n, d)) @ mix.T + 0.3, 0),
        np.maximum(wide * RNG.normal(size=(m, d)) @ mix.T + 0.3 + step, 0),
    )


def frechet_rows():
    """Relative differences; pytorch-fid's square root of a matrix has fewer digits."""
    for n, m, d, step, wide in ((3000, 2000, 64, 0.2, 1.1), (2000, 1500, 512, 0.01, 1.0)):
        real, generated = clouds(n, m, d, step, wide)
        ours = metrics.frechet_distance(real, generated)
        both = [
            metric_fid.fid_features_to_statistics(torch.from_numpy(f)) for f in (real, generated)
        ]
        theirs = metric_fid.fid_statistics_to_metric(*both, verbose=False)
        name = f"Fréchet distance, {n:,} against {m:,}, d = {d}"
        yield name, "torch-fidelity", ours, theirs[metric_fid.KEY_METRIC_FID], 1e-10
        statistics = [s[key] for s in both for key in ("mu", "sigma")]
        theirs = float(calculate_frechet_distance(*statistics))
        yield name, "pytorch-fid", ours, theirs, 1e-8
        ours = metrics.frechet_from_statistics(*statistics)
        yield name + ", from statistics", "pytorch-fid", ours, theirs, 1e-8


def kernel_rows():
    for d, step in ((64, 0.2), (512, 0.01)):
        real, generated = clouds(1000, 1000, d, step, 1.1)
        theirs = metric_kid.kid_features_to_metric(
            torch.from_numpy(generated),
            torch.from_numpy(real),
            kid_subsets=1,
            kid_subset_size=1000,
            verbose=False,
        )[metric_kid.KEY_METRIC_KID_MEAN]
        ours = metrics.kernel_distance(real, generated).value
        yield (
            f"kernel distance, 1,000 against 1,000, d = {d}",
            "torch-fidelity",
            ours,
            theirs,
            1e-12,
        )


def inception_rows():
    logits = 3 * RNG.normal(size=(2000, 10))
    theirs = metric_isc.isc_features_to_metric(torch.from_numpy(logits), splits=1, shuffle=False)
    ours = metrics.inception_score(logits).value
    theirs = theirs[metric_isc.KEY_METRIC_ISC_MEAN]
    yield "Inception Score, 2,000 pictures, 10 classes", "torch-fidelity", ours, theirs, 1e-12


def neighbour_rows():
    """No limit but equality. Their arguments stand the other way round: generated, real."""
    for n, m, d, wide in ((1000, 800, 16, 0.8), (800, 1000, 64, 1.1)):
        real, generated = clouds(n, m, d, 0.02, wide)
        pair = torch.from_numpy(generated), torch.from_numpy(real)
        theirs = metric_prc.calculate_precision_recall_full(*pair, 3)
        found = metrics.prdc(real, generated)
        for name, value, size in zip(("precision", "recall"), theirs, (m, n), strict=True):
            # They take the mean in single precision; the count of pictures is what can be equal.
            value = round(value * size) / size
            label = f"{name}, {n:,} against {m:,}, d = {d}"
            yield label, "torch-fidelity", found[name].value, value, 0.0


class Untrained(FeatureExtractorInceptionV3):
    """The original Inception network with weights from chance."""

    def load_state_dict(self, *_):
        for name, weights in self.named_parameters():
            if "conv" in name:
                torch.nn.init.kaiming_normal_(weights)
        torch.nn.init.normal_(self.fc.weight, std=0.3)


def inception_network_rows(folder):
    """`features.inception` with a file of weights, and torch-fidelity from pictures to scores.

    The real weights are a download of 95 MB; the route does not depend on what is in the file.
    With fewer pictures than features, the eigenvalues of their product have eight digits only.
    """
    from avatarlib.evaluation import extractors

    torch.manual_seed(0)
    path = Path(folder) / "weights.pth"
    torch.save({}, path)
    torch.save(
        Untrained("untrained", ["2048"], feature_extractor_weights_path=path).state_dict(), path
    )
    real = RNG.integers(0, 256, (60, 1, 1, 3)) + RNG.integers(-60, 60, (60, 32, 32, 3))
    real = np.clip(real, 0, 255).astype(np.uint8)
    generated = real[:40, ::-1] // 2 + 60
    looked = [extractors.inception(weights=path).look(pictures) for pictures in (generated, real)]
    tensors = [torch.from_numpy(p.transpose(0, 3, 1, 2).copy()) for p in (generated, real)]
    theirs = torch_fidelity.calculate_metrics(
        input1=Pictures(tensors[0]),
        input2=Pictures(tensors[1]),
        feature_extractor_weights_path=str(path),
        fid=True,
        isc=True,
        isc_splits=1,
        cuda=False,
        batch_size=20,
        save_cpu_ram=True,
        verbose=False,
    )
    ours = metrics.frechet_distance(looked[1][0], looked[0][0])
    name = "FID from pictures, untrained Inception"
    yield name, "torch-fidelity", ours, theirs[metric_fid.KEY_METRIC_FID], 1e-5
    ours = metrics.inception_score(looked[0][1]).value
    name = "Inception Score from pictures, untrained Inception"
    yield name, "torch-fidelity", ours, theirs[metric_isc.KEY_METRIC_ISC_MEAN], 1e-6


class Pictures(torch.utils.data.Dataset):
    """Pictures as torch-fidelity takes them: uint8 (channels, height, width)."""

    def __init__(self, tensors):
        self.tensors = tensors

    def __len__(self):
        return len(self.tensors)

    def __getitem__(self, index):
        return self.tensors[index]


def all_rows():
    yield from frechet_rows()
    yield from kernel_rows()
    yield from inception_rows()
    yield from neighbour_rows()
    with tempfile.TemporaryDirectory() as folder:
        yield from inception_network_rows(folder)


def main():
    names = ("torch-fidelity", "pytorch-fid", "torch", "numpy", "scipy")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    lines = [
        "# Our scores and other libraries'",
        "",
        f"Written by `pytest verify/test_metric_libraries.py` on {datetime.date.today()}; Python "
        f"{platform.python_version()}, {versions}.",
        "",
        "| score | library | ours | theirs | relative difference | limit |",
        "|---|---|--:|--:|--:|--:|",
    ]
    missed = 0
    for name, library, ours, theirs, limit in all_rows():
        difference = abs(ours - theirs) / max(abs(theirs), sys.float_info.min)
        missed += not difference <= limit
        lines.append(
            f"| {name} | {library} | {ours:.15g} | {theirs:.15g} | {difference:.1g} | {limit:g} |"
        )
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return missed > 0


if __name__ == "__main__":
    sys.exit(main())
