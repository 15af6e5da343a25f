"""Lots: intervals that know them, against another library and by simulation."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
import statsmodels.api as sm

from taktsight.quality import design_effect
from taktsight.quality.design_effect import (
    intraclass_correlation,
    kish_design_effect,
    lot_rate,
    ratio_design_effect,
)
from taktsight.quality.rates import clopper_pearson


def test_variance_by_lots_is_the_cluster_robust_one_of_statsmodels() -> None:
    draw = np.random.default_rng(3)
    lots = np.repeat(np.arange(30), draw.integers(5, 40, 30))
    events = draw.random(lots.size) < draw.beta(1, 6, 30)[lots]
    effect = ratio_design_effect(events, lots)
    fitted = sm.OLS(events.astype(float), np.ones((events.size, 1))).fit(
        cov_type="cluster", cov_kwds={"groups": lots, "use_correction": False}
    )
    share = events.mean()
    clustered = float(fitted.bse[0] ** 2) * 30 / 29
    assert effect == pytest.approx(clustered / (share * (1 - share) / events.size))


def test_lots_that_are_all_alike_count_once_each() -> None:
    lots = np.repeat(np.arange(20), 50)
    events = lots < 5
    rate = lot_rate(events, lots)
    assert rate.design_effect == pytest.approx(50 * 20 / 19)
    assert rate.effective_parts == pytest.approx(19)
    assert "worth 19 independent ones" in rate.in_words
    naive, few = clopper_pearson(250, 1000), clopper_pearson(5, 20)
    assert rate.low < few.low + 0.02 < naive.low
    assert rate.high > few.high - 0.02 > naive.high


def test_independent_parts_have_no_design_effect_worth_a_word() -> None:
    draw = np.random.default_rng(1)
    rate = lot_rate(draw.random(4000) < 0.1, np.arange(4000) % 200)
    assert rate.design_effect == pytest.approx(1.0, abs=0.2)
    assert rate.in_words == ""


def test_without_an_event_both_extremes_are_said() -> None:
    rate = lot_rate(np.zeros(299, bool), np.arange(299) % 10, 0.9)
    assert rate.design_effect is None
    assert "up to 1.00% if parts are independent" in rate.in_words
    assert "25.89% if all parts of a lot are alike (0 of 10 lots)" in rate.in_words


def test_one_lot_says_nothing_about_lots() -> None:
    assert "one lot" in lot_rate(np.array([True, False]), np.array([3, 3])).in_words


def test_interval_that_knows_lots_covers_and_the_other_does_not() -> None:
    draw = np.random.default_rng(7)
    lots = np.repeat(np.arange(40), 25)
    covered = naive = 0
    runs = 400
    for _ in range(runs):
        shares = draw.beta(1, 9, 40)
        rate = lot_rate(draw.random(lots.size) < shares[lots], lots, 0.9)
        covered += rate.low <= 0.1 <= rate.high
        naive += rate.rate.low <= 0.1 <= rate.rate.high
    slack = 3 * (0.9 * 0.1 / runs) ** 0.5
    assert covered / runs >= 0.9 - slack
    assert naive / runs < 0.8


def test_likeness_of_scores() -> None:
    lots = np.repeat(np.arange(4), 5)
    assert intraclass_correlation(lots.astype(float), lots) == 1.0
    assert kish_design_effect(lots.astype(float), lots) == 5.0
    values = np.tile(np.arange(5.0), 4)
    assert intraclass_correlation(values, lots) == 0.0
    assert kish_design_effect(values, np.zeros(20, np.int64)) is None


def test_one_lot_per_part_is_wanted() -> None:
    with pytest.raises(ValueError, match="one lot per part"):
        lot_rate(np.zeros(3, bool), np.zeros(2, np.int64))


def test_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(design_effect).failed == 0
