"""The planner: parts for a claim, and the chance that it succeeds."""

from __future__ import annotations

import numpy as np
import pytest

from taktsight.errors import ConfigError
from taktsight.quality.exact_binomial import p_value
from taktsight.quality.sample_plan import plan


def test_steps_are_the_parts_for_each_number_of_events() -> None:
    made = plan(0.01)
    assert [(step.events, step.parts) for step in made.steps[:5]] == [
        (0, 299),
        (1, 473),
        (2, 628),
        (3, 773),
        (4, 913),
    ]
    assert made.parts == 299
    assert made.chosen is None


def test_several_labels_share_delta_and_must_all_succeed() -> None:
    assert plan(0.01, claims=3).parts == 408
    alone, three = plan(0.01, expected=0.002), plan(0.01, claims=3, expected=0.002)
    assert alone.chosen is not None
    assert three.chosen is not None
    assert (alone.chosen.events, alone.parts) == (2, 628)
    assert three.parts > alone.parts


def test_chance_of_success_is_what_studies_of_that_size_have() -> None:
    made = plan(0.02, expected=0.01, power=0.9)
    assert made.chosen is not None
    draw = np.random.default_rng(0)
    events = draw.binomial(made.parts, 0.01, 20_000)
    assert p_value(made.chosen.events, made.parts, 0.02) <= 0.05
    share = np.mean(events <= made.chosen.events)
    assert share == pytest.approx(made.chosen.chance, abs=3 * (0.9 * 0.1 / 20_000) ** 0.5)
    assert share >= 0.89


def test_parts_of_lots_are_needed_in_larger_numbers() -> None:
    assert plan(0.01, design_effect=2.5).parts == 748


def test_rates_that_no_number_of_parts_would_show_are_refused() -> None:
    with pytest.raises(ConfigError, match="it must be lower"):
        plan(0.01, expected=0.01)
    with pytest.raises(ConfigError, match=r"too near to 0\.01"):
        plan(0.01, expected=0.0099)
    for wrong in ({"delta": 0.0}, {"power": 1.0}, {"claims": 0}, {"design_effect": 0.5}):
        with pytest.raises(ConfigError):
            plan(0.01, **wrong)
