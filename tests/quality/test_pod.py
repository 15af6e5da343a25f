"""Probability of detection: the bounds hold what they say, the doubts are told, wrong input is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.special import chdtri

from taktsight.errors import DataError
from taktsight.quality.pod_checks import asymptotes
from taktsight.quality.pod_hit_miss import fit_hit_miss, size_bound_by_likelihood, size_bound_by_wald
from taktsight.quality.pod_hits import pod_hit_miss
from taktsight.quality.pod_links import LINKS, Link, likelihood, predictor, probability
from taktsight.quality.pod_signal import fit_censored
from taktsight.quality.pod_signals import pod_signal
from taktsight.quality.tables import Bools, Floats

from .published import crack_lengths, crack_signals


def targets(
    n: int, *, link: Link = "logit", a50: float = 1.0, spread: float = 0.2, seed: int = 1
) -> tuple[Floats, Bools]:
    draw = np.random.default_rng(seed)
    sizes = draw.uniform(0.1, 2.2, n)
    return sizes, draw.random(n) < probability(link, (sizes - a50) / spread)


@pytest.mark.parametrize("link", LINKS)
def test_curve_is_that_of_statsmodels(link: Link) -> None:
    sm = pytest.importorskip("statsmodels.api")
    sizes, hit = targets(150, link=link)
    family = sm.families.Binomial(
        {
            "logit": sm.families.links.Logit,
            "probit": sm.families.links.Probit,
            "cloglog": sm.families.links.CLogLog,
        }[link]()
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = sm.GLM(hit.astype(float), sm.add_constant(sizes), family=family).fit(tol=1e-12)
    fit = fit_hit_miss(sizes, hit, link)
    assert [fit.intercept, fit.slope] == pytest.approx(expected.params, rel=1e-6)
    assert fit.covariance == pytest.approx(expected.cov_params(), rel=1e-4)
    assert -2 * fit.log_likelihood == pytest.approx(expected.deviance)
    assert -2 * fit.null_log_likelihood == pytest.approx(expected.null_deviance)


@pytest.mark.parametrize("link", LINKS)
def test_derivatives_of_the_likelihood_are_those_of_differences(link: Link) -> None:
    eta = np.linspace(-6, 2.5, 35)
    for hit in (np.ones(35, bool), np.zeros(35, bool)):
        value, first, second = likelihood(link, eta, hit)
        above, below = (likelihood(link, eta + step, hit) for step in (1e-5, -1e-5))
        assert first == pytest.approx((above[0] - below[0]) / 2e-5, rel=1e-5, abs=1e-8)
        assert second == pytest.approx((above[1] - below[1]) / 2e-5, rel=1e-4, abs=1e-8)
        pod = probability(link, eta)
        assert value == pytest.approx(np.log(np.where(hit, pod, 1 - pod)), rel=1e-9)
        assert np.isfinite(likelihood(link, np.array([-700.0, -45.0, 45.0, 700.0]), hit[:4])[1]).all()


def test_bounds_cover_the_size_that_is_truly_found_nine_times_in_ten() -> None:
    """300 studies of 80 targets: handbook's likelihood bound 97.5 % one-sided, the other two near 95 %."""
    studies, truth = 300, 1.0 + 0.2 * predictor("logit", 0.9)
    covered = np.zeros(3)
    for seed in range(studies):
        fit = fit_hit_miss(*targets(80, seed=seed), "logit")
        bounds = (
            size_bound_by_likelihood(fit, 0.9, float(chdtri(1, 0.05))),
            size_bound_by_likelihood(fit, 0.9, float(chdtri(1, 0.10))),
            size_bound_by_wald(fit, 0.9, 0.95),
        )
        covered += [bound is not None and bound >= truth for bound in bounds]
    share, error = covered / studies, np.sqrt(0.95 * 0.05 / studies)
    assert share[0] >= 0.975 - 3 * error
    assert abs(share[1] - 0.95) <= 3 * error
    # Wald is a little short in small samples: that is why the handbook signs by likelihood.
    assert 0.95 - 5 * error <= share[2] <= 0.95 + 3 * error
    assert share[0] > share[1]


