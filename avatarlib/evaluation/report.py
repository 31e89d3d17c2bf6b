"""Generated pictures beside real ones: every score with its error and baseline, in one report."""

import json
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import numpy as np

from avatarlib import metrics
from avatarlib.backends import backend
from avatarlib.core.about import VERSION
from avatarlib.core.errors import InputError
from avatarlib.core.files import make_folder, write_text
from avatarlib.data import AvatarSet
from avatarlib.data.conditions import by_attribute, one_hot
from avatarlib.evaluation.classifier import named
from avatarlib.evaluation.page import page
from avatarlib.metrics.neighbours import fingerprints, repeated

FORMAT = "avatarlib.Report/1"
PAIRS = 12


@dataclass(frozen=True)
class Report:
    """What the scores say about generated pictures.

    Attributes:
        generated, real: the AvatarSets that were compared.
        features: the name of what looked at them.
        results: a `metrics.Result` for each score.
        coverage: attribute -> {value: how often drawn / how often in the real avatars}, corrected
            for the classifier's errors; of the attributes that the real avatars have labels of.
        copies: "equal_generated", "equal_real": the shares of pictures that equal another one of
            their set in every pixel; "equal_to_real": the share of the generated pictures that
            equal a real one; "distance", "distance_real": the median distance in features from a
            generated picture to the nearest real one, and from a real one to the nearest other.
        closest: "generated" -> [(its index, the index of the real one, distance), ...], the
            nearest pairs; "real" -> the same among the real pictures.
        notes: a sentence on each score that was left out.
    """

    generated: AvatarSet
    real: AvatarSet
    features: str
    results: list
    coverage: dict
    copies: dict
    closest: dict
    notes: list

    def rarest(self, attribute):
        """The value of an attribute that is drawn least: (value, ratio)."""
        return min(self.coverage[attribute].items(), key=lambda pair: pair[1])

    def sentences(self):
        """What there is to say of copies."""
        of = self.copies
        return [
            f"{of['equal_generated']:.1%} of the generated pictures equal another generated one; "
            f"of the real ones, {of['equal_real']:.1%} equal another real one.",
            f"{of['equal_to_real']:.1%} of the generated pictures equal one of these real ones.",
            f"A generated picture lies {of['distance']:.3g} from the nearest real one (median), a "
            f"real one {of['distance_real']:.3g} from the nearest other; much less means copies.",
        ]

    def __str__(self):
        least = [
            f"{name}: {value} is drawn least, {ratio:.2f} times as often as it is real"
            for name in self.coverage
            for value, ratio in [self.rarest(name)]
        ]
        return "\n".join([*map(str, self.results), *least, *self.sentences(), *self.notes])

    def as_dict(self):
        """Everything but the pictures as plain data for JSON; what is not a number is None."""
        gan = backend().GAN
        as_they_are = "features", "coverage", "copies", "closest", "notes"
        return {
            "format": FORMAT,
            "generated": _about(self.generated),
            "real": _about(self.real),
            "results": [
                {key: None if value != value else value for key, value in result.as_dict().items()}
                for result in self.results
            ],
            **{name: getattr(self, name) for name in as_they_are},
            "versions": {
                "avatarlib": VERSION,
                "numpy": np.__version__,
                "scipy": metadata.version("scipy"),
                gan.framework: gan.framework_version,
            },
        }

    def save(self, folder):
        """Write report.json and report.html, one page that needs no other file, into a folder.

        Raises:
            InputError: the folder cannot be written to.
        """
        folder = Path(folder)
        make_folder(folder)
        numbers = json.dumps(self.as_dict(), ensure_ascii=False, indent=1, allow_nan=False)
        for name, text in {"report.json": numbers, "report.html": page(self)}.items():
            write_text(folder / name, text)


