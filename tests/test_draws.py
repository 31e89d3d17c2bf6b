"""What a step draws: no two draws share numbers, and each has its distribution."""

from dataclasses import replace

import numpy as np
import pytest
from engine import SPECS, noise
from scipy.stats import chisquare, kstest

from avatarlib.core.randomness import generator
from avatarlib.training import draws as module
from avatarlib.training import presets
from avatarlib.training.draws import draw
from avatarlib.training.initial import initial_weights
from avatarlib.training.spec import TrainingConfig

ARTICLE = presets.article()
SPEC = replace(  # everything that can be drawn
    ARTICLE,
    name="all",
    config=TrainingConfig("wasserstein", gradient_penalty=10.0, translation=0.125),
)


def streams_of(spec, steps, monkeypatch):
    """Every (stream, step) that a run asks for, and how often."""
    asked = []

    def spy(seed, stream, step=0):
        asked.append((stream, step))
        return generator(seed, stream, step)

    monkeypatch.setattr(module, "generator", spy)
    monkeypatch.setattr("avatarlib.core.randomness.generator", spy)
    for step in range(steps):
        draw(spec, 0, step, 2)
        noise(0, "latent", step, (2, 8))
    return asked


def test_no_stream_is_asked_twice_in_a_step(monkeypatch):
    asked = streams_of(SPEC, 3, monkeypatch)
    assert len(set(asked)) == len(asked) == 3 * 8
    assert {stream for stream, _ in asked} == {
        "latent",
        "interpolation",
        "dropout/real/0",
        "dropout/real/1",
        "dropout/fake/0",
        "dropout/fake/1",
        "translation/real",
        "translation/fake",
    }


def test_no_two_steps_and_no_two_streams_share_a_draw(monkeypatch):
    """The first 64 words of 32 bits of 8 streams in 200 steps: 102,400 words.

    By chance, n words of 32 bits hold n² / 2³³ = 1.22 pairs of equal ones; more than 12 have a
    chance of one in a billion (Poisson). One shared stream would add 64 · 200. No two places may
    have two neighbouring words in common: for that, the chance is one in ten million.
    """
    asked = streams_of(SPEC, 200, monkeypatch)
    words = np.stack(
        [
            generator(0, stream, step).bit_generator.random_raw(32).view(np.uint32)
            for stream, step in asked
        ]
    )
    assert words.shape == (1600, 64)
    collisions = words.size - len(np.unique(words))
    assert collisions <= 12
    pairs = words.view(np.uint64)
    assert len(np.unique(pairs)) == pairs.size
    assert words[0].tolist() != words[8].tolist()


def test_masks_of_real_and_generated_of_layers_and_of_steps_are_independent():
    """Two masks agree where both keep or both drop: 0.7² + 0.3² = 0.58, within 5 errors."""
    masks = {}
    for step in (0, 1):
        drawn = draw(ARTICLE, 0, step, 8)
        for which in ("real", "fake"):
            for i, mask in enumerate(getattr(drawn, which).masks):
                masks[step, which, i] = mask.ravel()[:50_000]
    names = list(masks)
    assert len(names) == 8
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            same = (masks[one] == masks[other]).mean()
            assert abs(same - 0.58) < 5 * np.sqrt(0.58 * 0.42 / 50_000), (one, other)


def test_masks_have_their_layers_shapes_and_rates():
    drawn = draw(ARTICLE, 1, 5, 64)
    for player in (drawn.real, drawn.fake):
        assert [mask.shape for mask in player.masks] == [(64, 14, 14, 64), (64, 7, 7, 128)]
        for mask in player.masks:
            assert mask.dtype == bool
            assert abs((~mask).mean() - 0.3) < 5 * np.sqrt(0.21 / mask.size)
        assert player.shift is None
    assert drawn.share is None


def test_shifts_are_uniform_with_both_ends():
    """28 pixels, an eighth: from -4 (3.5, rounded to even) to 4, each as often, both axes apart."""
    shifts = np.concatenate([draw(SPECS["hinge"], 0, step, 100).real.shift for step in range(100)])
    assert shifts.dtype == np.int64 and shifts.shape == (10_000, 2)
    for axis in shifts.T:
        values, counts = np.unique(axis, return_counts=True)
        assert values.tolist() == list(range(-4, 5))
        assert chisquare(counts).pvalue > 1e-6
    assert abs(np.corrcoef(shifts.T)[0, 1]) < 5 / 100
    drawn = draw(SPECS["hinge"], 0, 0, 1000)
    agree = (drawn.real.shift == drawn.fake.shift).mean()
    assert abs(agree - 1 / 9) < 5 * np.sqrt(1 / 9 * 8 / 9 / 2000)


def test_a_translation_below_half_a_pixel_shifts_nothing():
    spec = replace(ARTICLE, config=TrainingConfig(translation=0.4 / 28))
    assert draw(spec, 0, 0, 4).real.shift is None


def test_the_share_is_drawn_for_each_picture():
    shares = np.concatenate([draw(SPEC, 0, step, 64).share for step in range(40)])
    assert shares.shape == (2560, 1, 1, 1) and shares.dtype == np.float32
    assert len(np.unique(shares)) > 2550
    assert kstest(shares.ravel(), "uniform").pvalue > 1e-6
    assert draw(replace(presets.points(), config=SPEC.config), 0, 0, 3).share.shape == (3, 1)


def test_a_draw_is_a_function_of_seed_and_step():
    def numbers(seed, step):
        drawn = draw(SPEC, seed, step, 4)
        halves = [np.concatenate([a.ravel() for a in (*p.masks, p.shift)]) for p in drawn[:2]]
        return np.concatenate([*halves, drawn.share.ravel()])

    assert (numbers(1, 2) == numbers(1, 2)).all()
    for other in ((1, 3), (2, 2), (2, 1)):
        assert (numbers(1, 2) != numbers(*other)).mean() > 0.3


def test_first_weights_share_no_number_with_each_other_or_with_the_latents():
    arrays = [
        array.ravel()[:500]
        for seed in (0, 1)
        for player in ("generator", "discriminator")
        for name, array in initial_weights(presets.dcgan(), player, seed).items()
        if name.endswith("kernel")
    ]
    arrays += [0.02 * noise(0, "latent", step, 500) for step in range(4)]
    correlations = np.corrcoef(np.stack(arrays)) - np.eye(len(arrays))
    assert np.abs(correlations).max() < 6 / np.sqrt(500)


@pytest.mark.parametrize("n", [1, 7])
def test_a_batch_of_any_size_has_its_draws(n):
    drawn = draw(SPEC, 0, 0, n)
    assert {len(a) for p in drawn[:2] for a in (*p.masks, p.shift)} | {len(drawn.share)} == {n}
