"""The command line: python -m avatarlib render | show | train | sample."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from avatarlib.data import AvatarSet
from avatarlib.data import render as render_avatars
from avatarlib.errors import InputError
from avatarlib.files import atomic_write
from avatarlib.recipes import load_recipe
from avatarlib.runs import draw
from avatarlib.runs import train as train_gan
from avatarlib.show import sheet, summary

KEPT_AT = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)  # of a run, the generator is kept for good

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


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(help="A TOML file; recipes/ has some.")],
    out: Annotated[Path | None, typer.Option(help="Default: runs/NAME-OF-THE-RECIPE.")] = None,
    backend: Annotated[str | None, typer.Option(help="torch or tensorflow.")] = None,
):
    """Train a network; called again, go on where it stopped."""
    settings = load_recipe(recipe)
    out = out or Path("runs") / recipe.stem
    avatars = settings.data()
    spec, budget = settings.network(avatars), settings.budget()
    print(f"{avatars.credit}\n\n{summary(spec)}\n")
    run = train_gan(
        spec,
        avatars,
        steps=budget.steps,
        minutes=budget.minutes,
        out=out,
        seed=settings.seed,
        framework=backend,
        recipe=recipe.read_text(encoding="utf-8"),
        keep_at=KEPT_AT,
    )
    print(f"{run.gan.steps:,} steps in {run.seconds / 60:.1f} minutes. Everything is in {out}.")


@app.command()
def sample(
    network: Annotated[str, typer.Argument(help="A checkpoint, or a pretrained network's name.")],
    out: Annotated[Path, typer.Option(help="The PNG picture to write.")],
    count: Annotated[int, typer.Option(help="How many avatars.")] = 64,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal avatars.")] = 7,
    ask: Annotated[
        list[str] | None, typer.Option(help="ATTRIBUTE=VALUE, for a network with conditions.")
    ] = None,
    backend: Annotated[str | None, typer.Option(help="torch or tensorflow.")] = None,
):
    """Draw the first avatars of a seed into a PNG picture."""
    wishes = [wish.partition("=") for wish in ask or []]
    if not all(equals for _, equals, _ in wishes):
        raise InputError("Ask as ATTRIBUTE=VALUE, for instance --ask hair_colour=red.")
    avatars = draw(network, count, seed, {name: value for name, _, value in wishes}, backend)
    with atomic_write(out) as picture:
        sheet(avatars, columns=8, zoom=2).save(picture, "PNG")
    print(f"{out}: the first {count} of seed {seed}.")


def main():
    """Run a command; what the person did wrong is one sentence on standard error."""
    try:
        app()
    except InputError as error:
        sys.exit(f"avatarlib: {error}")
