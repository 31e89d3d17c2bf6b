"""A GAN as plain data: JSON and back, sentences for mistakes, shapes, schedules, conditions."""

import json
import math
from dataclasses import fields, replace

import numpy as np
import pytest
from engine import CONDITIONS, SPECS

from avatarlib import InputError, to_float, to_uint8
from avatarlib.data import Attribute, AvatarSet
from avatarlib.data.conditions import conditions, one_hot
from avatarlib.show import summary
from avatarlib.training import layers as ly
from avatarlib.training import presets
from avatarlib.training.spec import Spec, TrainingConfig, differences

PRESETS = {
    f"{make.__name__}{size}x{channels}": make(size, channels)
    for make in (presets.article, presets.dcgan, presets.small, presets.medium)
    for size in (28, 32, 64)
    for channels in (1, 3)
} | {"points": presets.points(), "deep points": presets.points(5, 4)}


@pytest.mark.parametrize("spec", [*PRESETS.values(), *SPECS.values()], ids=lambda spec: spec.name)
def test_json_in_and_out_is_the_identity(spec):
    text = spec.to_json()
    back = Spec.from_json(text)
    assert back == spec and hash(back) == hash(spec) and back.to_json() == text
    assert differences(spec, back) == []
    json.loads(text)


def test_every_kind_of_layer_survives_json():
    values = {"name": "a", "units": 3, "channels": 4, "shape": (2, 2, 3)}
    for kind in ly.KINDS.values():
        layer = kind(**{f.name: values[f.name] for f in fields(kind) if f.name in values})
        assert ly.layer_from_plain(json.loads(json.dumps(ly.layer_to_plain(layer)))) == layer
    assert len(ly.KINDS) == 13


@pytest.mark.parametrize("spec", PRESETS.values(), ids=list(PRESETS))
def test_shapes_lead_from_the_latents_to_the_picture_and_to_one_logit(spec):
    for player, start, end in (
        ("generator", (spec.latent,), spec.shape),
        ("discriminator", spec.shape, (1,)),
    ):
        shapes = spec.shapes(player)
        assert shapes[0] == start and shapes[-1] == end
        assert len(shapes) == len(getattr(spec, player)) + 1
        assert all(type(shape) is tuple for shape in shapes)


def test_the_articles_shapes_are_the_listings():
    """The article asserts them, layer by layer."""
    spec = presets.article()
    pictures = [shape for shape in spec.shapes("generator") if len(shape) == 3]
    assert list(dict.fromkeys(pictures)) == [(7, 7, 256), (7, 7, 128), (14, 14, 64), (28, 28, 1)]
    assert spec.shapes("discriminator")[-2] == (7 * 7 * 128,)
    assert spec.masks() == [((14, 14, 64), 0.3), ((7, 7, 128), 0.3)]


def test_odd_sizes_are_rounded_up():
    assert ly.Conv("c", 3, 4, 2).after((7, 9, 1)) == (4, 5, 3)
    assert ly.Conv("c", 3, 4, 1).after((7, 9, 1)) == (7, 9, 3)
    assert ly.ConvTranspose("c", 3, 4, 2).after((7, 9, 1)) == (14, 18, 3)


def test_what_the_recommended_networks_are():
    """The numbers that the page on the recommended network prints."""
    spec = presets.small()
    game = spec.config
    assert (spec.latent, spec.initial, spec.spectral_norm) == (64, "he", False)
    assert (game.loss, game.update_order, game.r1, game.r2) == ("relativistic", "alternating", 3, 3)
    assert (game.beta1, game.beta2, game.lr_d, game.lr_g) == (0.0, 0.99, 2e-3, 2e-3)
    article = presets.article().config
    assert (article.loss, article.update_order) == ("non-saturating", "simultaneous")
    assert (article.beta1, article.beta2, article.epsilon) == (0.9, 0.999, 1e-7)
    assert (article.lr_d, article.lr_g, article.ema_half_life) == (1e-4, 1e-4, 0)
    dcgan = presets.dcgan()
    assert (dcgan.initial, dcgan.config.beta1, dcgan.config.lr_d) == ("normal", 0.5, 2e-4)
    assert [type(a).__name__ for a in dcgan.generator].count("BatchNorm") == 3
    assert [type(a).__name__ for a in dcgan.discriminator].count("BatchNorm") == 2
    assert {a.slope for a in dcgan.generator if isinstance(a, ly.LeakyReLU)} == {0.0}
    for make in (presets.small, presets.medium):
        assert not any(isinstance(a, ly.BatchNorm) for a in make().discriminator)
    ups = [a.channels for a in presets.small(64).generator if isinstance(a, ly.ConvTranspose)]
    assert ups == [128, 64, 16, 16]
    assert all(a.channels == 3 for a in presets.small().generator if isinstance(a, ly.ToRGB))
    assert [a.units for a in presets.points(8, 3).generator if hasattr(a, "units")] == [8, 8, 8, 2]


