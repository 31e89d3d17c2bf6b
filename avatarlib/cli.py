"""The command line: python -m avatarlib render | show."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from avatarlib.data import AvatarSet
from avatarlib.data import render as render_avatars
from avatarlib.errors import InputError
from avatarlib.files import atomic_write
from avatarlib.show import sheet

app = typer.Typer(help="Avatars from Noise.", no_args_is_help=True, add_completion=False)


@app.command()
def render(
    style: Annotated[str, typer.Argument(help="A DiceBear style, for instance big-smile.")],
    out: Annotated[Path, typer.Option(help="The npz file to write.")],
    count: Annotated[int, typer.Option(help="How many avatars.")] = 1000,
    size: Annotated[int, typer.Option(help="Width and height in pixels, 16 to 512.")] = 32,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal avatars.")] = 0,
    background: Annotated[str, typer.Option(help="A colour name or #rrggbb.")] = "white",
    any_licence: Annotated[
        bool, typer.Option("--any-licence", help="Also styles that are not CC0 or CC BY 4.0.")
    ] = False,
):
    """Render random avatars of a style into one npz file."""
    avatars = render_avatars(
        style, count, size, seed, background=background, any_licence=any_licence
    )
    avatars.save(out)
    print(f"{out}: {len(avatars):,} avatars. {avatars.credit}")


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="An npz file that render wrote.")],
    out: Annotated[Path | None, typer.Option(help="The picture; default: beside the file.")] = None,
    count: Annotated[int, typer.Option(min=1, help="The first so many avatars.")] = 64,
):
    """Describe an npz file and draw its first avatars into a PNG picture."""
    avatars = AvatarSet.load(file)
    out = out or file.with_suffix(".png")
    print(avatars)
    print(avatars.credit)
    for name in avatars.attributes:
        values = ", ".join(f"{value} {n}" for value, n in avatars.counts(name).items())
        print(f"  {name}: {values}")
    with atomic_write(out) as picture:
        sheet(avatars.images[:count], columns=8, zoom=2).save(picture, "PNG")
    print(f"The first {min(count, len(avatars))} are in {out}.")


def main():
    """Run a command; what the person did wrong is one sentence on standard error."""
    try:
        app()
    except InputError as error:
        sys.exit(f"avatarlib: {error}")
