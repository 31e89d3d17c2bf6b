"""AvatarNet: the same network in both twins, its loss against SciPy's, and what it learns."""

from types import SimpleNamespace

import numpy as np
import pytest
from engine import TWINS, each_twin
from scipy.special import log_softmax

from avatarlib.core.errors import InputError
from avatarlib.data import Attribute, AvatarSet, render
from avatarlib.data.conditions import one_hot
from avatarlib.evaluation.classifier import (
    HELD_OUT_SEED,
    VALIDATION_SEED,
    Scorer,
    classifier_spec,
    load,
    train_classifier,
)
from avatarlib.training.layers import Dense, Flatten
from avatarlib.training.spec import ClassifierSpec

ATTRIBUTES = ("skin_colour", "hair")


@pytest.fixture(scope="module")
def spec(small):
    return classifier_spec(small, ATTRIBUTES)


def after_steps(twin, spec, avatars, steps):
    """A network in double precision after some steps on the first 32 pictures, and its losses."""
    network = twin.Classifier(spec, seed=3, dtype="float64")
    targets = one_hot(avatars, spec.conditions)
    losses = [network.step(avatars.images[:32], targets[:32], 1e-3) for _ in range(steps)]
    return network, losses


def test_both_twins_see_and_learn_the_same(spec, small):
    seen, losses = {}, {}
    for name, twin in TWINS.items():
        network, losses[name] = after_steps(twin, spec, small, 5)
        seen[name] = network.look(small.images)
    np.testing.assert_allclose(losses["torch"], losses["tensorflow"], rtol=1e-10)
    for ours, theirs in zip(seen["torch"], seen["tensorflow"], strict=True):
        assert ours.dtype == np.float64 and len(ours) == len(small)
        np.testing.assert_allclose(ours, theirs, atol=1e-8 * np.abs(theirs).max())


@each_twin
def test_the_loss_is_the_sum_of_the_attributes_cross_entropies(twin, spec, small):
    """Before the first move, from the network's own logits, by SciPy, attribute by attribute."""
    network = twin.AvatarNet(spec, seed=3, dtype="float64")
    pictures = small.images[:32] / 127.5 - 1
    if twin.name == "torch":
        from torch import from_numpy

        logits = network(from_numpy(pictures), training=True)[1].detach().numpy()
    else:
        logits = network(pictures, training=True)[1].numpy()
    expected = 0
    for name, (codes, categories) in small.attributes.items():
        if name in ATTRIBUTES:
            at = 0 if name == spec.conditions[0][0] else len(spec.conditions[0][1])
            part = log_softmax(logits[:, at : at + len(categories)], axis=1)
            expected -= part[np.arange(32), codes[:32]].mean()
    _, losses = after_steps(twin, spec, small, 1)
    assert losses[0] == pytest.approx(expected, rel=1e-6)  # pictures are single precision inside


@each_twin
def test_a_judge_learns_what_it_is_told(twin):
    """Two planted attributes, which half is bright and in which colour, within 60 steps."""
    rng = np.random.default_rng(0)
    side, colour = rng.integers(0, 2, 500), rng.integers(0, 3, 500)
    images = rng.integers(0, 40, (500, 28, 28, 3), dtype=np.uint8)
    for i in range(500):
        images[i, :, slice(0, 14) if side[i] else slice(14, 28), colour[i]] += 200
    avatars = AvatarSet(
        images,
        {
            "side": Attribute(side.astype(np.uint16), ("right", "left")),
            "colour": Attribute(colour.astype(np.uint16), ("red", "green", "blue")),
        },
    )
    network = train_classifier(avatars[:400], ("side", "colour"), steps=60, backend=twin.name)
    features, logits = network.look(images[400:])
    assert features.shape == (100, 128)
    assert (logits[:, :2].argmax(1) == side[400:]).mean() > 0.98
    assert (logits[:, 2:].argmax(1) == colour[400:]).mean() > 0.98


def test_a_judges_rate_falls_along_half_a_cosine(small, monkeypatch):
    """From the full rate by way of a half to nothing; a listener stands in for the network."""
    rates = []

    class Listener:
        def __init__(self, spec, seed):
            self.spec = spec

        def step(self, images, targets, rate):
            rates.append(rate)

    name = "avatarlib.backends.backend"
    monkeypatch.setattr(name, lambda backend: SimpleNamespace(Classifier=Listener))
    train_classifier(small, ATTRIBUTES, steps=100)
    expected = {0: 2e-3, 25: 1e-3 * (1 + np.sqrt(0.5)), 50: 1e-3, 99: 1e-3 * (np.pi / 100) ** 2 / 2}
    assert {step: rates[step] for step in expected} == pytest.approx(expected, rel=1e-3)
    assert np.all(np.diff(rates) < 0)


def test_a_spec_survives_its_json_and_refuses_what_does_not_fit(spec):
    assert ClassifierSpec.from_json(spec.to_json()) == spec
    with pytest.raises(InputError, match="not in 3 logits"):
        ClassifierSpec(spec.shape, (("one", ("a", "b", "c")),), spec.classifier)
    with pytest.raises(InputError, match="JSON of a spec"):
        ClassifierSpec.from_json("[]")


@pytest.fixture(scope="module")
def scale(small):
    return Scorer(load("big-smile-32"), render("big-smile", 1500, 32, 5, progress=False))


def test_the_same_avatars_are_at_distance_zero_and_cover_everything(scale):
    score = scale(render("big-smile", 1500, 32, 5, progress=False).images)
    assert abs(score.distance) < 1e-8 * scale.features.var(axis=0).sum()
    ratios = [ratio for of in score.coverage.values() for ratio in of.values()]
    np.testing.assert_allclose(ratios, 1, atol=1e-6)
    assert score.floor > 10  # what other 1,500 would score


def test_a_missing_attribute_is_named_the_rarest(scale):
    """1,500 other avatars without one hair style."""
    others = render("big-smile", 1500, 32, 6, progress=False)
    left = others[others.labels("hair") != "mohawk"]
    score = scale(left.images)
    attribute, value, ratio = score.rarest
    assert (attribute, value) == ("hair", "mohawk") and ratio < 0.01
    assert "hair mohawk" in str(score)
    assert score.distance > scale(others.images).distance


def test_an_unknown_judge_gets_a_sentence():
    with pytest.raises(InputError, match="nobody.*there is: adventurer-64, big-smile-32"):
        load("nobody")


def test_a_judge_refuses_sizes_that_it_has_no_layers_for(planted):
    with pytest.raises(InputError, match="28, 32 or 64 pixels square, not at 8 x 8"):
        classifier_spec(planted, ("hair",))


def test_what_is_chosen_on_and_what_is_reported_on_have_no_avatar_in_common():
    training, *others = (
        {image.tobytes() for image in render("big-smile", 300, 32, seed).images}
        for seed in (0, VALIDATION_SEED, HELD_OUT_SEED)
    )
    validation, held_out = others
    assert len(validation & held_out) < 3 and len(training & (validation | held_out)) < 3


def test_a_classifier_has_a_logit_for_each_value():
    layers = (Flatten(), Dense("features", 7), Dense("logits", 5))
    moods = (("mood", ("calm", "glad", "sad")), ("hair", ("short", "long")))
    assert ClassifierSpec((4, 4, 3), moods, layers).condition_size == 5
    with pytest.raises(InputError, match=r"ends in \(5,\), not in 3 logits"):
        ClassifierSpec((4, 4, 3), moods[:1], layers)
