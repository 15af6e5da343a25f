"""Escape and overkill: exact bounds, counted in parts, against published values and another library."""

from __future__ import annotations

import doctest
import math
from random import Random

import numpy as np
import pytest
from scipy.stats import beta, binom, binomtest

from taktsight.quality import rates
from taktsight.quality.rates import clopper_pearson, escape_rate, overkill_rate, wilson


def test_299_parts_without_an_escape_show_less_than_1_percent_and_298_do_not() -> None:
    # The zero-failure rule: ln(0.05) / ln(0.99) = 298.07 parts for 1 % at 95 %, one-sided.
    assert clopper_pearson(0, 299, 0.90).high < 0.01
    assert clopper_pearson(0, 298, 0.90).high > 0.01


def test_no_event_has_the_bound_of_the_closed_formula() -> None:
    for parts in (1, 10, 59, 299, 3000):
        rate = clopper_pearson(0, parts, 0.95)
        assert rate.low == 0.0
        assert rate.high == pytest.approx(1 - 0.025 ** (1 / parts))
        assert clopper_pearson(parts, parts, 0.95).low == pytest.approx(0.025 ** (1 / parts))
        assert clopper_pearson(parts, parts, 0.95).high == 1.0


def test_bounds_are_quantiles_of_the_beta_distribution() -> None:
    draw = Random(1)
    for _ in range(200):
        parts = draw.randint(1, 5000)
        events = draw.randint(0, parts)
        confidence = draw.choice([0.8, 0.9, 0.95, 0.99])
        tail = (1 - confidence) / 2
        rate = clopper_pearson(events, parts, confidence)
        low = beta.ppf(tail, events, parts - events + 1) if events else 0.0
        high = beta.ppf(1 - tail, events + 1, parts - events) if events < parts else 1.0
        assert [rate.low, rate.high] == pytest.approx([low, high])


@pytest.mark.parametrize(("events", "parts"), [(0, 20), (1, 10), (5, 20), (81, 263), (148, 148)])
def test_intervals_are_those_of_scipy(events: int, parts: int) -> None:
    exact = binomtest(events, parts).proportion_ci(0.95, "exact")
    score = binomtest(events, parts).proportion_ci(0.95, "wilson")
    rate, curve = clopper_pearson(events, parts), wilson(events, parts)
    assert [rate.low, rate.high] == pytest.approx([exact.low, exact.high])
    assert [curve.low, curve.high] == pytest.approx([score.low, score.high], abs=1e-12)


def test_intervals_are_as_published() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81/263, 15/148, 0/20 and 1/29.
    for (events, parts), exact, score in (
        ((81, 263), (0.2527, 0.3676), (0.2553, 0.3662)),
        ((15, 148), (0.0578, 0.1617), (0.0624, 0.1605)),
        ((0, 20), (0.0000, 0.1684), (0.0000, 0.1611)),
        ((1, 29), (0.0009, 0.1776), (0.0061, 0.1718)),
    ):
        rate, curve = clopper_pearson(events, parts), wilson(events, parts)
        assert (round(rate.low, 4), round(rate.high, 4)) == exact
        assert (round(curve.low, 4), round(curve.high, 4)) == score


@pytest.mark.parametrize("truth", [0.005, 0.03, 0.2])
def test_exact_interval_covers_at_least_what_it_promises(truth: float) -> None:
    parts = 120
    covered = 0.0
    for events in range(parts + 1):
        rate = clopper_pearson(events, parts, 0.9)
        covered += float(binom.pmf(events, parts, truth)) * (rate.low <= truth <= rate.high)
    assert covered >= 0.9


def test_escape_rate_counts_defective_parts_only() -> None:
    defective = [True, True, True, True, False, False]
    passed = [True, False, False, False, True, False]
    rate = escape_rate(defective, passed)
    assert (rate.events, rate.parts, rate.value) == (1, 4, 0.25)


def test_overkill_rate_counts_good_parts_only() -> None:
    defective = [True, True, True, True, False, False]
    passed = [True, False, False, False, True, False]
    rate = overkill_rate(np.array(defective), np.array(passed))
    assert (rate.events, rate.parts, rate.value) == (1, 2, 0.5)


def test_without_defective_parts_nothing_is_known_of_escapes() -> None:
    rate = escape_rate([False, False], [True, True])
    assert math.isnan(rate.value)
    assert (rate.low, rate.high) == (0.0, 1.0)
    assert str(rate) == "undefined (no parts)"
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)


def test_every_part_has_one_reference_and_one_verdict() -> None:
    for defective, passed in (([True], [True, False]), ([[True]], [[True]])):
        with pytest.raises(ValueError, match="one reference per verdict"):
            escape_rate(np.array(defective), np.array(passed))


@pytest.mark.parametrize(
    ("events", "parts", "confidence"), [(2, 1, 0.95), (-1, 1, 0.95), (0, 1, 1.0), (0, 1, 0.0)]
)
def test_impossible_counts_are_refused(events: int, parts: int, confidence: float) -> None:
    for interval in (clopper_pearson, wilson):
        with pytest.raises(ValueError, match=r"events ≤ parts|between 0 and 1"):
            interval(events, parts, confidence)


def test_examples_in_the_docstrings_hold() -> None:
    result = doctest.testmod(rates)
    assert result.attempted >= 2
    assert result.failed == 0