SIZES = {  # parameters and multiply-adds of the generator, then of the discriminator; colour
    ("article", 28): "2,308,672 52,371,200 216,065 10,982,272",
    ("article", 32): "2,700,352 68,403,200 217,985 14,344,192",
    ("article", 64): "7,713,856 273,612,800 242,561 57,376,768",
    ("dcgan", 28): "2,083,971 43,276,800 841,985 42,034,944",
    ("dcgan", 32): "1,439,299 27,852,800 1,033,729 27,447,296",
    ("dcgan", 64): "5,126,723 163,020,800 4,315,649 162,209,792",
    ("small", 28): "566,377 13,378,176 140,609 7,030,912",
    ("small", 32): "312,588 8,660,992 167,649 4,589,568",
    ("small", 64): "940,399 25,759,744 677,073 21,762,048",
    ("medium", 28): "1,394,729 39,526,144 543,361 26,906,880",
    ("medium", 32): "952,684 25,612,288 662,977 17,567,744",
    ("medium", 64): "969,231 42,782,720 694,241 26,742,784",
}


@pytest.mark.parametrize("name, size", SIZES)
def test_presets_keep_their_sizes_and_settings(name, size):
    """Saved runs and the book's tables count on them; test_networks.py counts anew."""
    spec = getattr(presets, name)(size, 3)
    rows = [line.split()[1:] for line in summary(spec).splitlines() if "together" in line]
    assert " ".join(rows[0] + rows[1]) == SIZES[name, size]
    both = (*spec.generator, *spec.discriminator)
    norms = {(a.momentum, a.epsilon) for a in both if isinstance(a, ly.BatchNorm)}
    assert norms == ({(0.99, 1e-3)} if name == "article" else {(0.9, 1e-5)})
    slopes = {a.slope for a in both if isinstance(a, ly.LeakyReLU)}
    assert slopes == {"article": {0.3}, "dcgan": {0.0, 0.2}}.get(name, {0.2})
    strides = [a.stride for a in both if hasattr(a, "stride")]
    assert strides == ([1, 2, 2, 2, 2] if name == "article" else [2] * len(strides))
    # A bias just before batch normalisation would be taken out again.
    for one, following in zip(both, both[1:], strict=False):
        if isinstance(following, ly.BatchNorm) and hasattr(one, "bias"):
            assert not one.bias
    game = spec.config
    assert (game.batch, game.penalty_every, game.generator_every) == (64, 1, 1)
    ours = name in ("small", "medium")
    assert game.final_lr_fraction == (0.05 if ours else 1.0)
    assert game.r1 == game.r2 == ((10 if size == 64 else 3) if ours else 0)
    rates = {"article": 1e-4, "dcgan": 2e-4, "small": 2e-3, "medium": 7e-4}
    rate = 7e-4 if ours and size == 64 else rates[name]
    assert game.lr_d == game.lr_g == rate
    assert (game.translation, game.gradient_penalty) == (0.0, 0.0)
    assert game.ema_half_life == (20_000 if ours else 0)
    assert game.ema_rampup == 0.05 and game.beta2 == (0.99 if game.r1 else 0.999)


def test_the_networks_for_points():
    spec = presets.points()
    assert summary(spec).splitlines()[-1].split()[1:] == ["1,185", "1,120"]
    assert (spec.latent, spec.shape, spec.config.batch) == (2, (2,), 128)
    assert (spec.config.lr_d, spec.config.lr_g, spec.config.loss) == (1e-3, 1e-3, "non-saturating")