def evaluate(generated, real, extractor):
    """Compare generated pictures with real ones by every score that this library has.

    Args:
        generated, real: AvatarSets, or uint8 (n, height, width, channels), at least 6 of each. The
            real ones should be such as no generator has seen; for copies, those that it has seen.
        extractor: what looks at them, of `avatarlib.evaluation.extractors`.

    Returns:
        a `Report`. A score that these pictures do not suffice for is left out, with the reason in
        its notes.

    Raises:
        InputError: no pictures, too few, of different sizes, or none that the extractor can see;
            real features that are constant or not numbers.
    """
    generated, real = (s if isinstance(s, AvatarSet) else AvatarSet(s) for s in (generated, real))
    if generated.images.shape[1:] != real.images.shape[1:]:
        sizes = (" x ".join(map(str, s.images.shape[1:])) for s in (generated, real))
        raise InputError(
            f"Generated and real pictures are {' and '.join(sizes)}; render or resize both alike."
        )
    (drawn, drawn_logits), (true, true_logits) = (
        extractor.look(s.images) for s in (generated, real)
    )
    results, notes = [metrics.frechet(true, drawn, extractor.name)], []
    try:
        results.append(metrics.frechet_at_infinity(true, drawn, extractor.name))
    except InputError as reason:
        notes.append(
            f"Left out: the Fréchet distance at infinity. {reason} With so few, what is said of a "
            "perfect generator's Fréchet distance is too low."
        )
    results.append(metrics.kernel_distance(true, drawn, extractor.name))
    results += metrics.prdc(true, drawn, extractor.name).values()
    coverage = _attributes(drawn_logits, true_logits, real, extractor, results, notes)
    copies, closest = _copies(generated, real, drawn, true)
    return Report(generated, real, extractor.name, results, coverage, copies, closest, notes)


def _attributes(logits, real_logits, real, extractor, results, notes):
    """Append what there is to score in each attribute; give its values' ratios."""
    coverage, without = {}, []
    known = extractor.conditions
    parts = (by_attribute(of, known) for of in (logits, real_logits))
    for condition, own, theirs in zip(known, *parts, strict=True):
        name, values = condition
        score = metrics.inception_score(own, theirs, extractor.name)
        results.append(replace(score, name=f"Avatar score: {name}") if name else score)
        if name not in real.attributes:
            without += [name] if name else []
            continue
        try:
            truth = named(one_hot(real, [condition]), [condition])[name]
            errors = metrics.confusion(truth, theirs.argmax(axis=1), len(values))
        except InputError as reason:
            notes.append(f"Left out: the shares of {name}. {reason}")
            continue
        seen = own.argmax(axis=1)
        results.append(metrics.total_variation(seen, truth, errors, name, extractor.name))
        ratios = metrics.relative_shares(seen, truth, errors)
        coverage[name] = dict(zip(values, ratios.tolist(), strict=True))
    if without:
        notes.append(f"Left out: the shares of {', '.join(without)}. The real ones have no labels.")
    return coverage


def _copies(generated, real, drawn, true):
    """The numbers and the pairs of a `Report`."""
    own, theirs = (fingerprints(of.images) for of in (generated, real))
    to_real, among_real = metrics.nearest(drawn, true), metrics.nearest(true, true, True)
    copies = {
        "equal_generated": repeated(own),
        "equal_real": repeated(theirs),
        "equal_to_real": float(np.isin(own, theirs).mean()),
        "distance": float(np.median(to_real[1])),
        "distance_real": float(np.median(among_real[1])),
    }
    # Two real pictures that are each other's nearest are one pair.
    index = among_real[0]
    second = (index[index] == np.arange(len(index))) & (index < np.arange(len(index)))
    closest = {
        "generated": _pairs(*to_real),
        "real": _pairs(index, np.where(second, np.inf, among_real[1])),
    }
    return copies, closest


def _pairs(index, distance):
    first = np.argsort(distance, kind="stable")[:PAIRS]
    return [(int(i), int(index[i]), float(distance[i])) for i in first if np.isfinite(distance[i])]


def _about(avatars):
    size = dict(zip(("pictures", "height", "width", "channels"), avatars.images.shape, strict=True))
    return size | {key: getattr(avatars, key) for key in ("credit", "licence", "creator", "source")}
