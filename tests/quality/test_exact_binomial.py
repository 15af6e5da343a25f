"""The exact binomial test: what so many parts allow, and what a claim needs."""

from __future__ import annotations

import doctest

import pytest
from scipy.stats import binom
from statsmodels.stats.proportion import binom_test

from taktsight.errors import ConfigError
from taktsight.quality import exact_binomial
from taktsight.quality.exact_binomial import allowed_events, p_value, parts_needed
from taktsight.quality.rates import upper_bound


def test_298_defective_parts_cannot_show_1_percent_and_299_can() -> None:
    assert allowed_events(298, 0.01, 0.05) is None
    assert allowed_events(299, 0.01, 0.05) == 0
    assert parts_needed(0, 0.01, 0.05) == 299


def test_1000_parts_allow_4_misses() -> None:
    assert allowed_events(1000, 0.01, 0.05) == 4
    assert binom.cdf(4, 1000, 0.01) <= 0.05 < binom.cdf(5, 1000, 0.01)


@pytest.mark.parametrize(("events", "parts"), [(0, 59), (0, 299), (1, 473), (2, 628), (4, 913)])
def test_parts_of_the_tables_for_so_many_failures(events: int, parts: int) -> None:
    alpha = 0.05 if parts == 59 else 0.01
    assert parts_needed(events, alpha, 0.05) == parts


@pytest.mark.parametrize("alpha", [0.001, 0.01, 0.05, 0.3, 0.9])
@pytest.mark.parametrize("delta", [0.001, 0.05, 0.2])
def test_allowed_and_needed_are_the_two_sides_of_one_test(alpha: float, delta: float) -> None:
    for events in (0, 1, 2, 7, 40):
        parts = parts_needed(events, alpha, delta)
        allowed = allowed_events(parts, alpha, delta)
        assert allowed is not None
        assert allowed >= events
        assert parts == events or p_value(events, parts - 1, alpha) > delta or parts == 1
        assert p_value(allowed, parts, alpha) <= delta < p_value(allowed + 1, parts, alpha)


def test_p_value_is_that_of_statsmodels() -> None:
    for events, parts, alpha in ((0, 299, 0.01), (4, 1000, 0.01), (31, 900, 0.05), (7, 20, 0.5)):
        assert p_value(events, parts, alpha) == pytest.approx(
            binom_test(events, parts, alpha, alternative="smaller")
        )


def test_test_and_clopper_pearson_bound_decide_alike() -> None:
    for parts in (50, 299, 1000):
        for events in range(6):
            for alpha in (0.01, 0.02, 0.05):
                bounded = upper_bound(events, parts, 0.95) <= alpha
                assert bounded == (p_value(events, parts, alpha) <= 0.05)


def test_numbers_that_cannot_be_are_the_callers_mistake() -> None:
    for alpha, delta in ((0.0, 0.05), (1.0, 0.05), (0.01, 0.0), (0.01, 1.0)):
        with pytest.raises(ValueError, match="between 0 and 1"):
            allowed_events(10, alpha, delta)


def test_rate_that_no_study_could_show_is_refused() -> None:
    with pytest.raises(ConfigError, match="more than 1,000,000,000 parts"):
        parts_needed(0, 1e-12, 0.05)


def test_examples_in_the_docstrings_hold() -> None:
    result = doctest.testmod(exact_binomial)
    assert result.attempted >= 3
    assert result.failed == 0
