"""How often the intervals over people contain the truth: 1,000 simulated studies a row.

    python verify/test_people_intervals.py    prints the table of people_intervals.md; a minute

A row's count deviates by 0.7 points (one standard deviation) around 95 %.
"""

import numpy as np

from avatarlib.evaluation import people

STUDIES = 1000
ROWS = [  # people, answers of each, d', deviation of d' between people, of pictures
    (10, 60, 1.05, 0.4, 0.0),
    (30, 60, 1.05, 0.4, 0.0),
    (25, 200, 1.05, 0.4, 0.0),
    (30, 60, 0.0, 0.4, 0.0),
    (30, 60, 2.0, 0.5, 0.0),
    (30, 60, 1.05, 0.4, 0.56),
]
NAMES = ("t over people", "bootstrap over people", "people and pictures", "naive")


def coverage(n, trials, sensitivity, between, pictures, studies=STUDIES):
    """Shares of studies in which each kind of interval holds the truth, in the order of NAMES."""
    truth = people.true_error(sensitivity, 0, between, 0.2, pictures)
    covered = np.zeros(len(NAMES))
    for study in range(studies):
        answers = people.simulate(
            sensitivity, n, trials, between=between, pictures=pictures, seed=17, study=study
        )
        found = [
            people.error_rate(answers),
            people.error_rate(answers, bootstrap=1000),
            people.over_people_and_pictures(answers, draws=500),
        ]
        ends = [(one.low, one.high) for one in found]
        ends.append(people.wilson(answers.wrong.sum(), len(answers)))
        covered += [low <= truth <= high for low, high in ends]
    return covered / studies


def table():
    """The measured rows, as a Markdown table, and the numbers."""
    numbers = {row: coverage(*row) for row in ROWS}
    lines = [
        "| people | answers | d′ | σ of d′ | σ of pictures | " + " | ".join(NAMES) + " |",
        "|" + "---|" * 9,
    ]
    for row, shares in numbers.items():
        cells = [*map(str, row), *(f"{share:.1%}" for share in shares)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines), numbers


def test_coverage():
    text, numbers = table()
    print(text)
    for row, (over_people, bootstrap, both, naive) in numbers.items():
        if row[-1] == 0:
            assert 0.93 <= over_people <= 0.97
            assert 0.90 <= bootstrap <= 0.97  # a percentile bootstrap of few people is narrow
        else:
            assert over_people < 0.85
        assert 0.93 <= both <= 0.97
        assert naive < 0.9


if __name__ == "__main__":
    print(table()[0])