def test_bound_from_censored_signals_covers_too() -> None:
    studies, truth = 300, np.exp((50 - 10 + 1.2815515655446004 * 8) / 40)
    covered = 0
    for seed in range(studies):
        draw = np.random.default_rng(seed)
        sizes = np.exp(draw.uniform(0.2, 2.2, 60))
        signals = 10 + 40 * np.log(sizes) + draw.normal(0, 8, 60)
        bound = pod_signal(sizes, signals, decision=50, lowest=30, highest=90).a90_95
        covered += bound is not None and bound >= truth
    error = np.sqrt(0.95 * 0.05 / studies)
    assert 0.95 - 5 * error <= covered / studies <= 0.95 + 3 * error


def test_censored_line_is_the_maximum_and_ordinary_without_censoring() -> None:
    sizes, signals = crack_signals()
    design = np.column_stack([np.ones(len(sizes)), np.log(sizes)])
    nothing = np.zeros(len(sizes), bool)
    fit = fit_censored(design, signals, at_most=nothing, at_least=nothing)
    beta, squares, *_ = np.linalg.lstsq(design, signals, rcond=None)
    assert fit.coefficients == pytest.approx(beta)
    assert fit.scatter == pytest.approx(np.sqrt(squares[0] / len(sizes)))


def test_order_of_targets_and_names_of_groups_do_not_matter() -> None:
    sizes, hit = crack_lengths()
    groups = np.array(["b", "a"] * 67)
    shuffled = np.random.default_rng(2).permutation(len(sizes))
    one = pod_hit_miss(sizes, hit, groups=list(groups))
    other = pod_hit_miss(sizes[shuffled], hit[shuffled], groups=list(groups[shuffled]))
    assert other.a90_95 == pytest.approx(one.a90_95)
    assert other.warnings == one.warnings
    renamed = pod_hit_miss(sizes, hit, groups=[{"a": "x", "b": "y"}[name] for name in groups])
    assert renamed.warnings == one.warnings


def test_unit_of_sizes_scales_every_size() -> None:
    sizes, hit = crack_lengths()
    inch, mm = pod_hit_miss(sizes, hit), pod_hit_miss(25.4 * sizes, hit)
    for name in ("a50", "a90", "a90_95", "a90_95_wald"):
        assert getattr(mm, name) == pytest.approx(25.4 * getattr(inch, name), rel=1e-6)


def test_curve_lies_above_its_bound_and_meets_a90_95() -> None:
    pod = pod_hit_miss(*crack_lengths())
    sizes = [point.size for point in pod.curve]
    lows = [point.low or 0.0 for point in pod.curve]
    assert all((point.low or 0.0) <= point.pod + 1e-9 for point in pod.curve)
    assert np.diff(lows).min() >= -1e-9
    assert np.interp(0.9, lows, sizes) == pytest.approx(pod.a90_95, abs=0.002)  # between two points


def test_separated_hits_and_misses_are_told_and_bounded() -> None:
    sizes = np.linspace(0.1, 2.0, 70)
    pod = pod_hit_miss(sizes, sizes > 1.0)
    assert pod.b1 is None
    assert pod.a50 == pod.a90 == pytest.approx(1.0, abs=0.03)
    assert pod.a90_95 is not None
    assert pod.a90_95 > sizes[sizes > 1.0].min()
    assert "separation" in pod.warnings[0]


def test_few_targets_are_told() -> None:
    pod = pod_hit_miss(*targets(59))
    assert any("59 targets; MIL-HDBK-1823A asks for 60" in warning for warning in pod.warnings)
    sizes, signals = crack_signals()
    pod = pod_signal(sizes[::3], signals[::3], decision=200)
    assert any("asks for 40" in warning for warning in pod.warnings)


def test_detection_that_does_not_depend_on_size_has_no_a90_95() -> None:
    draw = np.random.default_rng(5)
    sizes = draw.uniform(0.1, 2, 100)
    hit = draw.random(100) < 0.6 + 0.02 * sizes
    try:
        pod = pod_hit_miss(sizes, hit)
    except DataError as error:
        assert "does not rise" in str(error)  # noqa: PT017  by chance the slope may fall
    else:
        assert pod.a90_95 is None
        assert any("no slope" in warning for warning in pod.warnings)


