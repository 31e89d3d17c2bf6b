"""The command line: python -m avatarlib render | show | train | sample | evaluate | study."""

import errno
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from avatarlib import __version__
from avatarlib.core.errors import InputError
from avatarlib.core.files import NPZ, ZIP, atomic_write, check_folder, check_output, content
from avatarlib.core.terminal import say
from avatarlib.data import AvatarSet, read_folder
from avatarlib.data import render as render_avatars
from avatarlib.runs import generated_set
from avatarlib.runs import sample as sample_network
from avatarlib.runs import train as train_gan
from avatarlib.show import image_grid, summary
from avatarlib.training.recipes import load_recipe, text_of

KEPT_AT = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)  # of a run, the generator is kept for good

app = typer.Typer(help="Avatars from Noise.", no_args_is_help=True, add_completion=False)


def _version(asked: bool):
    if asked:
        say(f"avatarlib {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say it and end.")
    ] = False,
):
    """Avatars from Noise."""


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
    check_output(out, (".npz",))
    avatars = render_avatars(
        style, count, size, seed, background=background, any_licence=any_licence
    )
    avatars.save(out)
    say(f"{out}: {len(avatars):,} avatars. {avatars.credit}")


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="An npz file that render wrote.")],
    out: Annotated[Path | None, typer.Option(help="The picture; default: beside the file.")] = None,
    count: Annotated[int, typer.Option(min=1, help="The first so many avatars.")] = 64,
):
    """Describe an npz file and draw its first avatars into a PNG picture."""
    avatars = AvatarSet.load(file)
    out = out or file.with_suffix(".png")
    check_output(out, (".png",), [file])
    say(avatars)
    say(avatars.credit)
    for name in avatars.attributes:
        values = ", ".join(f"{value} {n}" for value, n in avatars.counts(name).items())
        say(f"  {name}: {values}")
    _save_picture(avatars.images[:count], out)
    say(f"The first {min(count, len(avatars))} are in {out}.")


def _save_picture(images, out):
    with atomic_write(out) as picture:
        image_grid(images, columns=8, zoom=2).save(picture, "PNG")


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(help="A TOML file; recipes/ has some.")],
    out: Annotated[Path | None, typer.Option(help="Default: runs/NAME-OF-THE-RECIPE.")] = None,
    backend: Annotated[str | None, typer.Option(help="torch or tensorflow.")] = None,
):
    """Train a network; called again, go on where it stopped."""
    settings = load_recipe(recipe)
    out = out or Path("runs") / recipe.stem
    check_folder(out)
    avatars = settings.data()
    spec, budget = settings.network(avatars), settings.budget()
    say(f"{avatars.credit}\n\n{summary(spec)}\n")
    run = train_gan(
        spec,
        avatars,
        steps=budget.steps,
        minutes=budget.minutes,
        out=out,
        seed=settings.seed,
        backend=backend,
        recipe=text_of(recipe),
        keep_at=KEPT_AT,
    )
    say(f"{run.gan.steps:,} steps in {run.seconds / 60:.1f} minutes. Everything is in {out}.")


@app.command()
def sample(
    network: Annotated[
        str, typer.Argument(help="A checkpoint, a run's folder, or a pretrained network's name.")
    ],
    out: Annotated[Path, typer.Option(help="The PNG picture, or the npz file, to write.")],
    count: Annotated[int, typer.Option(help="How many avatars.")] = 64,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal avatars.")] = 7,
    ask: Annotated[
        list[str] | None, typer.Option(help="ATTRIBUTE=VALUE, for a network with conditions.")
    ] = None,
    backend: Annotated[str | None, typer.Option(help="torch or tensorflow.")] = None,
):
    """Draw the first avatars of a seed into a PNG picture or, to evaluate them, an npz file."""
    ending = check_output(out, (".png", ".npz"), [network])
    avatars = sample_network(network, count, seed, _wishes(ask or []), backend)
    if ending == ".npz":
        generated_set(network, avatars).save(out)
    else:
        _save_picture(avatars, out)
    say(f"{out}: the first {count} of seed {seed}.")


