"""Add a sixth loss in a copy, as a reader would, and forget each of its places in turn.

    python verify/sixth_loss.py

The loss is that of least squares (Mao et al. 2017, arXiv:1611.04076) with the codes 1 and -1.
Whoever adds one touches the files below; with all of them the tests are green, and without any
single one they are red. The result is written to verify/sixth_loss.md.
"""

import datetime
import sys
import tempfile
from pathlib import Path

from plant_bugs import ROOT, Tests, copied

TABLE = ROOT / "verify/sixth_loss.md"
TESTS = ("losses", "training_step", "theory", "cheat_sheet", "twins", "spec", "recipes")
FORMULAS = '''
def discriminator_least_squares(real, fake):
    """L_D = mean (r - 1)² + mean (f + 1)²; 2 at chance. Gradients: 2 (r - 1) and 2 (f + 1).

    Mao et al. 2017 (arXiv:1611.04076), equation 9, with the codes 1 and -1.
    """
    return {mean_d}


def generator_least_squares(real, fake):
    """L_G = mean (f - 1)²; 1 at chance. Gradient: 2 (f - 1). Mao et al. 2017, equation 9."""
    return {mean_g}


class Loss(NamedTuple):'''
LINE = """"relativistic": Loss(discriminator_relativistic, generator_relativistic),
    "least-squares": Loss(discriminator_least_squares, generator_least_squares),"""
RELATIVISTIC = '"relativistic": Loss(discriminator_relativistic, generator_relativistic),'
EDITS = {
    "avatarlib/training/losses.py": [
        (
            '"relativistic": Loss((LOG2,',
            '"least-squares": Loss((2.0, 1.0), _mean_logits, 0.0, _beyond_the_margin),\n'
            '    "relativistic": Loss((LOG2,',
        )
    ],
    "avatarlib/backends/torch/losses.py": [
        (
            "\nclass Loss(NamedTuple):",
            FORMULAS.format(
                mean_d="((real - 1) ** 2).mean() + ((fake + 1) ** 2).mean()",
                mean_g="((fake - 1) ** 2).mean()",
            ),
        ),
        (RELATIVISTIC, "\n    ".join(LINE.split("\n    ")[::-1])),
    ],
    "avatarlib/backends/tensorflow/losses.py": [
        (
            "\nclass Loss(NamedTuple):",
            FORMULAS.format(
                mean_d="mean(tf.square(real - 1)) + mean(tf.square(fake + 1))",
                mean_g="mean(tf.square(fake - 1))",
            ),
        ),
        (RELATIVISTIC, "\n    ".join(LINE.split("\n    ")[::-1])),
    ],
    "avatarlib/theory/losses.py": [
        (
            '"relativistic": Loss(_pair,',
            """"least-squares": Loss(
        lambda real, fake: (real - 1) ** 2 + (fake + 1) ** 2,
        lambda real, fake: (2 * (real - 1), 2 * (fake + 1)),
        lambda real, fake: (fake - 1) ** 2,
        lambda real, fake: 2 * (fake - 1),
    ),
    "relativistic": Loss(_pair,""",
        )
    ],
    "tests/reference.py": [
        (
            '"relativistic": (\n        lambda r, f: softplus(-(r - f)).mean(),',
            """"least-squares": (
        lambda r, f: ((r - 1) ** 2 + (f + 1) ** 2).mean(),
        lambda r, f: ((f - 1) ** 2).mean(),
    ),
    "relativistic": (
        lambda r, f: softplus(-(r - f)).mean(),""",
        )
    ],
    "tests/test_losses.py": [
        (
            '"relativistic": (\n        (lambda r, f: -log_d(r - f)',
            """"least-squares": (
        (
            lambda r, f: (r - 1) ** 2 + (f + 1) ** 2,
            lambda r, f: (2 * (r - 1), 2 * (f + 1)),
        ),
        (lambda r, f: (f - 1) ** 2, lambda r, f: (0, 2 * (f - 1))),
    ),
    "relativistic": (
        (lambda r, f: -log_d(r - f)""",
        ),
        (
            '("relativistic", (3.6, -1.0), True),',
            '("relativistic", (3.6, -1.0), True),\n'
            '    ("least-squares", (1.01, -1.01), True),\n'
            '    ("least-squares", (1.0, -2.0), False),',
        ),
    ],
    "tests/test_training_step.py": [
        (
            '"relativistic": points(',
            '"least-squares": points(loss="least-squares", r1=0.7),\n    "relativistic": points(',
        )
    ],
    "book/reference/cheat-sheet.md": [
        (
            "## relativistic\n",
            """## least-squares

| | pays | slope | at chance |
|---|---|---|---|
| $D$ | `((r - 1)**2).mean() + ((f + 1)**2).mean()` | $2 * (r - 1)$, $2 * (f + 1)$ | 2 |
| $G$ | `((f - 1)**2).mean()` | $2 * (f - 1)$ | 1 |

## relativistic
""",
        )
    ],
}


def add(folder, left_out=None):
    """Write the loss into all files but one; give them back as they were before."""
    before = {}
    for file, edits in EDITS.items():
        path = folder / file
        before[path] = text = path.read_text(encoding="utf-8")
        for old, new in edits if file != left_out else []:
            if text.count(old) != 1:
                sys.exit(f"{file}: {old!r} occurs {text.count(old)} times")
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    return before


def main():
    tests, lines = [f"tests/test_{name}.py" for name in TESTS], []
    with tempfile.TemporaryDirectory() as name:
        folder, wrong = copied(Path(name)), 0
        runner = Tests(folder)
        for left_out in (None, *EDITS):
            before = add(folder, left_out)
            red, by = runner.run(tests)
            for path, text in before.items():
                path.write_text(text, encoding="utf-8")
            wrong += red == (left_out is None)
            lines.append(f"| {left_out or 'nothing'} | {'red' if red else 'green'} | {by} |")
            print(lines[-1], flush=True)
        runner.close()
    head = (
        f"# A sixth loss\n\nWritten by `python verify/sixth_loss.py` on {datetime.date.today()}: "
    )
    head += f"{len(EDITS)} files.\n\n| forgotten | tests | first red test |\n|---|---|---|\n"
    TABLE.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
