"""``--probe``: one batch learned by heart, a band of learning rates, and nothing kept but a page."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from taktsight.cli import main
from taktsight.training.probes.learning_rate import STEPS, RangeTest
from taktsight.training.probes.overfit import Overfit

from .spots import CLASSIFIER, SEGMENTER, make_parts


def configured(folder: Path, config: str) -> str:
    make_parts(folder / "parts", 45, masks=config is SEGMENTER)
    (folder / "training.yaml").write_text(config.format(root=folder / "parts", epochs=2, batch=8))
    return str(folder / "training.yaml")


@pytest.mark.parametrize("config", [SEGMENTER, CLASSIFIER])
def test_a_sound_configuration_passes_and_nothing_but_the_page_is_kept(
    tmp_path: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(["train", configured(tmp_path, config), "--run", str(run), "--probe"]) == 0
    assert [path.name for path in run.iterdir()] == ["probe.html"]
    said = capsys.readouterr().out
    assert "one batch of 8 crops was learned by heart" in said
    assert "the configured 0.01" in said or "the configured 0.005" in said
    page = (run / "probe.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    assert len(re.findall(r'<img src="data:image/jpeg', page)) == 8
    assert not re.search(r"<script|<link|https?://(?!www\.w3\.org)", page)


def test_a_rate_at_which_nothing_is_learned_fails_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = "--model.init_args.learning_rate=1e-6"
    assert (
        main(["train", configured(tmp_path, CLASSIFIER), "--run", str(tmp_path / "run"), "--probe", slow])
        == 1
    )
    said = capsys.readouterr().out
    assert "NOT learned by heart" in said
    assert "the configured 1e-06 lies below the sensible band" in said
    assert "try --model.init_args.learning_rate=" in said
    assert "Labels:" in said
    assert "Masks:" in said


def test_a_probe_of_a_resumed_training_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(tmp_path, CLASSIFIER)
    assert main(["train", config, "--run", str(tmp_path), "--probe", "--resume"]) == 2
    assert "leave --resume out" in capsys.readouterr().err


RATES = tuple(np.geomspace(1e-5, 1.0, STEPS).tolist())


def falling_around(rate: float, *, seed: int = 0) -> tuple[float, ...]:
    """A loss that falls from 3 to 1 fastest at ``rate``, turns at 30 times it, and jumps."""
    over = np.log10(np.array(RATES) / rate)
    loss = 2 - np.tanh(2 * over) + np.clip(over - 1.5, 0, None) * 3
    return tuple((loss + np.random.default_rng(seed).normal(0, 0.1, STEPS)).tolist())


@pytest.mark.parametrize("rate", [3e-4, 1e-3, 1e-2])
def test_the_steepest_descent_is_found_within_a_factor_of_two(rate: float) -> None:
    for seed in range(5):
        found = RangeTest(RATES, falling_around(rate, seed=seed), configured=rate)
        assert found.steepest is not None
        assert rate / 2 < found.steepest < rate * 2
        assert found.is_within


def test_rates_outside_the_band_are_told_apart_from_those_within() -> None:
    losses = falling_around(1e-3)
    assert not RangeTest(RATES, losses, configured=1e-5).is_within
    assert RangeTest(RATES, losses, configured=5e-4).is_within
    assert not RangeTest(RATES, losses, configured=0.5).is_within


def test_a_loss_that_never_falls_suggests_no_rate() -> None:
    losses = tuple(np.random.default_rng(0).normal(3, 0.05, STEPS).tolist())
    found = RangeTest(RATES, losses, configured=1e-3)
    assert found.steepest is None
    assert found.band is None


def test_what_smoothed_labels_never_let_fall_does_not_count() -> None:
    losses = tuple(np.linspace(2.0, 0.5, 60).tolist())
    assert Overfit(losses, lowest=0.48, rate=1e-3, crops=8).is_passed
    assert not Overfit(losses, lowest=0.0, rate=1e-3, crops=8).left < 0.2
