"""Control charts: limits are what they say, false alarms as rare as they say, wrong counts are refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom, poisson

from taktsight.errors import ConfigError, DataError
from taktsight.quality.attribute_charts import (
    count_limits,
    draw_counts,
    draw_laney,
    draw_shares,
    laney_limits,
    share_limits,
)
from taktsight.quality.bernoulli_cusum import design, draw_bernoulli, mean_run
from taktsight.quality.bernoulli_sum import BernoulliCusum
from taktsight.quality.control_chart import chart_of
from taktsight.quality.gap_charts import draw_gaps, gap_limits, gaps_between, times_between
from taktsight.quality.pareto import pareto
from taktsight.quality.spc_limits import FrozenLimits, GapLimits, read_limits, write_limits
from taktsight.quality.tables import Floats
from taktsight.quality.value_charts import (
    cusum_arl,
    cusum_limits,
    draw_cusum,
    draw_ewma,
    ewma_arl,
    ewma_limits,
    value_limits,
)


def names(count: int) -> list[str]:
    return [str(number) for number in range(count)]


@pytest.mark.parametrize(("share", "n"), [(0.002, 500), (0.03, 50), (0.1, 30), (0.5, 12), (0.97, 60)])
def test_exact_limits_of_shares_keep_their_tails_and_no_narrower_ones_would(share: float, n: int) -> None:
    limits = share_limits("p", np.array([share * 1e6] * 3), np.full(3, 1e6)).model_copy(
        update={"method": "exact"}
    )
    drawn = draw_shares(limits, np.array([1.0]), np.array([float(n)]))
    upper, lower = round(drawn.upper[0] * n), round(drawn.lower[0] * n)
    assert binom.sf(upper, n, share) <= 0.00135 < binom.sf(upper - 1, n, share)
    assert binom.cdf(lower - 1, n, share) <= 0.00135 < binom.cdf(lower, n, share)
    assert drawn.arl0 == pytest.approx(1 / (binom.sf(upper, n, share) + binom.cdf(lower - 1, n, share)))


def test_exact_limits_are_taken_where_normal_ones_fail() -> None:
    few, many = np.array([1.0, 0, 2, 1, 0]), np.array([40.0, 52, 47, 44, 50])
    assert share_limits("p", few, np.full(5, 50.0)).method == "exact"
    assert share_limits("p", many, np.full(5, 500.0)).method == "normal"
    assert share_limits("p", np.full(5, 49.0), np.full(5, 50.0)).method == "exact"  # few good ones
    assert count_limits("c", np.array([3.0, 4, 2, 5]), np.ones(4)).method == "exact"
    assert count_limits("c", np.array([8.0, 8, 8, 8]), np.ones(4)).method == "exact"  # 8 − 3√8 < 0
    drawn = draw_counts(
        count_limits("c", np.array([3.0, 4, 2, 5]), np.ones(4)), np.array([3.0]), np.ones(1)
    )
    assert poisson.sf(drawn.upper[0], 3.5) <= 0.00135 < poisson.sf(drawn.upper[0] - 1, 3.5)


def test_limits_of_unequal_subgroups_are_those_of_each() -> None:
    inspected = np.array([100.0, 400.0, 100.0])
    drawn = draw_shares(
        share_limits("p", np.array([20.0, 80, 20]), inspected), np.array([20.0, 80, 20]), inspected
    )
    half = drawn.upper - 0.2
    assert half[0] == pytest.approx(2 * half[1])


def test_np_chart_is_the_p_chart_times_n() -> None:
    defective, inspected = np.array([12.0, 15, 8, 10]), np.full(4, 50.0)
    p = draw_shares(share_limits("p", defective, inspected), defective, inspected)
    np_ = draw_shares(share_limits("np", defective, inspected), defective, inspected)
    assert np_.upper == pytest.approx(50 * p.upper)
    assert np_.values == pytest.approx(defective)


def test_laney_widens_where_subgroups_scatter_more_and_says_where_it_is_not_needed() -> None:
    draw = np.random.default_rng(1)
    n = np.full(200, 20_000.0)
    wild = draw.binomial(20_000, np.clip(draw.normal(0.1, 0.02, 200), 0.01, 1)).astype(float)
    tame = draw.binomial(20_000, 0.1, 200).astype(float)
    limits = laney_limits("laney-p", wild, n)
    assert limits.sigma_z == pytest.approx(0.02 / np.sqrt(0.1 * 0.9 / 20_000), rel=0.2)
    chart = chart_of(draw_laney(limits, wild, n), phase=1, rules="limits", labels=names(200))
    plain = chart_of(
        draw_shares(share_limits("p", wild, n), wild, n), phase=1, rules="limits", labels=names(200)
    )
    assert len(chart.out) <= 4 < len(plain.out)
    assert "near 1" in draw_laney(laney_limits("laney-p", tame, n), tame, n).warnings[0]


def test_gap_limits_keep_their_tails() -> None:
    for mean in (3.0, 61.0, 999.0):
        drawn = draw_gaps(GapLimits(chart="g", mean=mean), np.array([1.0]))
        p = 1 / (mean + 1)
        above, below = (1 - p) ** (drawn.upper[0] + 1), 1 - (1 - p) ** drawn.lower[0]
        assert above <= 0.00135 < (1 - p) ** drawn.upper[0]
        assert below <= 0.00135 < 1 - (1 - p) ** (drawn.lower[0] + 1)
    times = draw_gaps(GapLimits(chart="t", mean=100), np.array([1.0]))
    assert np.exp(-times.upper[0] / 100) == pytest.approx(0.00135)
    assert 1 - np.exp(-times.lower[0] / 100) == pytest.approx(0.00135)
    assert times.centre[0] == pytest.approx(69.31, abs=0.01)


def test_gaps_are_counted_between_defective_parts() -> None:
    assert gaps_between(np.array([0, 1, 0, 0, 1, 1, 0], bool)).tolist() == [2.0, 0.0]
    assert times_between(np.array([10.0, 12.5, 20.0])).tolist() == [2.5, 7.5]
    with pytest.raises(DataError, match="1 defective parts"):
        gaps_between(np.array([0, 1], bool))
    with pytest.raises(DataError, match="event 2"):
        times_between(np.array([10.0, 10.0]))


def test_run_lengths_are_those_of_the_literature() -> None:
    # Montgomery, Statistical Quality Control: k = 1/2, h = 4 and 5; a shift of 1 σ takes 10.4.
    assert cusum_arl(0.5, 4) == pytest.approx(168, abs=0.5)
    assert cusum_arl(0.5, 5) == pytest.approx(465, abs=0.6)
    assert cusum_arl(0.5, 5, 1.0) == pytest.approx(10.4, abs=0.05)
    # Lucas and Saccucci (1990): λ = 0.25, L = 2.998 and λ = 0.5, L = 3.071 have an ARL₀ of 500.
    assert ewma_arl(0.25, 2.998) == pytest.approx(500, abs=2)
    assert ewma_arl(0.5, 3.071) == pytest.approx(500, abs=1)
    assert ewma_arl(1.0, 3.0) == pytest.approx(370.4, abs=0.05)


def run_lengths(step: object, chains: int, longest: int) -> Floats:
    """How long each chain runs; ``step(time, alive)`` gives which of them signal."""
    length, alive = np.zeros(chains), np.ones(chains, bool)
    for _ in range(longest):
        length[alive] += 1
        alive &= ~step(alive)  # type: ignore[operator]
        if not alive.any():
            break
    return length


def test_run_lengths_are_those_of_simulated_charts() -> None:
    draw = np.random.default_rng(3)
    chains = 3000
    z, high, low = np.zeros(chains), np.zeros(chains), np.zeros(chains)
    half = 2.2 * np.sqrt(0.3 / 1.7)

    def ewma(_: object) -> np.ndarray:
        z[:] = 0.3 * draw.normal(size=chains) + 0.7 * z
        return np.asarray(np.abs(z) > half)

    def cusum(_: object) -> np.ndarray:
        x = draw.normal(size=chains)
        high[:], low[:] = np.maximum(0, high + x - 0.5), np.maximum(0, low - x - 0.5)
        return np.maximum(high, low) > 2.8

    for step, expected in ((ewma, ewma_arl(0.3, 2.2)), (cusum, cusum_arl(0.5, 2.8))):
        runs = run_lengths(step, chains, 2000)
        assert runs.mean() == pytest.approx(expected, abs=4 * runs.std() / np.sqrt(chains))


def test_designed_limits_have_the_run_length_that_was_asked_for() -> None:
    base = value_limits(np.arange(5.0), mean=0, sigma=2.0)
    assert ewma_arl(0.2, ewma_limits(base, arl0=370.4).width) == pytest.approx(370.4, rel=1e-6)
    cusum = cusum_limits(base, arl0=500)
    assert cusum_arl(0.5, cusum.interval / 2.0) == pytest.approx(500, rel=1e-6)


def chain(steps: int, height: int, share: float) -> float:
    """The Bernoulli CUSUM's mean run by the whole matrix."""
    system = np.eye(height + 1)
    for state in range(height + 1):
        system[state, max(state - 1, 0)] -= 1 - share
        if state + steps - 1 <= height:
            system[state, state + steps - 1] -= share
    return float(np.linalg.solve(system, np.ones(height + 1))[0])


