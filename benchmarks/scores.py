"""Twelve generators, seen with three pairs of eyes and ranked by every score: does it matter?

    python benchmarks/scores.py

The article's network and the recommended one at six moments each, and held-out real avatars in the
place of a perfect generator. Writes `al.measured("scores")`. About ten minutes on one core, most
of them for the network of photographs, which looks at 224 x 224 pixels.
"""

import sys
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

import avatarlib as al
from avatarlib import metrics
from avatarlib.evaluation import classifier, extractors

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

from keeping import keep_measured

DRAWN, LATENT_SEED = 2000, 11
RUNS = ("article-32", "big-smile-32")
EYES = {
    "AvatarNet": extractors.avatarnet,
    "AvatarNet, untrained": extractors.untrained,
    "EfficientNet-Lite0": extractors.imagenet,
}


def drawings():
    """Pairs (name, pictures) of what is compared."""
    gan = al.backend()
    for run in RUNS:
        for steps, generator in al.through_training(run):
            z = al.noise(LATENT_SEED, "latent", 0, (DRAWN, generator.spec.latent))
            yield f"{run}, {steps:,} steps", al.to_uint8(gan.generate(generator, z))
    yield "real avatars", real(classifier.HELD_OUT_SEED)


def real(seed):
    return al.data.render("big-smile", DRAWN, 32, seed, progress=False).images


def all_scores(eyes, cloud, logits, reference, reference_logits):
    """Value, error and baseline of each score, by name."""
    found = {
        "Fréchet": metrics.frechet(reference, cloud),
        "kernel": metrics.kernel_distance(reference, cloud),
        **metrics.prdc(reference, cloud),
    }
    if eyes == "EfficientNet-Lite0":
        found["Inception"] = metrics.inception_score(logits, reference_logits)
    return {
        k: [round(float(x), 6) for x in (r.value, r.error, r.baseline)] for k, r in found.items()
    }


def main():
    rows, pictures = [], dict(drawings())
    for eyes, extractor in EYES.items():
        look = extractor().look
        reference = look(real(classifier.VALIDATION_SEED))
        for name, drawn in pictures.items():
            scores = all_scores(eyes, *look(drawn), *reference)
            rows.append({"eyes": eyes, "drawn by": name, "drawn": DRAWN, "scores": scores})
            print(f"{eyes:22}{name:30}", *(f"{v:10.4g}" for v, _, _ in scores.values()), flush=True)
    keep_measured("scores", "python benchmarks/scores.py", rows)
    distances = {
        eyes: [row["scores"]["Fréchet"][0] for row in rows if row["eyes"] == eyes][:-1]
        for eyes in EYES
    }
    for eyes, of in distances.items():
        agreement = spearmanr(of, distances["AvatarNet"]).statistic
        print(f"{eyes:22} ranks the twelve as AvatarNet does: {agreement:.2f}")
    assert all(np.isfinite(of).all() for of in distances.values())


if __name__ == "__main__":
    main()
