"""What handbooks print comes out of the library, to the digits they print; typed in, for CI."""

from __future__ import annotations

import numpy as np
import pytest

from taktsight.quality.attribute_charts import count_limits, draw_counts, draw_shares, share_limits
from taktsight.quality.control_chart import ControlChart, Drawn, chart_of
from taktsight.quality.pod_hits import pod_hit_miss
from taktsight.quality.pod_signals import pod_signal
from taktsight.quality.value_charts import cusum_limits, draw_cusum, draw_ewma, ewma_limits, value_limits

from .published import crack_lengths, crack_signals
from .published_charts import (
    C_DEFECTS,
    CUSUM_HIGH,
    CUSUM_LOW,
    CUSUM_VALUES,
    EWMA,
    EWMA_VALUES,
    P_DEFECTIVE,
)

HALF_A_DIGIT = 0.005 + 1e-9
"""Printed with two decimals; 19.035 is printed as 19.04."""


def charted(drawn: Drawn) -> ControlChart:
    names = [str(number) for number in range(1, len(drawn.values) + 1)]
    return chart_of(drawn, phase=1, rules="limits", labels=names)


def test_hits_and_misses_of_example_3() -> None:
    pod = pod_hit_miss(*crack_lengths())
    assert (pod.n, pod.hits) == (134, 92)
    assert (pod.b0, pod.b1) == pytest.approx((-4.597367, 39.765429), abs=5e-7)
    assert pod.mu == pytest.approx(0.1156, abs=5e-5)
    assert pod.sigma == pytest.approx(0.025147, abs=5e-7)
    assert pod.a50 == pytest.approx(0.1156, abs=5e-5)
    assert pod.a90 == pytest.approx(0.1709, abs=5e-5)
    assert pod.a90_95 == pytest.approx(0.1974, abs=5e-5)
    assert pod.a90_95_wald == pytest.approx(0.19597, abs=5e-6)
    assert (pod.deviance, pod.null_deviance) == pytest.approx((77.494, 166.648), abs=5e-4)
    assert pod.warnings == ()


def test_hits_and_misses_of_example_3_on_logarithms() -> None:
    pod = pod_hit_miss(*crack_lengths(), size_scale="log")
    assert pod.a50 == pytest.approx(0.10849, abs=5e-6)
    assert pod.a90 == pytest.approx(0.17336, abs=5e-6)
    assert pod.a90_95 == pytest.approx(0.2106, abs=5e-5)
    assert pod.deviance == pytest.approx(80.459, abs=5e-4)


def test_censored_signals_of_example_1() -> None:
    pod = pod_signal(*crack_signals(), decision=200, lowest=50, highest=1375)
    assert pod.censored == (3, 1)
    assert pod.mu == pytest.approx(2.1748, abs=5e-5)
    assert pod.sigma == pytest.approx(0.28542, abs=5e-6)
    assert pod.covariance is not None
    expected = [[0.002429, -0.000585], [-0.000585, 0.000703]]
    assert np.array(pod.covariance) == pytest.approx(np.array(expected), abs=5e-7)
    assert (pod.b0, pod.b1, pod.scatter) == pytest.approx((-975.275, 540.414, 154.244), abs=5e-4)
    assert pod.a50 == pytest.approx(8.8, abs=0.05)
    assert (pod.a90, pod.a90_95) == pytest.approx((12.69, 13.68), abs=5e-3)


def test_example_1_without_censoring_is_the_wrong_answer_that_is_printed_as_wrong() -> None:
    pod = pod_signal(*crack_signals(), decision=200)
    assert pod.a90 == pytest.approx(12.44, abs=5e-3)
    assert pod.a90_95 == pytest.approx(13.37, abs=5e-3)


def test_p_chart_of_nist() -> None:
    defective, inspected = np.array(P_DEFECTIVE, float), np.full(30, 50.0)
    limits = share_limits("p", defective, inspected)
    chart = charted(draw_shares(limits, defective, inspected))
    assert limits.share == pytest.approx(0.2313333, abs=5e-8)
    assert chart.points[0].ucl == pytest.approx(0.4102391, abs=5e-8)
    assert chart.points[0].lcl == pytest.approx(0.0524275, abs=5e-8)
    assert chart.out == (15, 23)


def test_c_chart_of_nist_has_a_point_on_its_limit_that_is_not_out() -> None:
    defects, units = np.array(C_DEFECTS, float), np.ones(25)
    chart = charted(draw_counts(count_limits("c", defects, units), defects, units))
    point = chart.points[2]
    assert (point.value, point.centre, point.lcl, point.ucl) == (28.0, 16.0, 4.0, 28.0)
    assert chart.out == (24,)


def test_ewma_of_nist() -> None:
    values = np.array(EWMA_VALUES)
    limits = ewma_limits(value_limits(values, mean=50, sigma=2.0539), weight=0.3, width=3)
    chart = charted(draw_ewma(limits, values))
    assert [point.value for point in chart.points] == pytest.approx(EWMA, abs=HALF_A_DIGIT)
    assert (chart.points[0].lcl, chart.points[0].ucl) == pytest.approx((47.4116, 52.5884), abs=5e-5)
    assert chart.out == ()


def test_cusum_of_nist() -> None:
    values = np.array(CUSUM_VALUES)
    base = value_limits(values, mean=325, sigma=0.635)
    chart = charted(draw_cusum(cusum_limits(base, allowance=0.3175, interval=4.1959), values))
    assert [point.value for point in chart.points] == pytest.approx(CUSUM_HIGH, abs=HALF_A_DIGIT)
    assert [point.low for point in chart.points] == pytest.approx(CUSUM_LOW, abs=HALF_A_DIGIT)
    assert chart.out[0] == 14