def test_weights_are_named_by_layer_and_spectral_vectors_follow_their_kernels():
    spec = SPECS["hinge"]
    assert spec.weights("discriminator") == {
        "down1/kernel": (4, 4, 1, 64),
        "down1/kernel/u": (64,),
        "down1/bias": (64,),
        "down2/kernel": (4, 4, 64, 128),
        "down2/kernel/u": (128,),
        "down2/bias": (128,),
        "logit/kernel": (6272, 1),
        "logit/kernel/u": (1,),
        "logit/bias": (1,),
        "logit/embedding": (5, 6272),
        "logit/embedding/u": (6272,),
    }
    assert not [name for name in spec.weights("generator") if name.endswith("/u")]
    assert spec.weights("generator")["embed/kernel"] == (5, 32)
    assert spec.condition_size == 5 and presets.small().condition_size == 0


def test_the_summary_says_what_each_layer_costs():
    text = summary(presets.points(4, 1))
    assert text.splitlines() == [
        "generator                       parameters   multiply-adds",
        "  Dense         4                       12               8",
        "  LeakyReLU     4                        0               0",
        "  Dense         2                       10               8",
        "  together                              22              16",
        "discriminator                   parameters   multiply-adds",
        "  Dense         4                       12               8",
        "  LeakyReLU     4                        0               0",
        "  Dense         1                        5               4",
        "  together                              17              12",
    ]
    work = {
        ly.Conv("c", 3, 5, 2): ((8, 8, 2), 4 * 4 * 3 * 25 * 2),
        ly.ConvTranspose("c", 3, 5, 2): ((8, 8, 2), 8 * 8 * 2 * 25 * 3),
        ly.Project("p"): ((7,), 14),
        ly.Tanh(): ((8, 8, 2), 0),
    }
    for layer, (shape, expected) in work.items():
        assert layer.multiply_adds(shape) == expected


# ------------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"loss": "wgan"}, "loss is one of minimax, non-saturating"),
        (
            {"update_order": "both"},
            "update_order is one of simultaneous, alternating; this is 'both'",
        ),
        ({"generator_every": 0}, "generator_every is a whole number of at least 1, not 0"),
        ({"penalty_every": 1.5}, "penalty_every is a whole number of at least 1"),
        ({"batch": 0}, "batch is a whole number"),
        ({"batch": True}, "batch is a whole number of at least 1, not True"),
        ({"lr_d": "fast"}, "lr_d is a number above 0, not 'fast'"),
        ({"r1": -1.0}, "r1 is a number of at least 0, not -1.0"),
        ({"r2": math.nan}, "r2 is a number of at least 0, not nan"),
        ({"gradient_penalty": math.inf}, "gradient_penalty is a number of at least 0, not inf"),
        ({"ema_half_life": -1}, "ema_half_life is a number of at least 0"),
        ({"ema_rampup": -0.1}, "ema_rampup is a number of at least 0"),
        ({"lr_d": 0.0}, "lr_d is a number above 0, not 0.0"),
        ({"lr_g": math.inf}, "lr_g is a number above 0, not inf"),
        ({"epsilon": 0}, "epsilon is a number above 0"),
        ({"beta1": 1.0}, "beta1 is a number of at least 0 and below 1, not 1.0"),
        ({"beta2": -0.1}, "beta2 is a number of at least 0 and below 1"),
        ({"final_lr_fraction": 1.1}, "final_lr_fraction is a number of at least 0 and at most 1"),
        ({"final_lr_fraction": -0.1}, "final_lr_fraction is a number of at least 0 and at most 1"),
        ({"translation": 0.51}, "translation is a number of at least 0 and at most 0.5"),
        ({"translation": -0.1}, "translation is a number of at least 0 and at most 0.5"),
    ],
)
def test_a_bad_rule_of_the_game_gets_a_sentence(settings, words):
    with pytest.raises(InputError) as caught:
        TrainingConfig(**settings)
    assert words in str(caught.value)