@pytest.mark.parametrize(
    ("steps", "height", "share"),
    [(2, 1, 0.3), (2, 6, 0.3), (5, 3, 0.1), (5, 4, 0.1), (5, 17, 0.1), (7, 20, 0.05), (40, 170, 0.01)],
)
def test_mean_run_of_the_bernoulli_cusum_is_that_of_its_markov_chain(
    steps: int, height: int, share: float
) -> None:
    assert mean_run(steps, height, share) == pytest.approx(chain(steps, height, share), rel=1e-9)


def test_bernoulli_cusum_alarms_as_seldom_as_designed() -> None:
    limits = design(0.05, 0.15, 400)
    exact = mean_run(limits.steps, limits.height, 0.05)
    assert exact >= 400 > mean_run(limits.steps, limits.height - 1, 0.05)
    draw = np.random.default_rng(4)
    sums = np.zeros(3000)

    def step(_: object) -> np.ndarray:
        defective = draw.random(3000) < 0.05
        sums[:] = np.where(defective, sums + limits.steps - 1, np.maximum(sums - 1, 0))
        return sums > limits.height

    runs = run_lengths(step, 3000, 8000)
    assert runs.mean() == pytest.approx(exact, abs=4 * runs.std() / np.sqrt(3000))


def test_bernoulli_cusum_of_a_rare_defect_is_designed_at_once_and_finds_a_rise_soon() -> None:
    limits = design(1e-4, 5e-4, 1e6)
    assert mean_run(limits.steps, limits.height, 5e-4) < 0.03 * mean_run(limits.steps, limits.height, 1e-4)


