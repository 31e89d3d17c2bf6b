"""How good the drawings are after five minutes and after thirty: ours against two classics.

    python benchmarks/time_to_quality.py --minutes 5
    python benchmarks/time_to_quality.py    # and on to thirty minutes, for the best of each

Colour avatars at 32 pixels, PyTorch, all cores, one run after the other, nothing else running. The
opponents are the article's network with the article's settings, and the DCGAN paper's; each may
choose its batch size of 32, 64, 128 and 256. Before an opponent draws, the statistics of its batch
normalisation are computed afresh. Choices are made on validation avatars with one judge; the
table reports, once, on held-out avatars with another.

A run that was stopped goes on where it stopped; runs lie in _build/time-to-quality. What comes
out is shipped with the library: `al.measured("time-to-quality")`.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from drawing import DRAWN, drawings

import avatarlib as al
from avatarlib import judges
from avatarlib.files import atomic_write
from avatarlib.records import keep_measured

FOLDER = Path("_build/time-to-quality")
BATCHES = (32, 64, 128, 256)
CLASSICS = {"article": al.presets.article(32, 3), "dcgan": al.presets.dcgan()}
SHORT, LONG = 5, 30  # minutes


def main():
    """Train everything for five minutes, the best of each for thirty; print and keep the tables."""
    minutes = parse()
    runs = {"recommended": al.presets.small()}
    for name, spec in CLASSICS.items():
        runs |= {f"{name}-{batch}": with_batch(spec, batch) for batch in BATCHES}
    for name, spec in runs.items():
        train(name, spec, SHORT)
    rows = table("validation", scale("big-smile-32", judges.VALIDATION_SEED), runs, SHORT)
    distances = {row["name"]: row["distance"] for row in rows}
    best = [min((f"{of}-{batch}" for batch in BATCHES), key=distances.get) for of in CLASSICS]
    chosen = ["recommended", *best]
    report = scale("big-smile-32-second", judges.HELD_OUT_SEED)
    for length in (SHORT, LONG) if minutes == LONG else (SHORT,):
        for name in chosen:
            train(name, runs[name], length)
        rows += table("held-out", report, chosen, length)
    shown = np.stack([load(row["name"], row["minutes"])["shown"] for row in rows])
    keep_measured("time-to-quality", "python benchmarks/time_to_quality.py", rows, drawings=shown)


def parse():
    """The minutes that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, choices=(SHORT, LONG), default=LONG)
    return parser.parse_args().minutes


def with_batch(spec, batch):
    """A spec with another batch size."""
    return replace(spec, game=replace(spec.game, batch=batch))


def scale(judge, data_seed):
    """A judge with 5,000 avatars that no generator has seen."""
    real = al.data.render("big-smile", DRAWN, 32, data_seed, progress=False)
    return judges.Scale(judges.load(judge), real)


def train(name, spec, minutes):
    """Train to so many minutes in all, and draw; nothing is done twice."""
    if drawings_file(name, minutes).exists():
        return
    avatars = al.data.render("big-smile", 20_000, 32, 0)
    print(f"{name} to {minutes} minutes")
    run = al.train(
        spec,
        avatars,
        minutes=minutes,
        out=FOLDER / name,
        framework="torch",
        sample_every=10**9,
    )
    pictures = run.gan.steps * spec.game.batch
    with atomic_write(drawings_file(name, minutes)) as file:
        np.savez(file, **drawings(run.gan), pictures=pictures, seconds=run.seconds)


def drawings_file(name, minutes):
    """Where the drawings of a run after so many minutes are kept."""
    return FOLDER / f"{name}-{minutes}min.npz"


def load(name, minutes):
    """What was drawn by a run after so many minutes."""
    with np.load(drawings_file(name, minutes)) as file:
        return dict(file)


def table(split, score, names, minutes):
    """Score the runs after so many minutes, print the table and return its rows."""
    print(f"\nafter {minutes} minutes, {split} avatars")
    print(f"{'':<14}{'distance':>10}{'rarest':>9}  {'':<28}{'pictures':>10}")
    rows = []
    for name in names:
        found = load(name, minutes)
        result, pictures = score(found["images"]), int(found["pictures"])
        attribute, value, ratio = result.rarest
        rarest = f"{attribute} {value}"
        print(f"{name:<14}{result.distance:>10.1f}{ratio:>9.2f}  {rarest:<28}{pictures:>10,}")
        row = {"split": split, "minutes": minutes, "name": name, "pictures": pictures}
        row |= {"distance": round(result.distance, 1), "floor": round(result.floor, 1)}
        rows.append(row | {"rarest": list(result.rarest)})
    print(f"{'real avatars':<14}{result.floor:>10.1f}")
    return rows


if __name__ == "__main__":
    main()