def test_curve_that_ends_below_1_is_told() -> None:
    draw = np.random.default_rng(7)
    sizes = draw.uniform(0.1, 3, 400)
    hit = draw.random(400) < 0.85 * probability("logit", (sizes - 0.8) / 0.1)
    fit = fit_hit_miss(sizes, hit, "logit")
    _, _, upper, chance = asymptotes(fit)
    assert upper == pytest.approx(0.85, abs=0.05)
    assert chance < 0.001
    assert any("does not reach 1" in warning for warning in pod_hit_miss(sizes, hit).warnings)


def test_groups_that_differ_may_not_be_pooled() -> None:
    small, large = targets(80, a50=0.6, seed=3), targets(80, a50=1.4, seed=4)
    sizes, hit = np.concatenate([small[0], large[0]]), np.concatenate([small[1], large[1]])
    groups = ["pit"] * 80 + ["scratch"] * 80
    pod = pod_hit_miss(sizes, hit, groups=groups)
    assert any("differ" in warning and "one for each" in warning for warning in pod.warnings)
    assert [group.name for group in pod.groups] == ["pit", "scratch"]
    assert pod.groups[0].a90 is not None
    assert pod.groups[1].a90 is not None
    assert pod.groups[0].a90 < pod.groups[1].a90


def test_calls_where_nothing_is_are_false_and_bounded() -> None:
    sizes, hit = targets(80)
    blank = np.zeros(200, bool)
    blank[:3] = True
    pod = pod_hit_miss(np.concatenate([sizes, np.zeros(200)]), np.concatenate([hit, blank]))
    assert pod.n == 80
    assert pod.false_calls is not None
    assert (pod.false_calls.calls, pod.false_calls.places) == (3, 200)
    assert pod.false_calls.high == pytest.approx(0.0383, abs=5e-4)  # Clopper–Pearson, one-sided 95 %


def test_noise_of_signals_gives_a_false_call_rate() -> None:
    draw = np.random.default_rng(3)
    sizes, signals = crack_signals()
    noise = draw.normal(100, 50, 4000)
    pod = pod_signal(
        np.concatenate([sizes, np.zeros(4000)]), np.concatenate([signals, noise]), decision=200
    )
    assert pod.false_calls is not None
    assert pod.false_calls.modelled == pytest.approx(0.0228, abs=0.004)  # Φ(−2)
    assert pod.false_calls.rate == pytest.approx(pod.false_calls.modelled, abs=0.006)
    assert pod.a90 == pytest.approx(12.44, abs=0.005)


def test_made_defects_are_called_so() -> None:
    pod = pod_hit_miss(*crack_lengths(), origin="synthetic")
    assert "synthetic challenge set" in pod.warnings[0]


@pytest.mark.parametrize(
    ("sizes", "hit", "said"),
    [
        ([], [], "no target"),
        ([0, 0, 0], [0, 1, 0], "no target"),
        ([1, 2, 3], [1, 1, 1], "none was missed"),
        ([1, 2, 3], [0, 0, 0], "none was found"),
        ([1, 2], [0, 1], "too few"),
        ([1, 1, 1, 1], [0, 1, 0, 1], "same size"),
        ([1, 2, float("nan")], [0, 1, 0], "target 3"),
        ([1, 2, -1], [0, 1, 0], "below 0"),
        ([1, 2, 3, 4], [1, 1, 0, 0], "does not rise"),
    ],
)
def test_what_makes_no_curve_is_refused(sizes: list[float], hit: list[int], said: str) -> None:
    with pytest.raises(DataError, match=said):
        pod_hit_miss(np.array(sizes, float), np.array(hit, bool))


def test_signals_that_make_no_line_are_refused() -> None:
    sizes = np.arange(1.0, 51)
    for signals, said, settings in (
        (-sizes, "does not rise", {"decision": -20.0}),
        (sizes * 1.0, "without any scatter", {"decision": 20.0, "size_scale": "linear"}),
        (sizes, "too few signals", {"decision": 20.0, "lowest": 19.0, "highest": 20.5}),
        (sizes, "beyond the ends", {"decision": 20.0, "lowest": 21.0}),
        (sizes - 10, "has no logarithm", {"decision": 20.0, "signal_scale": "log"}),
    ):
        with pytest.raises(DataError, match=said):
            pod_signal(sizes, signals, **settings)