def test_bernoulli_cusum_part_by_part_is_the_drawn_one() -> None:
    limits = design(0.05, 0.15, 400)
    defective = np.random.default_rng(5).random(500) < 0.1
    drawn, cusum = draw_bernoulli(limits, defective), BernoulliCusum(limits)
    for is_defective, value in zip(defective, drawn.values, strict=True):
        signals = cusum.add(is_defective=bool(is_defective))
        assert cusum.sum == value
        assert signals == (value > drawn.upper[0] + 1e-12)
    cusum.reset()
    assert cusum.sum == 0


def test_sum_of_a_line_needs_no_array_library() -> None:
    script = (
        "import sys; import taktsight.quality.bernoulli_sum; print({'numpy', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_growing_limits_are_narrower_at_first_and_end_as_the_settled_ones() -> None:
    values = np.zeros(60)
    base = value_limits(values, mean=0, sigma=1)
    growing, steady = (
        draw_ewma(ewma_limits(base, weight=0.2, width=3, start=start), values)
        for start in ("growing", "steady")
    )
    assert growing.upper[0] == pytest.approx(3 * 0.2)
    assert growing.upper[-1] == pytest.approx(steady.upper[-1], rel=1e-4)


def test_frozen_limits_judge_later_points_unchanged(tmp_path: Path) -> None:
    defective, inspected = np.array([12.0, 15, 8, 10] * 6), np.full(24, 50.0)
    limits = share_limits("p", defective, inspected)
    frozen = FrozenLimits(
        limits=limits, rules="nelson", points=24, data_sha256="0" * 64, frozen_utc="2030-01-01T00:00:00Z"
    )
    write_limits(tmp_path / "limits.json", frozen)
    again = read_limits(tmp_path / "limits.json")
    assert again == frozen
    later = draw_shares(again.limits, np.array([40.0]), np.array([50.0]))  # type: ignore[arg-type]
    assert chart_of(later, phase=2, rules="nelson", labels=["1"]).out == (1,)


def test_a_point_without_a_cause_stays_in() -> None:
    with pytest.raises(ValueError, match="a point without a cause stays in"):
        FrozenLimits(
            limits=GapLimits(chart="g", mean=3),
            rules="nelson",
            points=5,
            excluded=(2,),
            data_sha256="",
            frozen_utc="x",
        )


@pytest.mark.parametrize(
    "content",
    ["", "{}", '{"format": "taktsight-limits-1"}', "[1]", '{"limits": {"chart": "p", "share": 2}}'],
)
def test_what_is_no_file_of_limits_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "limits.json").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match="is no file of limits"):
        read_limits(tmp_path / "limits.json")
    with pytest.raises(ConfigError, match="freeze limits first"):
        read_limits(tmp_path / "nothing.json")