def test_numpys_numbers_become_plain_ones_which_json_can_hold():
    config = TrainingConfig(batch=np.int64(8), lr_d=np.float32(0.5), ema_half_life=np.uint8(3))
    found = config.batch, config.lr_d, config.ema_half_life
    assert found == (8, 0.5, 3) and [type(value) for value in found] == [int, float, int]


def test_the_limits_themselves_are_allowed():
    TrainingConfig(
        beta1=0.0, beta2=0.0, final_lr_fraction=0.0, translation=0.5, ema_rampup=0, batch=1
    )
    TrainingConfig(final_lr_fraction=1.0, translation=0.0, r1=0, generator_every=1, penalty_every=1)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"shape": (28, 28, 3)}, "generator of 'small' ends in (28, 28, 1), not in (28, 28, 3)"),
        ({"initial": "zeros"}, "initial is one of glorot, normal, he; this is 'zeros'"),
        ({"discriminator": (ly.Flatten(), ly.Dense("a", 2))}, "ends in (2,), not in (1,)"),
        (
            {"discriminator": (ly.Flatten(), ly.Dense("a", 2), ly.Dense("a", 1))},
            "Two layers of the discriminator of 'small' have one name",
        ),
    ],
)
def test_layers_that_do_not_fit_get_a_sentence(change, words):
    with pytest.raises(InputError) as caught:
        replace(presets.small(28, 1), **change)
    assert words in str(caught.value)


@pytest.mark.parametrize("penalty", ["r1", "r2", "gradient_penalty"])
def test_a_penalty_beside_batch_normalisation_in_the_discriminator_is_refused(penalty):
    spec = presets.dcgan()
    with pytest.raises(InputError, match="mixes the batch"):
        replace(spec, config=replace(spec.config, **{penalty: 1.0}))
    replace(presets.small(), config=replace(spec.config, **{penalty: 1.0}))  # only in the generator


@pytest.mark.parametrize("size, channels", [(48, 3), (28, 2), (0, 1)])
def test_a_size_that_no_preset_has_gets_a_sentence(size, channels):
    for make in (presets.article, presets.dcgan, presets.small, presets.medium):
        with pytest.raises(InputError, match=f"not {size} in {channels}"):
            make(size, channels)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "3",
        '{"generator": 3}',
        presets.points().to_json().replace('"Dense"', '"Dens"'),
        presets.points().to_json().replace('"units"', '"unit"'),
        presets.points().to_json().replace('"latent": 2, ', ""),
        presets.points().to_json().replace('"latent"', '"laten"'),
        presets.points().to_json().replace('"r1"', '"r3"'),
        presets.points().to_json().replace('"conditions": []', '"conditions": 3'),
        presets.points().to_json().replace('"shape": [2]', '"shape": 2'),
        presets.points().to_json().replace('"kind": "Dense", ', ""),
        presets.points().to_json().replace("0.2", '"0.2"').replace('"lr_d": 0.001', '"lr_d": 0'),
    ],
)
def test_a_damaged_spec_gets_a_sentence(text):
    with pytest.raises(InputError):
        Spec.from_json(text)


def test_differences_name_the_settings():
    one, other = SPECS["small28"], SPECS["simultaneous"]
    assert differences(one, other) == [
        "update_order: 'alternating', not 'simultaneous'",
        "r1: 0.5, not 0.7",
        "r2: 0.5, not 0.3",
        "penalty_every: 1, not 2",
        "ema_half_life: 20000, not 30",
    ]
    assert differences(presets.small(28, 1), presets.small(28, 3)) == [
        "shape: (28, 28, 1), not (28, 28, 3)",
        "generator",
    ]
    assert differences(one, SPECS["hinge"])[:3] == ["generator", "discriminator", "conditions"]
    assert "spectral_norm: False, not True" in differences(one, SPECS["hinge"])


# ------------------------------------------------------------------------------------ schedules


def test_the_rates_are_constant_for_half_the_run_and_then_follow_a_cosine():
    game = TrainingConfig(final_lr_fraction=0.2)
    assert [game.lr_factor(p) for p in (-1.0, 0.0, 0.3, 0.5)] == [1.0] * 4
    assert game.lr_factor(0.75) == pytest.approx(0.6)
    assert game.lr_factor(2 / 3) == pytest.approx(0.2 + 0.8 * 0.75)
    assert game.lr_factor(1.0) == game.lr_factor(1.5) == pytest.approx(0.2)
    assert TrainingConfig(final_lr_fraction=0.0).lr_factor(1.0) == 0.0
    assert {TrainingConfig().lr_factor(p / 10) for p in range(11)} == {1.0}


