"""Image grids pixel by pixel."""

import numpy as np
import pytest

from avatarlib import InputError
from avatarlib.show import grid_figure, image_grid


def planted(n, side=3, channels=3):
    """Picture i has the value 10 i everywhere."""
    return (
        np.full((n, side, side, channels), 10, np.uint8)
        * np.arange(n, dtype=np.uint8)[:, None, None, None]
    )


def test_pictures_lie_row_by_row_with_white_gaps_and_white_places():
    image = np.asarray(image_grid(planted(5), columns=3, gap=2))
    assert image.shape == (3 + 2 + 3, 3 + 2 + 3 + 2 + 3, 3)
    expected = np.full(image.shape, 255)
    for i, (top, left) in enumerate([(0, 0), (0, 5), (0, 10), (5, 0), (5, 5)]):
        expected[top : top + 3, left : left + 3] = 10 * i
    assert (image == expected).all()


def test_zoom_repeats_each_pixel():
    pictures = np.random.default_rng(0).integers(0, 256, (4, 5, 3, 1), dtype=np.uint8)
    once = np.asarray(image_grid(pictures, columns=2, gap=1))
    thrice = np.asarray(image_grid(pictures, columns=2, gap=1, zoom=3))
    assert once.shape == (11, 7) and thrice.shape == (33, 21)
    for row in range(3):
        for column in range(3):
            assert (thrice[row::3, column::3] == once).all()


def test_grey_and_colour_keep_their_mode():
    assert image_grid(planted(2, channels=1)).mode == "L"
    assert image_grid(planted(2)).mode == "RGB"


@pytest.mark.parametrize(
    "images",
    [planted(2).astype(float), planted(2)[0], planted(2)[:0]],
    ids=["floats", "one picture", "none"],
)
def test_what_are_no_pictures_is_refused(images):
    for draw in (image_grid, grid_figure):
        with pytest.raises(InputError, match="Pictures are uint8"):
            draw(images)


def test_a_sheet_of_few_pictures_has_no_empty_places():
    assert (
        image_grid(planted(1), columns=8, zoom=2).size
        == image_grid(planted(1), columns=1, zoom=2).size
    )


@pytest.mark.parametrize("settings", [{"columns": 0}, {"zoom": 0}, {"gap": -1}])
def test_impossible_numbers_are_refused(settings):
    with pytest.raises(InputError, match="A sheet has"):
        image_grid(planted(2), **settings)


def test_a_grid_has_one_axis_for_each_picture():
    figure = grid_figure(planted(5), columns=3, titles=list("abcde"))
    assert len(figure.axes) == 6
    for i, axis in enumerate(figure.axes[:5]):
        assert axis.get_title() == "abcde"[i]
        (shown,) = axis.images
        assert (shown.get_array() == 10 * i).all()
        assert not axis.axison
    assert not figure.axes[5].images and not figure.axes[5].axison


def test_a_grid_shows_grey_from_black_to_white():
    (shown,) = grid_figure(planted(1, channels=1), columns=1).axes[0].images
    assert shown.get_clim() == (0, 255) and shown.get_cmap().name == "gray"


def test_a_grid_refuses_what_does_not_fit():
    with pytest.raises(InputError, match="3 titles do not fit 2 pictures"):
        grid_figure(planted(2), titles=list("abc"))
    with pytest.raises(InputError, match="at least 1 column"):
        grid_figure(planted(2), columns=0)
