"""How different are real people, and real pictures? From the answers that Stein et al. published.

    git clone https://github.com/layer6ai-labs/dgm-eval
    python verify/published_jury.py dgm-eval        prints the figures that the book quotes

1,036 people in 41 experiments, each judging 100 real pictures and 100 of one generator (Stein et
al. 2023, arXiv:2306.04675; the data are under the MIT licence, and not copied here).
"""

import csv
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from scipy import optimize, stats

SHOWN = 100  # pictures of each kind, to each person
PAIRS = 400  # fewer pairs of answers about one picture say too little


def rows(folder):
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                yield (path.stem, row["model"]), row


def people(folder):
    """σ of true error rates, design effect and median seconds of each experiment."""
    experiments = defaultdict(list)
    for name, row in rows(folder):
        columns = ("err_rt", "f_err_rt", "r_err_rt", "resp_time")
        experiments[name].append([float(row[column]) for column in columns])
    found = []
    for of in experiments.values():
        error, missed, alarms, seconds = np.array(of).T
        luck = (missed * (1 - missed) + alarms * (1 - alarms)).mean() / 4 / (SHOWN - 1)
        total, p = error.var(ddof=1), error.mean()
        effect = total / (p * (1 - p) / (2 * SHOWN))
        found.append((np.sqrt(total - luck), effect, np.median(seconds) / (2 * SHOWN)))
    return sum(map(len, experiments.values())), np.array(found).T


def pictures(folder):
    """Standard deviation of what is peculiar to a picture, on the scale of d′, of each experiment.

    If two people are shown one picture, both say "machine" more often than two independent people;
    the correlation of two normal variables that explains it is σ² / (1 + σ²).
    """
    counts = defaultdict(list)
    for (file, model), row in rows(folder):
        n, machine = (float(row[c]) for c in ("number_guesses", "number_guesses_generated"))
        counts[file, model, row["generated"]].append((n, machine))
    found = []
    for of in counts.values():
        n, machine = np.array(of).T
        pairs = (n * (n - 1)).sum()
        if pairs < PAIRS:
            continue
        share, both = machine.sum() / n.sum(), (machine * (machine - 1)).sum() / pairs
        z = stats.norm.ppf(share)

        def surplus(r, z=z, both=both):
            return stats.multivariate_normal.cdf([z, z], cov=[[1, r], [r, 1]]) - both

        r = optimize.brentq(surplus, 0, 0.95) if surplus(0) < 0 else 0.0
        found.append(np.sqrt(r / (1 - r)))
    return np.array(found)


def main(folder):
    total, (sigma, effect, seconds) = people(folder / "data")
    print(f"{total:,} people, {len(sigma)} experiments: median (least to most)")
    for name, of in (("sigma", sigma), ("design effect", effect), ("seconds", seconds)):
        print(f"{name:14}{np.median(of):7.3f} ({of.min():.3f} to {of.max():.3f})")
    of = pictures(folder / "per-image-data")
    print(f"pictures      {np.median(of):7.3f} (half of {len(of)}: ", end="")
    print("{:.2f} to {:.2f})".format(*np.quantile(of, [0.25, 0.75])))


if __name__ == "__main__":
    main(Path(sys.argv[1]) / "data" / "human-evaluation-realism")
