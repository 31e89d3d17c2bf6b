"""How much luck there is in five minutes: twenty seeds of the recommended network.

    python benchmarks/stability.py    # an hour on two cores; finished runs are kept

Colour avatars at 32 pixels; every run sees as many pictures as five minutes hold in
time_to_quality.py, in PyTorch on one thread, as many runs at a time as there are cores. Scored on
held-out avatars by the second classifier. What comes out is shipped with the library:
`al.measured("stability")`.
"""

import sys
from pathlib import Path

import numpy as np
from scoring import row, scale
from side_by_side import train_all

import avatarlib as al
from avatarlib.evaluation import classifier

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

from keeping import keep_measured

SEEDS = range(20)


def main():
    """Train what is missing, score everything, keep the record and print the table."""
    timed, _ = al.measured("time-to-quality")
    (pictures,) = {
        row["pictures"]
        for row in timed["rows"]
        if row["name"] == "recommended" and row["minutes"] == 5
    }
    runs = {f"seed {seed}": (al.presets.small(), seed) for seed in SEEDS}
    found = train_all(Path("_build/stability"), runs, pictures)
    score_of, rows = scale("big-smile-32-second", classifier.HELD_OUT_SEED), []
    for seed, (name, of) in zip(SEEDS, found.items(), strict=True):
        score, seconds = score_of(of["images"]), round(float(of["seconds"]))
        rows.append({"seed": seed, "seconds": seconds, "pictures": pictures} | row(score))
        print(f"{name:<8} {seconds:5} s  {score}")
    distances = np.array([row["distance"] for row in rows])
    median = np.median(distances)
    near = (distances <= 2 * median).sum()
    print(f"median {median:.1f}, worst {distances.max():.1f}; within twice the median: {near}")
    shown = np.stack([of["shown"] for of in found.values()])
    keep_measured("stability", "python benchmarks/stability.py", rows, drawings=shown)


if __name__ == "__main__":
    main()
