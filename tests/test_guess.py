"""The guessing game's shuffled pictures: fair, complete, and the same for everybody."""

import base64
import json
import re

import numpy as np
import pytest

from avatarlib import InputError
from avatarlib.show import Guess


def flat(level, n=20, side=8):
    return (
        np.full((n, side, side, 3), level, np.uint8)
        + np.arange(n, dtype=np.uint8)[:, None, None, None]
    )


REAL, EARLY, LATE = flat(200), flat(0), flat(100)


def game(**changes):
    settings = {"trials": 12, "rounds": 3} | changes
    return Guess(REAL, {"early": EARLY, "late": LATE}, **settings)


def test_each_round_is_half_real_and_no_picture_comes_twice():
    found = game()
    assert found.kinds == ("real", "early", "late")
    for i in range(3):
        assert np.bincount(found.answers[12 * i : 12 * i + 12]).tolist() == [6, 3, 3]
    levels = found.pictures[:, 0, 0, 0]
    assert len(set(levels.tolist())) == 36
    assert (np.digitize(levels, [100, 200]) == np.array([2, 0, 1])[found.answers]).all()


def test_the_order_is_a_function_of_the_seed_and_not_of_the_kind():
    assert (game().answers == game().answers).all()
    assert (game().answers != game(seed=1).answers).any()
    first = [game(seed=seed).answers[0] == 0 for seed in range(200)]
    assert 70 < sum(first) < 130  # a coin: outside in one of 40,000


def test_the_page_holds_the_answers_in_the_pictures_order_and_not_for_the_eye():
    page = game()._repr_html_()
    about = json.loads(re.search(r'<script type="application/json">(.+?)</script>', page)[1])
    answers = np.frombuffer(base64.b64decode(about["answers"]), np.uint8)
    assert (answers == game().answers).all()
    assert "early" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def test_two_on_a_page_have_names_of_their_own_and_words_are_no_code():
    found = Guess(REAL, {"</script><b>": EARLY}, trials=4, credit="<i>")
    first, second = (re.search(r'id="(guess-\w+)"', found._repr_html_())[1] for _ in range(2))
    assert first != second
    assert "</script><b>" not in found._repr_html_() and "<i>" not in found._repr_html_()


def test_numbers_may_be_numpys():
    numbers = {"trials": np.int64(12), "rounds": np.int64(1), "seed": np.int64(3)}
    assert '"trials":12' in game(**numbers)._repr_html_()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: game(trials=10), "10 trials cannot be half real"),
        (lambda: Guess(REAL, {}, trials=4), "no generated pictures"),
        (lambda: game(rounds=0), "number of rounds is a whole number of at least 1, not 0"),
        (lambda: Guess(REAL, {"real": EARLY}, trials=4), "by texts, and not 'real'"),
        (lambda: game(rounds=9), "20 pictures 'real' are too few; it takes 54"),
        (lambda: Guess(REAL, {"x": flat(0, side=9)}, trials=4), "'x' are uint8 .*of one size"),
        (lambda: Guess(REAL, {"x": EARLY.astype(float)}, trials=4), "'x' are float64"),
    ],
)
def test_bad_input_gets_a_sentence(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()
