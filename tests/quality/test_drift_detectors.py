"""Detectors by simulation: false alarms as rare as promised, shifts found in time, whatever is measured."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from taktsight.quality.drift_chain import (
    normal_run_length,
    rank_threshold,
    run_quantile,
    unlucky_run_length,
)
from taktsight.quality.drift_cusum import EventCusum, ScoreCusum, count_alarms, first_alarms
from taktsight.quality.drift_events import event_run_length, event_threshold
from taktsight.quality.drift_ranks import Ranks, autocorrelation, independent_block, normal_scores

Floats = NDArray[np.float64]
STREAMS = 20
REFERENCE = 1000


def streams(rng: np.random.Generator, length: int, shift: float, *, is_skewed: bool) -> Floats:
    """(S, T) scores of streams, each against a reference of its own."""
    rows = []
    for _ in range(STREAMS):
        before, now = rng.normal(size=REFERENCE), rng.normal(size=length) + shift
        if is_skewed:  # ranks do not see it
            before, now = np.exp(3 * before), np.exp(3 * now)
        rows.append(Ranks.of(before).scores(now))
    return np.array(rows)


def test_run_lengths_are_those_of_the_tables() -> None:
    """Montgomery, Introduction to Statistical Quality Control: k = ½ and h = 4, 5; k = ¼ and h = 8.01."""
    assert normal_run_length(4.0, allowance=0.5) == pytest.approx(168, abs=1)
    assert normal_run_length(5.0, allowance=0.5) == pytest.approx(465, abs=1)
    assert normal_run_length(8.01, allowance=0.25) == pytest.approx(370, abs=1)
    assert normal_run_length(4.0, allowance=0.5, shift=1.0) == pytest.approx(8.38, abs=0.05)


def test_at_most_one_alarm_per_arl0_on_twenty_streams_where_nothing_changed() -> None:
    arl0 = 500
    found = rank_threshold(REFERENCE, arl0)
    scores = streams(np.random.default_rng(1), 20 * arl0, 0.0, is_skewed=True)
    alarms = count_alarms(scores, found.h)
    assert alarms.sum() <= 20 * STREAMS
    assert alarms.sum() >= 20 * STREAMS / 4  # a detector that never alarms keeps every promise
    assert (alarms > 20).sum() <= STREAMS * 0.1 + 3  # nine of ten references


def test_half_a_sigma_is_found_within_sixty_parts() -> None:
    """At an ARL₀ of 500 parts: on average by part 33, in nine of ten cases by part 60."""
    found = rank_threshold(REFERENCE, 500)
    scores = streams(np.random.default_rng(2), 400, 0.5, is_skewed=False)
    delays = first_alarms(scores, found.h)
    assert delays.min() > 0
    assert delays.mean() <= 45
    assert (delays <= 60).mean() >= 0.85
    mean, most = found.delay(0.5)
    assert mean < 45
    assert most <= 60


def test_longer_promises_are_paid_for_with_later_alarms() -> None:
    """No detector does better than about ln(ARL₀) ÷ (δ² ÷ 2) parts (Lorden, 1971)."""
    means = [rank_threshold(REFERENCE, arl0).delay(0.5)[0] for arl0 in (500.0, 5_000.0, 50_000.0)]
    assert means == sorted(means)
    assert means[-1] > 60  # half a sigma within 60 parts and 50 000 parts without an alarm is nobody's


def test_smaller_references_are_paid_for_too() -> None:
    assert rank_threshold(100, 500).h > rank_threshold(500, 500).h > rank_threshold(2000, 500).h


def test_promise_holds_for_nine_of_ten_other_references() -> None:
    found = rank_threshold(300, 1000)
    gaps = np.random.default_rng(99).dirichlet(np.ones(301), 200)
    assert unlucky_run_length(found.h, gaps, share=0.85) >= 1000
    assert unlucky_run_length(found.h, gaps, share=0.95) <= 1100


def test_delay_is_that_of_the_chain() -> None:
    rng = np.random.default_rng(5)
    delays = first_alarms(rng.normal(size=(4000, 600)) + 0.5, 10.0)
    assert delays.mean() == pytest.approx(normal_run_length(10.0, shift=0.5), rel=0.03)
    assert np.quantile(delays, 0.9) == pytest.approx(run_quantile(10.0, 0.9, shift=0.5), abs=3)


def test_streaming_cusum_says_what_the_vectorised_one_says_and_since_when() -> None:
    rng = np.random.default_rng(6)
    scores = np.concatenate([rng.normal(size=300) * 0.5, rng.normal(size=200) * 0.5 + 1.0])
    cusum = ScoreCusum(8.0)
    changes = [found for score in scores if (found := cusum.add(float(score)))]
    assert changes[0].at + 1 == first_alarms(scores[np.newaxis], 8.0)[0]
    assert changes[0].is_up
    assert abs(changes[0].since - 300) <= 5
    assert len(changes) == count_alarms(scores[np.newaxis], 8.0)[0]


def test_events_run_as_long_as_the_lattice_says() -> None:
    found = event_threshold(5, 1000, 1000.0)
    rng = np.random.default_rng(7)
    sums, first = np.zeros(1500, int), np.zeros(1500, int)
    for number in range(1, 12_000):
        is_event = rng.random(1500) < found.share
        sums = np.maximum(0, sums + np.where(is_event, found.weight, -1))
        first[(first == 0) & (sums >= found.h)] = number
    assert first.min() > 0
    assert first.mean() == pytest.approx(event_run_length(found.h, found.weight, found.share), rel=0.1)


def test_events_three_times_as_frequent_are_found_and_usual_ones_are_not() -> None:
    found = event_threshold(20, 1000, 20_000.0)
    rng = np.random.default_rng(8)
    cusum = EventCusum(found.h, found.weight)
    assert not any(cusum.add(bool(rng.random() < 0.02)) for _ in range(5000))
    changes = [number for number in range(2000) if cusum.add(bool(rng.random() < 0.09))]
    assert changes[0] < 500


def test_run_of_frequent_events_is_solved_too() -> None:
    assert event_run_length(10, 1, 0.9) == pytest.approx(10 / 0.8, rel=0.05)
    assert event_run_length(10, 1, 1.0) == 10


def test_scores_of_ranks_are_normal_and_ties_shrink_them() -> None:
    scores = normal_scores(1000)
    assert scores.mean() == pytest.approx(0, abs=1e-9)
    assert scores.std() == pytest.approx(1, abs=0.01)
    ranks = Ranks.of([0.0] * 90 + [float(value) for value in range(1, 11)])
    every = ranks.scores([0.0] * 90 + [float(value) for value in range(1, 11)])
    assert every.mean() == pytest.approx(0, abs=0.02)
    assert every.std() < 0.95
    assert Ranks.of([1.0] * 50).scores([1.0])[0] == pytest.approx(0)


def test_parts_alike_in_a_row_are_taken_block_by_block_or_not_at_all() -> None:
    rng = np.random.default_rng(9)
    alike = np.repeat(rng.normal(size=400), 5) + 0.3 * rng.normal(size=2000)
    assert independent_block(rng.normal(size=2000), least=100) == 1
    assert independent_block(alike, least=100) in (5, 10)
    wandering = np.cumsum(rng.normal(size=2000))
    assert autocorrelation(wandering) > 0.9
    assert independent_block(wandering, least=100) is None


def test_reference_that_is_too_small_says_so() -> None:
    with pytest.raises(ValueError, match="take more parts"):
        rank_threshold(5, 1e9)
    with pytest.raises(ValueError, match="too often"):
        event_threshold(990, 1000, 1e6)
