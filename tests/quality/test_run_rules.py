"""What the rules of Nelson and Western Electric find, and what they must not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from taktsight.quality.control_chart import rules_of
from taktsight.quality.run_rules import RuleHit, rule_hits
from taktsight.quality.spc_limits import GapLimits, ShareLimits, ValueLimits


def hits(z: Sequence[float], *rules: str) -> list[tuple[tuple[int, ...], str]]:
    """Rule hits of values that are already in σ."""
    values = np.array(z, float)
    ones = np.ones(len(values))
    found = rule_hits(values, 0 * ones, -3 * ones, 3 * ones, ones, rules)
    return [(hit.points, hit.side) for hit in found]


def test_a_point_on_the_limit_is_not_out() -> None:
    assert hits([0, 3.0, -3.0, 3.0 + 1e-12], "nelson-1") == []
    assert hits([0, 3.0001, -3.0001], "nelson-1") == [((2,), "above"), ((3,), "below")]


def test_nine_in_a_row_and_no_eight_and_the_centre_line_breaks_a_run() -> None:
    run = [0.5] * 9
    assert hits([-1, *run, -1], "nelson-2") == [(tuple(range(2, 11)), "above")]
    assert hits([-1, *run[:8], -1], "nelson-2") == []
    assert hits([-1, *run[:8], 0, *run[:8]], "nelson-2") == []
    assert hits([-1, *run[:8], -1], "western-electric-4") == [(tuple(range(2, 10)), "above")]


def test_a_longer_run_is_one_hit() -> None:
    assert hits([-0.5] * 14, "nelson-2") == [(tuple(range(1, 15)), "below")]


def test_six_rising_points() -> None:
    assert hits([0, -1, -0.5, 0.1, 0.2, 0.3, 0.4, -1], "nelson-3") == [((2, 3, 4, 5, 6, 7), "rising")]
    assert hits([0, -1, -0.5, 0.1, 0.2, 0.3, 0.3, 0.4], "nelson-3") == []
    assert hits([5, 4, 3, 2, 1, 0], "nelson-3") == [((1, 2, 3, 4, 5, 6), "falling")]


def test_fourteen_up_and_down() -> None:
    assert hits([1, -1] * 7, "nelson-4") == [(tuple(range(1, 15)), "alternating")]
    assert hits(([1, -1] * 7)[:13], "nelson-4") == []


def test_two_of_three_beyond_two_sigma_on_one_side() -> None:
    assert hits([0, 2.1, 0, 2.2, 0], "nelson-5") == [((2, 4), "above")]
    assert hits([0, 2.1, 0, -2.2, 0], "nelson-5") == []
    assert hits([0, 2.0, 0, 2.0, 0], "nelson-5") == []
    assert hits([-2.1, 0, 0, -2.1], "western-electric-2") == []


def test_four_of_five_beyond_one_sigma() -> None:
    assert hits([1.1, 1.2, 0, 1.3, 1.4], "nelson-6") == [((1, 2, 4, 5), "above")]
    assert hits([1.1, 1.2, 0, 0, 1.3, 1.4], "western-electric-3") == []


def test_fifteen_within_and_eight_beyond_one_sigma() -> None:
    assert hits([0.5, -0.5] * 8, "nelson-7") == [(tuple(range(1, 17)), "within")]
    assert hits([1.5, -1.5, 1.5, 1.5, -1.5, -1.5, 1.5, -1.5], "nelson-8") == [(tuple(range(1, 9)), "both")]
    assert hits([1.5] * 8, "nelson-8") == []  # on one side: that is another rule's


def test_sums_leave_their_limit_once() -> None:
    assert hits([0, 4, 5, 4, 0, 4], "limits-1") == [((2, 3, 4), "above"), ((6,), "above")]


def test_attribute_charts_take_the_tests_that_need_no_zones() -> None:
    counted = ShareLimits(chart="p", share=0.1, method="normal")
    exact = counted.model_copy(update={"method": "exact"})
    assert rules_of(counted, "nelson") == ("nelson-1", "nelson-2", "nelson-3", "nelson-4")
    assert len(rules_of(ValueLimits(chart="i", mean=0, sigma=1), "nelson")) == 8
    assert rules_of(exact, "western-electric") == ("western-electric-1", "western-electric-4")
    assert len(rules_of(counted, "western-electric")) == 4
    assert rules_of(GapLimits(chart="g", mean=3), "western-electric")[-1] == "western-electric-4"


def test_false_alarms_of_the_limits_are_as_rare_as_they_say() -> None:
    draw = np.random.default_rng(1)
    values = draw.normal(size=200_000)
    ones = np.ones(len(values))
    found = rule_hits(values, 0 * ones, -3 * ones, 3 * ones, ones, ["nelson-1"])
    assert len(found) / len(values) == pytest.approx(0.0027, abs=4 * np.sqrt(0.0027 / len(values)))


def test_a_hit_is_data() -> None:
    hit = RuleHit(rule="nelson-2", points=(1, 2), side="above")
    assert RuleHit.model_validate_json(hit.model_dump_json()) == hit