def test_the_average_keeps_half_after_a_half_life_and_less_at_first():
    game = TrainingConfig(batch=50, ema_half_life=1000, ema_rampup=0.05)
    assert game.ema_decay(0) == 0.0  # the first step's average is the first step's weights
    assert game.ema_decay(10**9) ** (1000 / 50) == pytest.approx(0.5)
    assert game.ema_decay(100) == pytest.approx(0.5 ** (50 / 250))  # 5 % of 5,000 pictures
    assert game.ema_decay(400) == pytest.approx(0.5 ** (50 / 1000))
    keeps = [game.ema_decay(step) for step in range(1000)]
    assert keeps == sorted(keeps) and all(0 <= keep < 1 for keep in keeps)
    assert TrainingConfig(ema_half_life=0).ema_decay(100) == 0.0


# ------------------------------------------------------------------------ conditions and pixels


def test_one_hot_has_a_one_at_each_attributes_value():
    labels = {"mood": ["sad", "calm"], "hair": np.array(["bangs", "mohawk"]), "more": [1, 2]}
    found = one_hot(labels, CONDITIONS)
    assert found.dtype == np.float32
    assert found.tolist() == [[1, 0, 0, 0, 1], [0, 1, 1, 0, 0]]
    backwards = (("mood", ("sad", "calm")),)  # the spec's order of values, whatever it is
    assert one_hot(labels, backwards).tolist() == [[1, 0], [0, 1]]


def test_a_condition_that_the_network_does_not_know_gets_a_sentence():
    with pytest.raises(InputError, match="knows no hair afro, long; it knows bangs, mohawk"):
        one_hot({"hair": ["long", "bangs", "afro"], "mood": ["sad"] * 3}, CONDITIONS)
    with pytest.raises(InputError, match="Say which mood"):
        one_hot({"hair": ["bangs"]}, CONDITIONS)


def test_conditions_of_a_set():
    images = np.zeros((4, 8, 8, 3), np.uint8)
    hair = Attribute(np.array([1, 0, 1, 1], np.uint16), ("bangs", "mohawk"))
    avatars = AvatarSet(images, {"hair": hair}, {}, licence="CC0 1.0", creator="a", source="b")
    found = conditions(avatars, ("hair",))
    assert [name for name, _ in found] == ["hair"] and set(found[0][1]) == {"bangs", "mohawk"}
    order = found[0][1]
    expected = [[float(value == known) for known in order] for value in avatars.labels("hair")]
    assert one_hot(avatars, found).tolist() == expected
    presets.small(28, 3, found)
    with pytest.raises(InputError):
        conditions(avatars, ("beard",))


def test_pixels_go_to_floats_and_back_without_loss():
    values = np.arange(256, dtype=np.uint8)
    floats = to_float(values)
    assert floats.dtype == np.float32 and floats[0] == -1 and floats[255] == 1
    np.testing.assert_allclose(np.diff(floats), 2 / 255, rtol=1e-4)
    assert (to_uint8(floats) == values).all() and to_uint8(floats).dtype == np.uint8
    points = np.array([[0.5, -3.0]], np.float32)
    assert to_float(points) is points


def test_floats_are_rounded_to_the_nearest_and_what_lies_outside_is_clipped():
    floats = np.array([-1.5, -1, -1 + 0.49 / 127.5, -1 + 0.51 / 127.5, 0.999, 1, 1.5], np.float32)
    assert to_uint8(floats).tolist() == [0, 0, 0, 1, 255, 255, 255]


@pytest.mark.parametrize("make", [presets.small, presets.points])
def test_numpys_sizes_make_a_spec_that_json_can_hold(make):
    """`small` takes the size of the pictures, `points` that of the hidden layers."""
    of_numpy, plain = make(np.int64(32)), make(32)
    assert of_numpy.to_json() == plain.to_json() and Spec.from_json(of_numpy.to_json()) == plain
