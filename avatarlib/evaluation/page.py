"""A report's page: scores with their intervals, pictures, the closest pairs; one HTML file."""

import html
import re

import numpy as np

from avatarlib.show.grids import image_grid
from avatarlib.show.html import data_uri, read

SHOWN = 64
FRECHET = "Fréchet distance"
SAYS = {  # the first words of a score's name -> what it says
    FRECHET: "How far apart the two clouds of features lie, seen as Gaussians. Less is better; few "
    "pictures alone make it larger.",
    f"{FRECHET} at infinity": "The same, as if there were endlessly many pictures: it compares "
    "sets of different sizes.",
    "kernel distance": "Whether the two clouds differ in more than mean and covariance. Less is "
    "better, and chance makes it negative.",
    "precision": "The share of the generated pictures that look like some real one.",
    "recall": "The share of the real pictures that some generated one looks like.",
    "density": "How much company of real pictures the generated ones have. It may exceed 1.",
    "coverage": "The share of the real pictures that have a generated one close by.",
    "Inception Score": "How sure the network is of what it sees, and how evenly it sees all kinds.",
    "Avatar score": "How sure the classifier is of the value, and how evenly it sees all of them.",
    "total variation": "The share of the pictures that would have to show another value.",
}


def page(report):
    """A report as one HTML page, for phones and large screens, by day and by night.

    Args:
        report: an `avatarlib.evaluation.Report`.

    Returns:
        the page's text; it asks nobody for anything.
    """
    sets = {"generated": report.generated, "real": report.real}
    texts = {}
    for name, of in sets.items():
        first = of.images[:SHOWN]
        texts[name] = data_uri(image_grid(first))
        texts[f"{name}_alt"] = f"The first {len(first)} {name} pictures, in rows of eight"
        texts[f"closest_{name}"] = "\n".join(
            _pair(name, of.images[i], report.real.images[j], i, j, distance)
            for i, j, distance in report.closest[name]
        )
    versions = ", ".join(f"{k} {v}" for k, v in report.as_dict()["versions"].items())
    return read(__package__, "page.html").format(
        style=read(__package__, "page.css"),
        lead=f"{len(report.generated):,} generated pictures against {len(report.real):,} real "
        f"ones, seen by {html.escape(report.features)}.",
        rows="\n".join(_row(report, result) for result in report.results),
        notes=_items(report.notes),
        copies=_items(report.sentences()),
        credits=_items(f"{name}: {of.credit}" for name, of in sets.items()),
        versions=versions,
        **texts,
    )


def _row(report, result):
    kind, *attribute = re.split(": | of ", result.name, maxsplit=1)
    says, perfect = [SAYS[kind]] if kind in SAYS else [], result.baseline
    if kind == "total variation":
        perfect = 0  # its interval is of the truth; the baseline is what chance makes of 0
        value, ratio = report.rarest(*attribute)
        says.append(f"Drawn least: {value}, {ratio:.2f} times as often as it is real.")
    # The floor is too low where pictures are few; the distance at infinity has no such trouble.
    if kind != FRECHET and result.low <= perfect <= result.high:
        says.append("A perfect generator could have scored this.")
    interval = "no interval: too few pictures"
    if np.isfinite(result.low):
        interval = f"{_number(result.low)} to {_number(result.high)}"
    best = _number(result.baseline) if np.isfinite(result.baseline) else "not known"
    return (
        f'<tr role="row"><th role="rowheader" scope="row">{html.escape(result.name)}</th>'
        f'<td role="cell" class="value"><b>{_number(result.value)}</b><small>{interval}</small>'
        f'</td><td role="cell" class="best">{best}</td>'
        f'<td role="cell" class="says">{html.escape(" ".join(says))}</td></tr>'
    )


def _number(value):
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"


def _pair(name, one, other, i, j, distance):
    pictures = data_uri(image_grid(np.stack([one, other]), columns=2, gap=1))
    alt = f"{name.capitalize()} picture {i} beside real picture {j}"
    return f'<li><img src="{pictures}" alt="{alt}">{_number(distance)}</li>'


def _items(sentences):
    return "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