def test_excluded_points_are_drawn_and_do_not_widen_the_limits() -> None:
    values = np.array([10.0, 11, 9, 10, 60, 10, 9, 11])
    excluded = np.arange(8) == 4
    base = value_limits(values, excluded=excluded)
    assert base.mean == pytest.approx(10)
    assert base.sigma < 2


def test_what_cannot_be_charted_is_refused() -> None:
    n = np.full(3, 10.0)
    for wrong, said in (
        (lambda: share_limits("p", np.zeros(3), n), "nothing was defective"),
        (lambda: share_limits("p", n, n), "everything was"),
        (lambda: share_limits("p", np.array([1.0, 11, 1]), n), "point 2: 11 of 10"),
        (lambda: share_limits("p", np.array([1.0]), n[:1]), "too few"),
        (lambda: share_limits("np", np.ones(3), np.array([10.0, 12, 10])), "point 2: 12 parts after 10"),
        (lambda: count_limits("u", np.ones(3), np.array([1.0, 0, 1])), "point 2: 0 units"),
        (lambda: count_limits("c", np.zeros(3), n), "no defect"),
        (
            lambda: laney_limits("laney-u", np.full(4, 3.0), np.full(4, 3000.0)),
            "all subgroups are the same",
        ),
        (lambda: gap_limits("g", np.array([3.0, -1])), "point 2"),
        (lambda: gap_limits("g", np.zeros(4)), "all gaps are 0"),
        (lambda: value_limits(np.full(9, 2.0)), "values that scatter"),
        (lambda: design(0.1, 0.05, 1000), "0 < p0 < p1"),
        (lambda: design(0.001, 0.002, 10), "in parts"),
        (lambda: pareto({}), "nothing was counted"),
        (lambda: pareto({"a": -1.0}), "count of -1"),
    ):
        with pytest.raises(DataError, match=said):
            wrong()


def test_lower_sum_signals_too() -> None:
    values = np.array([0.0, 0, -3, -3, -3, 0])
    base = value_limits(values, mean=0, sigma=1)
    chart = chart_of(
        draw_cusum(cusum_limits(base, allowance=0.5, interval=4), values),
        phase=1,
        rules="nelson",
        labels=names(6),
    )
    assert chart.out == (4, 5, 6)
    assert {hit.side for hit in chart.hits} == {"below"}


def test_pareto_ranks_by_count_and_ties_by_name() -> None:
    rows = pareto({"pit": 3, "dent": 3, "crack": 14})
    assert [row.label for row in rows] == ["crack", "dent", "pit"]
    assert rows[-1].cumulative == pytest.approx(1.0)
    assert rows[0].low is not None
    assert rows[0].low < rows[0].share == 0.7
    assert pareto({"a": 1.5, "b": 0.5})[0].low is None  # costs have no interval