def _wishes(texts):
    """Texts ATTRIBUTE=VALUE as attribute -> value, each asked for once."""
    wishes = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError("Ask as ATTRIBUTE=VALUE, for instance --ask hair_colour=red.")
        if name in wishes:
            raise InputError(
                f"{name} is asked for twice, as {wishes[name]} and as {value}. Ask for one of them."
            )
        wishes[name] = value
    return wishes


@app.command()
def evaluate(
    generated: Annotated[Path, typer.Argument(help="An npz file, or a folder or zip of pictures.")],
    against: Annotated[Path, typer.Option(help="The real ones, likewise.")],
    out: Annotated[Path, typer.Option(help="The folder for report.json and report.html.")],
    features: Annotated[
        str, typer.Option(help="avatarnet, avatarnet:NAME, imagenet, inception or untrained.")
    ] = "avatarnet",
    size: Annotated[
        int | None, typer.Option(help="Of a folder's pictures; default: as the others.")
    ] = None,
):
    """Compare generated pictures with real ones: scores, intervals, pictures, copies."""
    from avatarlib.evaluation.extractors import by_name
    from avatarlib.evaluation.report import (
        evaluate as compare,  # with SciPy, which render does without
    )

    check_folder(out)
    extractor = by_name(features)
    sets = {path: AvatarSet.load(path) for path in (generated, against) if _is_set(path)}
    shapes = [of.images.shape[1:] for of in sets.values()] + [extractor.shape or (size, size, 3)]
    for path in {generated, against} - sets.keys():
        sets[path] = _read_folder(path, size or shapes[0][0], grey=shapes[0][2] == 1)
    report = compare(sets[generated], sets[against], extractor)
    say(report)
    report.save(out)
    say(f"{out / 'report.html'} shows it with pictures.")


def _is_set(path):
    """Whether a path is an npz file, or, where it holds no pictures, is called one."""
    called_so = path.suffix.lower() == ".npz" and not path.is_dir()
    return content(path) == NPZ or (called_so and content(path) != ZIP)


def _read_folder(path, size, grey):
    """The pictures of a folder or zip file; what had to be left out is counted and printed."""
    if size is None:
        raise InputError(f"Say with --size how many pixels the pictures of {path} shall have.")
    avatars, left_out = read_folder(path, size)
    reasons = "; ".join(f"{n} x {why}" for why, n in Counter(left_out.values()).most_common())
    say(f"{path}: {len(avatars):,} pictures, {len(left_out):,} left out ({reasons or 'none'}).")
    return avatars.grey() if grey else avatars


@app.command()
def study(
    real: Annotated[Path, typer.Argument(help="An npz file of real avatars.")],
    models: Annotated[list[Path], typer.Argument(help="One npz file for each model.")],
    out: Annotated[Path, typer.Option(help="The folder for study.html and key.json.")],
    trials: Annotated[int, typer.Option(help="How many pictures count.")] = 60,
    seed: Annotated[int, typer.Option(help="Of what is chosen and in which order.")] = 0,
):
    """Make a blinded study for people: which avatars did a machine draw?"""
    from avatarlib.evaluation.people import Study  # with SciPy, which render does without

    check_folder(out)
    avatars = AvatarSet.load(real)
    drawn = {path.stem: AvatarSet.load(path).images for path in models}
    if len(drawn) < len(models):
        raise InputError("The models' files need different names, which become the models' names.")
    credit = avatars.credit
    Study(avatars.images, drawn, trials=trials, seed=seed, credit=credit).save(out)
    say(
        f"Hand out {out / 'study.html'}, one file that works offline. Keep {out / 'key.json'} to "
        "yourself: it says which are real, and read_answers needs it."
    )


def main():
    """Run a command; what the person did wrong is one sentence on standard error."""
    try:
        app()
    except InputError as error:
        sys.exit(f"avatarlib: {error}")
    except MemoryError:
        sys.exit("avatarlib: The memory does not suffice. Ask for fewer or smaller pictures.")
    finally:
        _send_off(sys.stdout)


def _send_off(stream):
    """Flush what was said, since Python complains where nobody reads any more (`| head`)."""
    try:
        if stream:
            stream.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            sys.exit("avatarlib: The disk is full, so that what was said here could not be kept.")
