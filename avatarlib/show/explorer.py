"""A figure with one number to turn: any value in a notebook, a film of some values in a page."""

import io

from PIL import Image

from avatarlib.show.film import Film

DOTS = 160  # a frame's dots per inch: sharp on a phone, and 16 colours keep it small


class Explorer:
    """A figure that depends on one number.

    Where a kernel runs, the reader turns a slider and the figure is drawn anew. In the rendered
    page the same cell shows a `Film` of the given values, which needs no kernel.

    Args:
        draw: function from a number to a Matplotlib figure (closed with `plt.close`, else a
            notebook shows it twice).
        name: what the number is called, such as "shift".
        values: at least two numbers, increasing, at even gaps; the page shows these.
        alt: what the figure shows, for those who cannot see it.
        colours: how many a frame may have, at most 256; flat drawings need few.
    """

    def __init__(self, draw, name, values, alt, colours=32):
        self.draw, self.name, self.values = draw, name, [float(value) for value in values]
        frames = [picture(draw(value), colours) for value in self.values]
        self.film = Film(frames, [f"{name} {value:g}" for value in self.values], alt)

    def _repr_mimebundle_(self, include=None, exclude=None):
        return self.live()._repr_mimebundle_() | {"text/html": self.film._repr_html_()}

    def live(self):
        """The slider and the figure as an ipywidgets widget."""
        import ipywidgets

        slider = ipywidgets.FloatSlider(
            value=self.values[-1],
            min=self.values[0],
            max=self.values[-1],
            step=(self.values[1] - self.values[0]) / 4,
            description=self.name,
        )
        return ipywidgets.interactive(lambda value: self.draw(value), value=slider)


def picture(figure, colours=32):
    """A Matplotlib figure as a Pillow image of few colours, so that many frames fit in a page."""
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=DOTS, facecolor="white")
    return Image.open(png).convert("RGB").quantize(colours, dither=Image.Dither.NONE)
