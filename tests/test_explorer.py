"""A figure with a slider: live where a kernel runs, a film where none does."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest

from avatarlib import InputError
from avatarlib.show import Explorer, picture

WIDGET = "application/vnd.jupyter.widget-view+json"


def bar(height):
    figure, axis = plt.subplots(figsize=(4, 2))
    axis.bar([0], [height])
    axis.set_ylim(0, 10)
    plt.close(figure)
    return figure


def test_the_page_gets_one_frame_for_each_value_and_a_notebook_gets_a_widget():
    bundle = Explorer(bar, "height", [1, 2.5, 4], "a bar")._repr_mimebundle_()
    assert bundle["text/html"].count("<img ") == 3
    assert 'alt="a bar: height 2.5"' in bundle["text/html"]
    assert WIDGET in bundle


def test_the_slider_draws_any_value_between():
    seen = []

    def draw(height):
        seen.append(height)
        return bar(height)

    explorer = Explorer(draw, "height", [0, 2, 4], "a bar")
    assert seen == [0, 2, 4]
    widget = explorer.live()
    (slider,) = widget.children[:-1]
    assert (slider.min, slider.max, slider.step, slider.value) == (0, 4, 0.5, 4)
    assert slider.description == "height"
    slider.value = 1.5
    widget.update()
    assert seen[-1] == 1.5


def test_frames_are_what_is_drawn_in_few_colours():
    """Against Matplotlib's own picture: the bar's blue stays blue, nothing moves."""
    png = io.BytesIO()
    bar(5).savefig(png, format="png", dpi=160, facecolor="white")
    expected = plt.imread(io.BytesIO(png.getvalue()))[..., :3]
    found = np.asarray(picture(bar(5)).convert("RGB")) / 255
    assert found.shape == expected.shape == (320, 640, 3)
    assert len(np.unique(found.reshape(-1, 3), axis=0)) <= 32
    assert abs(found - expected).mean() < 0.01
    assert abs(np.asarray(picture(bar(8)).convert("RGB")) / 255 - expected).mean() > 0.05


def test_figures_are_not_drawn_as_pixel_art():
    assert 'width="640"' in Explorer(bar, "h", [1, 2], "a bar")._repr_mimebundle_()["text/html"]


def test_no_values_get_a_sentence():
    with pytest.raises(InputError, match="0 frames"):
        Explorer(bar, "height", [], "a bar")
