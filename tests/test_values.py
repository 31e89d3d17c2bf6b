"""Values at the door: NumPy's numbers pass as plain ones, everything else gets a sentence."""

import numpy as np
import pytest

from avatarlib import InputError
from avatarlib.core import values


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3)[()]])
def test_whole_numbers_of_any_kind_become_plain_ones(value):
    assert type(values.whole(value, "n")) is int and values.whole(value, "n") == 3


@pytest.mark.parametrize("value", [3.0, "3", None, True, np.True_, np.float32(3), [3], -1, 11])
def test_what_is_no_whole_number_within_its_limits_gets_the_whole_rule(value):
    with pytest.raises(InputError, match="n is a whole number of at least 0 and at most 10, not "):
        values.whole(value, "n", most=10)


@pytest.mark.parametrize("value", [2**64, -1, 10**5000], ids=["just", "-1", "long"])
def test_a_seed_says_both_limits_however_long_the_number(value):
    with pytest.raises(InputError, match=r"of at least 0 and at most 2\^64 - 1, not "):
        values.seed(value)
    assert values.seed(2**64 - 1) == 2**64 - 1


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.float64(0.5)])
def test_numbers_of_any_kind_become_plain_ones(value):
    assert type(values.number(value, "x")) is float and values.number(value, "x") == 0.5


def test_limits_may_be_reached_or_not():
    assert values.number(0, "x", 0, below=1) == 0 and values.number(1, "x", above=0, most=1) == 1
    for value, limits in (
        (1, {"below": 1}),
        (0, {"above": 0}),
        (2, {"most": 1}),
        (0, {"least": 1}),
    ):
        with pytest.raises(InputError, match="x is a number "):
            values.number(value, "x", **limits)


@pytest.mark.parametrize("value", ["1", None, True, float("nan"), float("inf"), 1j, 10**400])
def test_what_is_no_number_gets_a_sentence(value):
    with pytest.raises(InputError, match="x is a number of at least 0, not "):
        values.number(value, "x", 0)


def test_plain_data_keep_their_values_and_lose_numpys_types():
    found = values.plain({"a": np.float32(0.5), "b": [np.int64(2), None], "c": np.eye(2)}, "it")
    assert found == {"a": 0.5, "b": [2, None], "c": [[1, 0], [0, 1]]}
    with pytest.raises(InputError, match="it is plain data.* object"):
        values.plain({"a": object()}, "it")
