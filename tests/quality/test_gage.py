"""Gage R&R: constants computed as they are printed, components as another library finds them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from taktsight.errors import DataError
from taktsight.quality.gage import Gage, d2_star, gage, gage_table, range_moments
from taktsight.quality.tables import Floats


def measured(seed: int, *, part: float, person: float, error: float, crossed: float = 0.0) -> Floats:
    draw = np.random.default_rng(seed)
    values = draw.normal(0, part, (1, 10, 1)) + draw.normal(0, person, (3, 1, 1))
    return np.asarray(values + draw.normal(0, crossed, (3, 10, 1)) + draw.normal(0, error, (3, 10, 3)))


def sigma(found: Gage, method: int, source: str) -> float:
    return next(spread.sigma for spread in found.studies[method].spreads if spread.source == source)


def test_constants_are_those_that_are_printed() -> None:
    # d2 and d3 as in every table of control-chart constants.
    assert range_moments(2) == pytest.approx((1.128379, 0.852502), abs=1e-6)
    assert range_moments(5) == pytest.approx((2.325929, 0.864082), abs=1e-6)
    assert range_moments(10) == pytest.approx((3.077505, 0.797051), abs=1e-6)
    # K1 of 2 and 3 trials, K2 of 2 and 3 appraisers, K3 of 2 … 10 parts.
    assert [1 / d2_star(size, np.inf) for size in (2, 3)] == pytest.approx([0.8862, 0.5908], abs=5e-5)
    k3 = [1 / d2_star(size, 1) for size in range(2, 11)]
    printed = [0.7071, 0.5231, 0.4467, 0.4030, 0.3742, 0.3534, 0.3375, 0.3249, 0.3146]
    assert k3 == pytest.approx(printed, abs=5.1e-5)


def test_anova_is_that_of_statsmodels() -> None:
    pandas = pytest.importorskip("pandas")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        formula = pytest.importorskip("statsmodels.formula.api")
        stats = pytest.importorskip("statsmodels.stats.anova")
        for seed, crossed in ((1, 0.0), (2, 0.8)):
            values = measured(seed, part=2.0, person=0.5, error=0.3, crossed=crossed)
            a, n, t = np.meshgrid(range(3), range(10), range(3), indexing="ij")
            frame = pandas.DataFrame({"y": values.ravel(), "a": a.ravel(), "p": n.ravel(), "t": t.ravel()})
            table = stats.anova_lm(formula.ols("y ~ C(a) * C(p)", frame).fit())
            found = gage(values)
            study = found.studies[1]
            assert study.interaction_p == pytest.approx(table.loc["C(a):C(p)", "PR(>F)"])
            squares = table["mean_sq"]
            assert study.interaction_p is not None
            assert study.pooled == (study.interaction_p > 0.25)
            if not study.pooled:
                assert sigma(found, 1, "repeatability") ** 2 == pytest.approx(squares["Residual"])
                expected = (squares["C(a):C(p)"] - squares["Residual"]) / 3
                assert sigma(found, 1, "interaction") ** 2 == pytest.approx(expected)
                expected = (squares["C(p)"] - squares["C(a):C(p)"]) / 9
                assert sigma(found, 1, "parts") ** 2 == pytest.approx(expected)
            else:
                pooled = formula.ols("y ~ C(a) + C(p)", frame).fit()
                assert sigma(found, 1, "repeatability") ** 2 == pytest.approx(pooled.mse_resid)


def test_both_methods_find_the_scatter_that_is_there() -> None:
    """Mean of 200 studies of 10 parts, 3 people, 3 trials."""
    studies = [gage(measured(seed, part=2.0, person=0.5, error=0.3)) for seed in range(200)]
    for method in (0, 1):
        assert np.mean([sigma(one, method, "repeatability") for one in studies]) == pytest.approx(
            0.3, rel=0.03
        )
        assert np.mean([sigma(one, method, "parts") for one in studies]) == pytest.approx(2.0, rel=0.06)
    squares = np.mean([sigma(one, 1, "reproducibility") ** 2 for one in studies])
    assert squares == pytest.approx(0.25, rel=0.25)  # of three people each


def test_one_station_has_repeatability_alone() -> None:
    draw = np.random.default_rng(1)
    values = draw.normal(0, 2, (1, 12, 1)) + draw.normal(0, 0.1, (1, 12, 4))
    found = gage(values, tolerance=12.0, unit="mm")
    for method in (0, 1):
        assert sigma(found, method, "reproducibility") == 0
        assert sigma(found, method, "repeatability") == pytest.approx(0.1, rel=0.25)
        assert found.studies[method].verdict == "acceptable"
    assert any("repeatability alone" in warning for warning in found.warnings)
    spread = found.studies[1].spreads[0]
    assert spread.of_tolerance == pytest.approx(6 * spread.sigma / 12)


def test_order_of_rows_and_names_do_not_matter() -> None:
    values = measured(3, part=2.0, person=0.5, error=0.3)
    rows = [(f"p{n}", f"a{a}", values[a, n, t]) for a in range(3) for n in range(10) for t in range(3)]
    shuffled = [rows[index] for index in np.random.default_rng(1).permutation(len(rows))]
    renamed = [(f"z{9 - int(part[1:])}", f"x{who}", value) for part, who, value in shuffled]
    found = []
    for one in (rows, shuffled, renamed):
        parts, people, numbers = zip(*one, strict=True)
        found.append(gage(gage_table(parts, people, np.array(numbers))[0]))
    for other in found[1:]:
        for study, expected in zip(other.studies, found[0].studies, strict=True):
            assert study.ndc == expected.ndc
            assert [s.sigma for s in study.spreads] == pytest.approx([s.sigma for s in expected.spreads])


def test_limits_of_the_verdict_are_the_usual_ones() -> None:
    for error, grade in ((0.05, "acceptable"), (0.4, "marginal"), (1.5, "unacceptable")):
        found = gage(measured(4, part=2.0, person=0.01, error=error))
        assert {study.verdict for study in found.studies} == {grade}
    assert any("ndc" in warning for warning in found.warnings)


def test_what_is_no_study_is_refused() -> None:
    with pytest.raises(DataError, match="ben measured part 'p1' 1 times, others 2 times"):
        gage_table(["p1", "p1", "p1"], ["anna", "anna", "ben"], np.ones(3))
    with pytest.raises(DataError, match="1 parts and 2 trials"):
        gage(np.ones((2, 1, 2)))
    with pytest.raises(DataError, match="all values are the same"):
        gage(np.ones((2, 3, 2)))
    with pytest.raises(DataError, match="tolerance"):
        gage(measured(1, part=1, person=0, error=1), tolerance=-1.0)


def test_copied_trials_are_told() -> None:
    values = np.repeat(measured(1, part=1, person=0.1, error=0.1)[:, :, :1], 3, axis=2)
    assert any("copied" in warning for warning in gage(values).warnings)
