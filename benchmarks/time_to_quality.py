"""How good the drawings are after five minutes and after thirty: ours against two classics.

    python benchmarks/time_to_quality.py --minutes 5
    python benchmarks/time_to_quality.py    # and on to thirty minutes, for the best of each

Colour avatars at 32 pixels, PyTorch, all cores, one run after the other, nothing else running. The
opponents are the article's network with the article's settings, and the DCGAN paper's; each may
choose its batch size of 32, 64, 128 and 256. Before an opponent draws, the statistics of its batch
normalisation are computed afresh. Choices are made on validation avatars with one classifier; the
table reports, once, on held-out avatars with another.

A run that was stopped goes on where it stopped; runs lie in _build/time-to-quality. What comes
out is shipped with the library: `al.measured("time-to-quality")`, and the article's generator at
six moments of its half hour: `al.through_training("article-32")`.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from scoring import draw, keep, kept, recalibrated, row, scale

import avatarlib as al
from avatarlib.core.arrays import load_arrays
from avatarlib.evaluation import classifier
from avatarlib.training.spec import Spec
from avatarlib.zoo.quantisation import dequantise, quantise

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

from keeping import keep_generator, keep_measured

FOLDER = Path("_build/time-to-quality")
BATCHES = (32, 64, 128, 256)
CLASSICS = {"article": al.presets.article(32, 3), "dcgan": al.presets.dcgan()}
SHORT, LONG = 5, 30  # minutes
MOMENTS = (1, 2, 5, 10, 20, 30)  # minutes, at which generators are kept
BITS = (3, 3, 3, 3, 4, 4)  # of each of their weights, so that all fit into eight megabytes


def main():
    """Train everything for five minutes, the best of each for thirty; print and keep the tables."""
    minutes = parse()
    runs = {"recommended": al.presets.small()}
    for name, spec in CLASSICS.items():
        runs |= {f"{name}-{batch}": with_batch(spec, batch) for batch in BATCHES}
    for name, spec in runs.items():
        train(name, spec, SHORT)
    choose = scale("big-smile-32", classifier.VALIDATION_SEED)
    rows = table("validation", choose, runs, SHORT)
    distances = {of["name"]: of["distance"] for of in rows}
    best = [min((f"{of}-{batch}" for batch in BATCHES), key=distances.get) for of in CLASSICS]
    chosen = {name: runs[name] for name in ("recommended", *best)}
    report = scale("big-smile-32-second", classifier.HELD_OUT_SEED)
    for length in (SHORT, LONG) if minutes == LONG else (SHORT,):
        for name, spec in chosen.items():
            train(name, spec, length)
        rows += table("held-out", report, chosen, length)
    shown = np.stack([drawn(of["name"], runs[of["name"]], of["minutes"])["shown"] for of in rows])
    keep_measured("time-to-quality", "python benchmarks/time_to_quality.py", rows, drawings=shown)
    if minutes == LONG:
        keep_through_training(best[0], choose)


def parse():
    """The minutes that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, choices=(SHORT, LONG), default=LONG)
    return parser.parse_args().minutes


def with_batch(spec, batch):
    """A spec with another batch size."""
    return replace(spec, config=replace(spec.config, batch=batch))


def train(name, spec, minutes):
    """Train to so many minutes in all, and draw; nothing is done twice."""
    if drawn(name, spec, minutes):
        return
    avatars = al.data.render("big-smile", 20_000, 32, 0)
    print(f"{name} to {minutes} minutes")
    run = al.train(
        spec,
        avatars,
        minutes=minutes,
        out=FOLDER / name,
        backend="torch",
        sample_every=10**9,
        keep_at=tuple(moment / minutes for moment in MOMENTS),
    )
    keep(drawings_file(name, minutes), made_of(spec, minutes), run)


def drawn(name, spec, minutes):
    """What was drawn by a run after so many minutes, or None."""
    return kept(drawings_file(name, minutes), made_of(spec, minutes))


def drawings_file(name, minutes):
    """Where the drawings of a run after so many minutes are kept."""
    return FOLDER / f"{name}-{minutes}min.npz"


def made_of(spec, minutes):
    """What a run's drawings depend on."""
    return {"spec": spec.to_json(), "minutes": minutes}


def keep_through_training(name, score_of):
    """Ship the generators that a run has kept, rounded and then normalised afresh.

    Prints what the rounding costs: the distance before and after, on validation avatars.
    """
    print(f"\n{name}, generators that are kept")
    print(f"{'minutes':>7}{'whole':>10}{'rounded':>10}{'bits':>6}")
    files = sorted((FOLDER / name).glob("generator-*.safetensors"))
    for file, moment, bits in zip(files, MOMENTS, BITS, strict=True):
        weights, header = load_arrays(file)
        spec = Spec.from_json(header["spec"])
        rounded = dequantise(quantise(weights, bits), spec.weights("generator"), bits)
        whole, small = (recalibrated(generator_of(spec, of)) for of in (weights, rounded))
        keep_generator(name, spec, al.backend("torch").get_weights(small), header["steps"], bits)
        before, after = (score_of(draw(generator)).distance for generator in (whole, small))
        print(f"{moment:>7}{before:>10.1f}{after:>10.1f}{bits:>6}")


def generator_of(spec, weights):
    """A PyTorch generator with these weights."""
    generator = al.backend("torch").Generator(spec)
    al.backend("torch").set_weights(generator, weights)
    return generator


def table(split, score_of, runs, minutes):
    """Score the runs after so many minutes, print the table and return its rows."""
    print(f"\nafter {minutes} minutes, {split} avatars")
    print(f"{'':<14}{'distance':>10}{'rarest':>9}  {'':<28}{'pictures':>10}")
    rows = []
    for name, spec in runs.items():
        found = drawn(name, spec, minutes)
        score, pictures = score_of(found["images"]), int(found["pictures"])
        attribute, value, ratio = score.rarest
        rarest = f"{attribute} {value}"
        print(f"{name:<14}{score.distance:>10.1f}{ratio:>9.2f}  {rarest:<28}{pictures:>10,}")
        of = {"split": split, "minutes": minutes, "name": name, "pictures": pictures}
        rows.append(of | row(score))
    print(f"{'real avatars':<14}{score.floor:>10.1f}")
    return rows


if __name__ == "__main__":
    main()
