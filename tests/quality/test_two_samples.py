"""Two-sample tests: known answers, their level, and that the order of rows says nothing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from taktsight.quality.two_samples import kolmogorov_smirnov, mmd


def test_ks_is_that_of_all_orders_of_small_samples() -> None:
    first, second = np.array([0.1, 0.4, 0.5, 0.9]), np.array([0.6, 1.1, 1.3])
    found = kolmogorov_smirnov(first, second)

    def distance(member: set[int]) -> float:
        steps = [1 / 4 if place in member else -1 / 3 for place in range(7)]
        return float(np.abs(np.cumsum(steps)).max())

    every = [distance(set(chosen)) for chosen in itertools.combinations(range(7), 4)]
    assert found.statistic == pytest.approx(0.75)
    assert found.p == pytest.approx(np.mean(np.array(every) >= 0.75 - 1e-9))
    assert found.method == "exact"


def test_mmd_finds_another_spread_that_no_mean_shows() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(120, 1)), 2.5 * rng.normal(size=(120, 1))
    assert mmd(first, second, rng, permutations=499).p <= 0.01


def test_mmd_statistic_is_the_formula() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(7, 2)), rng.normal(size=(5, 2)) + 1
    pooled = np.concatenate([first, second])
    squares = ((pooled[:, None] - pooled) ** 2).sum(axis=2)
    kernel = np.exp(-squares / (2 * np.median(squares[np.triu_indices(12, 1)])))
    within = kernel[:7, :7].sum() - 7, kernel[7:, 7:].sum() - 5
    wanted = within[0] / 42 + within[1] / 20 - 2 * kernel[:7, 7:].mean()
    assert mmd(first, second, rng, permutations=1).statistic == pytest.approx(wanted)


def test_p_of_mmd_keeps_its_level() -> None:
    rng = np.random.default_rng(1)
    below = sum(
        mmd(rng.normal(size=(30, 2)), rng.normal(size=(20, 2)), rng, permutations=99).p <= 0.1
        for _ in range(300)
    )
    assert below <= 300 * 0.1 + 3 * np.sqrt(300 * 0.09)
    assert below >= 300 * 0.1 - 3 * np.sqrt(300 * 0.09)  # and is not idle


def test_order_of_rows_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(30, 2)), rng.normal(size=(25, 2)) + 0.5
    one = mmd(first, second, np.random.default_rng(5))
    other = mmd(first[::-1], rng.permutation(second), np.random.default_rng(5))
    assert one.p == other.p
    assert one.statistic == pytest.approx(other.statistic)


def test_rows_that_are_all_one_are_no_difference() -> None:
    assert mmd(np.ones((5, 1)), np.ones((4, 1)), np.random.default_rng(0)).p == 1.0


def test_agrees_with_the_oracle() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(4)
    first, second = rng.normal(size=300), rng.normal(size=200) + 0.2
    assert kolmogorov_smirnov(first, second).p == pytest.approx(stats.ks_2samp(first, second).pvalue)


@pytest.mark.parametrize("second", [[], [float("nan")]])
def test_nothing_and_no_number_are_refused(second: list[float]) -> None:
    with pytest.raises(ValueError, match=r"rows|finite"):
        kolmogorov_smirnov(np.array([1.0]), np.array(second, np.float64))


def test_test_that_cannot_reach_its_level_ends_early_and_one_that_can_does_not() -> None:
    rng = np.random.default_rng(6)
    first, second = rng.normal(size=(60, 1)), rng.normal(size=(40, 1))
    early = mmd(first, second, np.random.default_rng(0), permutations=100_000, level=1e-4)
    assert early.p > 1e-4
    found = mmd(first, second + 3, np.random.default_rng(0), permutations=4999, level=4e-4)
    assert found.p == pytest.approx(1 / 5000)
