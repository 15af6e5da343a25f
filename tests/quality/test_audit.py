"""Audits of passed parts: repeatable draws, corrected recall, bounds that hold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import hypergeom
from statsmodels.stats.rates import confint_poisson

from taktsight.errors import ConfigError, DataError
from taktsight.quality.audit_draw import draw
from taktsight.quality.audit_estimate import (
    MILLION,
    Flagged,
    Stratum,
    any_time_upper,
    estimate,
)
from taktsight.quality.audit_more import more_for_ppm, more_for_recall
from taktsight.quality.rates import upper_bound

FLAGGED = Flagged(300, 300, 180)
PASSED = {f"part {number}": "day" if number % 3 else "night" for number in range(3000)}


def test_recall_is_81_8_percent_and_not_97_8() -> None:
    """Flagged 300, 180 of them defective; 970 of 9,700 passes audited, 4 of them defective."""
    figures = estimate([Stratum("all", 9700, 970, 4)], FLAGGED)
    assert figures.recall is not None
    assert figures.recall_naive is not None
    assert round(figures.recall.value, 3) == 0.818
    assert round(figures.recall_naive, 3) == 0.978
    assert figures.escaped.value == pytest.approx(40)
    assert figures.recall.low < 0.818 < figures.recall.high < 0.978


def test_interval_of_begg_and_greenes_is_that_of_their_formula() -> None:
    figures = estimate([Stratum("all", 9700, 970, 4)], FLAGGED)
    variance = 0.4 / 180 + (1 - 4 / 970) / 4 + 1 / (10_000 * 0.03 * 0.97)
    ends = np.log(4.5) + np.array([-1, 1]) * 1.959964 * variance**0.5
    assert figures.recall is not None
    assert [figures.recall.low, figures.recall.high] == pytest.approx((1 / (1 + np.exp(-ends))).tolist())


def test_escapes_among_the_passed_parts_are_bounded_by_the_hypergeometric() -> None:
    escaped = estimate([Stratum("all", 9700, 970, 4)], FLAGGED).escaped
    low, high = int(escaped.low), int(escaped.high)
    assert hypergeom.cdf(4, 9700, high, 970) > 0.025 >= hypergeom.cdf(4, 9700, high + 1, 970)
    assert hypergeom.sf(3, 9700, low, 970) > 0.025 >= hypergeom.sf(3, 9700, low - 1, 970)
    whole = estimate([Stratum("all", 100, 100, 7)]).escaped
    assert (whole.low, whole.value, whole.high) == (7, 7, 7)


def test_strata_of_equal_weight_have_the_exact_poisson_interval() -> None:
    figures = estimate([Stratum("a", 5000, 500, 3), Stratum("b", 4000, 400, 1)])
    low, high = confint_poisson(4, 900, method="exact-c", alpha=0.05)
    assert [figures.ppm.low / MILLION, figures.ppm.high / MILLION] == pytest.approx([low, high])


def test_each_audited_part_stands_for_those_behind_it() -> None:
    figures = estimate([Stratum("near the limit", 500, 100, 3), Stratum("others", 9000, 100, 0)])
    assert figures.escaped.value == pytest.approx(15)
    assert figures.ppm.value == pytest.approx(15 / 9500 * MILLION)
    assert figures.escaped.low >= 3


def test_strata_bound_covers_by_simulation() -> None:
    random = np.random.default_rng(8)
    truth = (0.02 * 2000 + 0.001 * 8000) / 10_000
    covered = 0
    for _ in range(500):
        strata = [
            Stratum("a", 2000, 200, int(random.binomial(200, 0.02))),
            Stratum("b", 8000, 400, int(random.binomial(400, 0.001))),
        ]
        covered += estimate(strata).ppm_upper / MILLION >= truth
    assert covered / 500 >= 0.95 - 3 * (0.95 * 0.05 / 500) ** 0.5


def test_bound_that_may_be_looked_at_any_time_holds_at_every_time() -> None:
    random = np.random.default_rng(3)
    rate, parts, streams = 0.01, 1000, 200
    looks = np.unique(np.geomspace(20, parts, 25).astype(int))
    events = (random.random((streams, parts)) < rate).cumsum(axis=1)
    ever = sum(
        any(any_time_upper(int(stream[look - 1]), int(look), 0.1) < rate for look in looks)
        for stream in events
    )
    often = sum(
        any(upper_bound(int(stream[look - 1]), int(look), 0.9) < rate for look in looks)
        for stream in events
    )
    assert ever / streams <= 0.1 + 3 * (0.1 * 0.9 / streams) ** 0.5
    assert often > ever  # a bound for one look is wrong oftener where one looks again and again
    assert any_time_upper(0, 0, 0.05) == any_time_upper(5, 5, 0.05) == 1.0


def test_without_a_defective_pass_the_bounds_speak() -> None:
    figures = estimate([Stratum("all", 9700, 970, 0)], FLAGGED)
    assert figures.recall is not None
    assert (figures.recall.value, figures.recall.high) == (1.0, 1.0)
    assert figures.recall.low < 0.9
    assert figures.ppm_upper == pytest.approx(upper_bound(0, 970) * MILLION)
    assert estimate([Stratum("all", 10, 5, 0)]).recall is None


def test_more_audits_for_a_claim_are_those_that_show_it() -> None:
    figures = estimate([Stratum("all", 9700, 970, 4)], FLAGGED)
    more = more_for_ppm(figures, 5000)
    assert not more.is_shown
    grown = 970 + more.audits
    assert upper_bound(4, grown) <= 0.005 < upper_bound(4, grown - 1)
    assert more.likely_audits is not None
    assert more.likely_audits > more.audits
    assert more_for_ppm(figures, 4000).likely_audits is None  # more than that were seen
    assert more_for_ppm(figures, 10_000).is_shown
    recall = more_for_recall(figures, FLAGGED, 0.7)
    assert upper_bound(4, 970 + recall.audits) * 9700 <= 180 * 0.3 / 0.7
    assert more_for_recall(figures, FLAGGED, 0.5).is_shown
    for ppm in (0, MILLION):
        with pytest.raises(ConfigError, match="cannot be"):
            more_for_ppm(figures, ppm)
    with pytest.raises(ConfigError, match="no recall can be claimed"):
        more_for_recall(figures, Flagged(3, 3, 0), 0.9)


def test_draw_depends_on_seed_and_names_alone() -> None:
    first = draw(PASSED, 90, 7)
    assert draw(dict(reversed(PASSED.items())), 90, 7) == first
    assert draw(PASSED, 90, 8) != first
    assert [(each.stratum, each.passed, each.audited) for each in (first[0], first[-1])] == [
        ("day", 2000, 60),
        ("night", 1000, 30),
    ]
    assert len(first) == 90


def test_larger_draw_contains_the_smaller_one() -> None:
    for allocation in ("proportional", "equal"):
        drawn: set[str] = set()
        for parts in (2, 3, 17, 90, 91, 400, 2999, 3000):
            more = {each.part for each in draw(PASSED, parts, 1, allocation)}
            assert drawn <= more
            assert len(more) == parts
            drawn = more


def test_every_part_is_drawn_as_often_as_its_stratum_says() -> None:
    some = {name: PASSED[name] for name in list(PASSED)[:60]}
    counts = dict.fromkeys(some, 0)
    for seed in range(600):
        for each in draw(some, 12, seed):
            counts[each.part] += 1
    shares = np.array(list(counts.values())) / 600
    assert np.abs(shares - 0.2).max() <= 4.5 * (0.2 * 0.8 / 600) ** 0.5


def test_draws_and_audits_that_cannot_be_are_refused() -> None:
    with pytest.raises(DataError, match="no part passed"):
        draw({}, 5, 0)
    with pytest.raises(ConfigError, match="2 strata"):
        draw(PASSED, 1, 0)
    with pytest.raises(ConfigError, match="seed"):
        draw(PASSED, 5, -1)
    for strata, flagged in (
        ([], None),
        ([Stratum("x", 10, 0, 0)], None),
        ([Stratum("x", 10, 5, 6)], None),
        ([Stratum("x", 10, 11, 0)], None),
        ([Stratum("x", 10, 5, 0)], Flagged(3, 0, 0)),
        ([Stratum("x", 10, 5, 0)], Flagged(3, 2, 3)),
    ):
        with pytest.raises(DataError):
            estimate(strata, flagged)
