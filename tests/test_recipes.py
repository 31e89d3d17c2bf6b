"""Recipes, and the two commands that use them: train and sample."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import avatarlib as al
from avatarlib import InputError
from avatarlib.cli import app
from avatarlib.core.arrays import load_arrays, save_arrays
from avatarlib.training.checkpoint import checkpoints
from avatarlib.training.recipes import Recipe, load_recipe

pytest.importorskip("torch")
pytest.importorskip("tensorflow")

RECIPE = """
style = "big-smile"
count = 80
size = 28
grey = true
steps = 3
seed = 5
{more}
[config]
batch = 8
final_lr_fraction = 0.5
"""


def write(tmp_path, text=None, **more):
    path = tmp_path / "tiny.toml"
    lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in more.items())
    path.write_text(RECIPE.format(more=lines) if text is None else text, encoding="utf-8")
    return path


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


# ------------------------------------------------------------------------------------- recipes


def test_a_recipe_says_all_that_a_run_needs(tmp_path):
    recipe = load_recipe(write(tmp_path))
    avatars = recipe.data(progress=False)
    assert avatars.images.shape == (80, 28, 28, 1) and recipe.budget().steps == 3
    spec = recipe.network(avatars)
    assert spec.name == "small" and spec.shape == (28, 28, 1)
    assert spec.config.batch == 8 and spec.config.final_lr_fraction == 0.5
    assert spec.config.r1 == al.presets.small().config.r1  # the rest is the network's own


def test_the_recipes_of_the_project_are_sound():
    from pathlib import Path

    found = sorted((Path(__file__).parents[1] / "recipes").glob("*.toml"))
    assert found
    for path in found:
        load_recipe(path)


def test_conditions_and_spectral_norm_reach_the_spec(tmp_path):
    recipe = load_recipe(write(tmp_path, conditions=["hair_colour"], spectral_norm=True))
    spec = recipe.network(recipe.data(progress=False))
    assert spec.spectral_norm and spec.conditions[0][0] == "hair_colour"
    assert "embed/kernel" in spec.weights("generator")


def test_avatars_may_come_from_a_file(tmp_path, small):
    small.save(tmp_path / "mine.npz")
    recipe = Recipe(avatars=str(tmp_path / "mine.npz"), size=28, steps=1)
    assert (recipe.data().images == small.images).all()


@pytest.mark.parametrize(
    "text, words",
    [
        ("steps = 3", "names a style, or a file of avatars"),
        ('style = "big-smile"', "a number of steps, or of minutes, and not both"),
        ('style = "big-smile"\nsteps = 3\nminutes = 1', "a number of steps, or of minutes"),
        ('style = "big-smile"\nsteps = "100"', "steps is a whole number of at least 1, not '100'"),
        ('style = "big-smile"\nsteps = 2.5', "steps is a whole number of at least 1, not 2.5"),
        ('style = "big-smile"\nminutes = "5"', "minutes is a number above 0, not '5'"),
        ('style = "big-smile"\nsteps = 1\nconfig = 5', "config is a table, [config]"),
        ('style = "big-smile"\nsteps = 1\nconditions = "hair"', "conditions is a list of texts"),
        ('style = "big-smile"\nsteps = 1\nconditions = 5', "conditions is a list of texts"),
        ('style = "big-smile"\nsteps = 1\nconditions = [5]', "is a text in quotes; this is 5"),
        ('style = "big-smile"\nsteps = 1\n[config]\nlr_d = "fast"', "lr_d is a number above 0"),
        ("avatars = 5\nsteps = 1", "avatars is a text in quotes; this is 5"),
        ('avatars = "a.npz"\nsize = "32"\nsteps = 1', "size is a whole number of at least 1"),
        ('style = "big-smile"\nsteps = 1\ngrey = 1', "grey is true or false; this is 1"),
        ('avatars = "D:\\sets\\a.npz"\nsteps = 1', "In paths, write / for \\"),
        ('style = "big-smile"\nsteps = 3\nspec = "big"', "one of article, dcgan, small, medium"),
        ('style = "big-smile"\nsteps = 3\nlayers = 4', "no setting layers"),
        ('style = "big-smile"\nsteps = 3\n[config]\nspeed = 2', "no setting speed"),
        (
            'style = "big-smile"\nsteps = 3\nspec = "dcgan"\nconditions = ["hair"]',
            'Only the specs "small" and "medium"',
        ),
        ("style = big-smile", "is not a TOML file"),
    ],
)
def test_a_bad_recipe_gets_a_sentence_that_names_it(tmp_path, text, words):
    path = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        load_recipe(path)
    assert str(path) in str(caught.value) and words in str(caught.value)


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_recipe_is_read_as_editors_on_windows_save_it(tmp_path, coding):
    path = tmp_path / "tiny.toml"
    path.write_bytes('style = "big-smile"  # Zoë\nsteps = 3'.encode(coding))
    assert load_recipe(path).steps == 3


def test_a_recipe_in_another_code_page_gets_a_sentence(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_bytes('style = "Zoë"\nsteps = 3'.encode("latin-1"))
    with pytest.raises(InputError, match="tiny.toml is no text in UTF-8.*Save it as UTF-8"):
        load_recipe(path)


def test_a_bad_setting_of_the_config_gets_a_sentence(tmp_path):
    path = write(tmp_path, 'style = "big-smile"\nsteps = 3\nsize = 28\n[config]\nloss = "mine"')
    with pytest.raises(InputError, match="tiny.toml: loss is one of .*; this is 'mine'"):
        load_recipe(path)


def test_a_missing_recipe_gets_a_sentence(tmp_path):
    with pytest.raises(InputError, match="There is no recipe"):
        load_recipe(tmp_path / "none.toml")
    with pytest.raises(InputError, match="Cannot read"):
        load_recipe(tmp_path)


# ----------------------------------------------------------------------------- train and sample


@pytest.fixture
def trained(tmp_path):
    path = write(tmp_path)
    done = run("train", path, "--out", tmp_path / "run", "--backend", "torch")
    assert done.exit_code == 0, done.output
    return tmp_path / "run", done.output


def test_train_tells_the_licence_the_network_and_where_everything_is(trained):
    folder, said = trained
    assert "licence CC BY 4.0" in said and "ConvTranspose" in said
    assert "3 steps in" in said and str(folder) in said
    _, header = load_arrays(checkpoints(folder)[-1])
    assert header["recipe"].startswith("\nstyle") and header["seed"] == 5
    sheet = Image.open(folder / "samples" / "step-00000003.png")
    assert sheet.size == (8 * 28 * 2, 8 * 28 * 2)


def test_sample_draws_the_average_of_a_run_the_same_in_both_frameworks(trained, tmp_path):
    folder, _ = trained
    network = checkpoints(folder)[-1]
    for backend in ("torch", "tensorflow"):
        out = tmp_path / f"{backend}.png"
        done = run("sample", network, "--out", out, "--count", 16, "--backend", backend)
        assert done.exit_code == 0 and "the first 16 of seed 7" in done.output
    pictures = [
        np.asarray(Image.open(tmp_path / f"{name}.png"), int) for name in ("torch", "tensorflow")
    ]
    assert abs(pictures[0] - pictures[1]).max() <= 1
    arrays, _ = load_arrays(network)
    generator = al.load_network(network, "torch")
    weights = al.backend("torch").get_weights(generator)
    assert (weights["dense/kernel"] == arrays["average/dense/kernel"]).all()
    assert (weights["dense/kernel"] != arrays["generator/dense/kernel"]).any()


def test_a_pretrained_network_is_known_by_its_name(tmp_path):
    avatars = al.sample("grey-28", 5, backend="torch")
    assert avatars.shape == (5, 28, 28, 1) and avatars.dtype == np.uint8
    expected = al.backend("torch").generate(
        al.pretrained("grey-28", backend="torch"), al.noise(7, "latent", 0, (5, 100))
    )
    assert (avatars == al.to_uint8(expected)).all()
    assert (al.sample("grey-28", 2, backend="torch") == avatars[:2]).all()  # the first of a seed
    assert (al.sample("grey-28", 5, seed=8, backend="torch") != avatars).any()


def test_a_conditional_network_draws_what_is_asked_for(tmp_path):
    conditions = (("hair", ("bangs", "bun")), ("eyes", ("round", "tired", "happy")))
    spec = al.presets.small(28, 1, conditions)
    twin = al.backend("torch")
    path = tmp_path / "network.safetensors"
    weights = twin.get_weights(twin.Generator(spec, seed=1))
    save_arrays(path, weights, {"spec": spec.to_json()})
    drawn = al.sample(path, 6, ask={"hair": "bun", "eyes": "tired"}, backend="torch")
    condition = np.tile(np.float32([0, 1, 0, 1, 0]), (6, 1))
    z = al.noise(7, "latent", 0, (6, 64))
    expected = twin.generate(twin.Generator(spec, seed=1), z, condition)
    assert (drawn == al.to_uint8(expected)).all()
    by_lot = al.sample(path, 6, backend="torch")
    assert (by_lot != drawn).any() and (by_lot == al.sample(path, 6, backend="torch")).all()
    save_arrays(path, weights, {"spec": spec.to_json(), "shares": [0, 1, 0, 0.5, 0.5]})
    as_in_the_data = al.sample(path, 200, backend="torch")
    z = al.noise(7, "latent", 0, (200, 64))
    network = twin.Generator(spec, seed=1)
    by_value = [
        al.to_uint8(twin.generate(network, z, np.float32([wish] * 200)))
        for wish in ([0, 1, 0, 1, 0], [0, 1, 0, 0, 1])
    ]
    tired, happy = ((as_in_the_data == of).all(axis=(1, 2, 3)) for of in by_value)
    assert (tired | happy).all() and 70 < tired.sum() < 130  # else once in 40,000 seeds
    for wish, word in (("hair=mohawk", "mohawk"), ("hat=red", "not by hat"), ("hair", "ATTRIBUTE")):
        with pytest.raises(InputError, match=word):
            CliRunner().invoke(
                app,
                ["sample", str(path), "--out", str(tmp_path / "x.png"), "--ask", wish],
                catch_exceptions=False,
            )


@pytest.mark.parametrize(
    "network, words",
    [
        ("nobody", "neither a file nor a pretrained network (adventurer-64, big-smile-32"),
        ("none.safetensors", "There is no file"),
    ],
)
def test_an_unknown_network_gets_a_sentence(network, words):
    with pytest.raises(InputError) as caught:
        al.sample(network, 1)
    assert words in str(caught.value)


def test_a_file_that_is_no_network_gets_a_sentence(tmp_path):
    path = tmp_path / "a.safetensors"
    save_arrays(path, {"a": np.zeros(3)}, {"title": "something else"})
    with pytest.raises(InputError, match="its header has no spec"):
        al.load_network(path)
    save_arrays(path, {"a": np.zeros(3)}, {"spec": al.presets.small(28).to_json()})
    with pytest.raises(InputError, match="another network"):
        al.load_network(path, "torch")


def test_a_network_of_points_and_an_empty_count_get_a_sentence(tmp_path):
    twin, spec = al.backend("torch"), al.presets.points()
    path = tmp_path / "a.safetensors"
    save_arrays(path, twin.get_weights(twin.Generator(spec)), {"spec": spec.to_json()})
    with pytest.raises(InputError, match="draws points, not pictures"):
        al.sample(path, 1, backend="torch")
    with pytest.raises(InputError, match="at least 1, not 0"):
        al.sample("grey-28", 0, backend="torch")


def test_a_conditional_network_is_trained_and_asked(tmp_path):
    path = write(tmp_path, conditions=["hair_colour", "accessories"])
    done = run("train", path, "--out", tmp_path / "run", "--backend", "torch")
    assert done.exit_code == 0, done.output
    network = checkpoints(tmp_path / "run")[-1]
    spec = al.load_network(network, "torch").spec
    assert [name for name, _ in spec.conditions] == ["hair_colour", "accessories"]
    avatars = load_recipe(path).data(progress=False)
    counts = [avatars.counts(name)[value] for name, values in spec.conditions for value in values]
    shares = load_arrays(network)[1]["shares"]  # in the run's file: what is drawn by lot follows
    assert shares == pytest.approx(np.array(counts) / len(avatars.images))
    value = spec.conditions[0][1][0]
    out = tmp_path / "asked.png"
    done = run("sample", network, "--out", out, "--ask", f"hair_colour={value}", "--count", 3)
    assert done.exit_code == 0 and out.exists()


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_training_in_one_line_needs_no_folder(framework):
    points = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    run = al.train(al.presets.points(), points, steps=3, backend=framework, progress=False)
    assert run.gan.steps == 3 and len(run.history) == 3 and len(run.samples) == 2
    assert run.gan.generate(al.noise(0, "latent", 0, (5, 2))).shape == (5, 2)


def test_latents_are_the_noise_that_a_network_wants():
    spec = al.presets.points()
    expected = al.noise(3, "latent", 5, (4, spec.latent))
    gan = al.backend("torch").GAN(spec)
    for network in (spec, gan, gan.generator):
        assert (al.latents(4, network, 3, 5) == expected).all()
    with pytest.raises(InputError, match="The count is a whole number of at least 1, not 0"):
        al.latents(0, spec)


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16"])
def test_train_takes_a_recipe_as_editors_on_windows_save_it(tmp_path, coding):
    path, text = tmp_path / "tiny.toml", RECIPE.format(more="")
    path.write_bytes(text.encode(coding))
    done = run("train", path, "--out", tmp_path / "run", "--backend", "torch")
    assert done.exit_code == 0, done.exception
    _, header = load_arrays(checkpoints(tmp_path / "run")[-1])
    assert header["recipe"] == text


@pytest.mark.parametrize("value", ['["hinge"]', "{ kind = 1 }", "5", "true"])
@pytest.mark.parametrize("name", ["loss", "update_order"])
def test_a_name_of_another_type_is_named(tmp_path, name, value):
    text = f'style = "big-smile"\nsteps = 1\n[config]\n{name} = {value}'
    with pytest.raises(InputError, match=f"tiny.toml: {name} is one of .*; this is "):
        load_recipe(write(tmp_path, text))
