"""The figures of an evaluation, against counting by hand, brute force and published formulas."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import mannwhitneyu

from taktsight.datasets.samples import GOOD, Split
from taktsight.errors import DataError
from taktsight.quality.rates import clopper_pearson
from taktsight.recipe import Limit
from taktsight.training.evaluation.classes import classify
from taktsight.training.evaluation.curves import auroc, average_precision, curve
from taktsight.training.evaluation.estimates import bootstrap, weighted_mean
from taktsight.training.evaluation.evaluate import evaluate
from taktsight.training.evaluation.judged import JudgedPart, clusters_of
from taktsight.training.evaluation.operating_point import ChosenLimits

LABELS = ("crack", "pit")
LIMITS = ChosenLimits(
    tuple(Limit(label=label, review_score=0.3, reject_score=0.7) for label in LABELS), "val", "by hand"
)


def part(
    name: str,
    label: str,
    scores: tuple[float, ...],
    *,
    split: Split = "test",
    piece: str = "",
    lot: str = "",
    f1: float | None = None,
) -> JudgedPart:
    return JudgedPart(name, label, np.array(scores, np.float32), split, piece, lot, pixel_f1=f1)


def few_parts() -> list[JudgedPart]:
    return [
        part("a", "crack", (0.9, 0.1), lot="L1", f1=0.8),
        part("b", "crack", (0.5, 0.0), lot="L1", f1=0.4),
        part("c", "pit", (0.1, 0.2), lot="L2"),
        part("d", GOOD, (0.1, 0.05), lot="L1"),
        part("e", GOOD, (0.4, 0.1), lot="L2"),
        part("f", GOOD, (0.1, 0.8), lot="L2"),
        part("g", GOOD, (0.0, 0.0), lot="L2"),
    ]


def scored(seed: int, count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    defective = rng.random(count) < 0.4
    return defective, np.round(rng.normal(defective * 1.0, 1.0), 1)  # rounded: there are ties


def singles(count: int) -> np.ndarray:
    return np.arange(count)


def test_escapes_and_overkills_are_counted_by_verdict() -> None:
    figures = evaluate(few_parts(), LABELS, "segmentation", LIMITS)
    assert (figures.escape.events, figures.escape.parts) == (1, 3)
    assert (figures.overkill.events, figures.overkill.parts) == (2, 4)
    assert figures.escape.high == clopper_pearson(1, 3).high
    outcomes = figures.good_outcomes
    assert (outcomes.passed, outcomes.reviewed, outcomes.rejected) == (2, 1, 1)
    assert figures.operating_point.escapes == 1
    assert figures.operating_point.overkill_upper == figures.overkill.high


def test_each_label_answers_for_its_own_parts_and_its_own_overkill() -> None:
    crack, pit = evaluate(few_parts(), LABELS, "segmentation", LIMITS).per_label
    assert (crack.escape.events, crack.escape.parts, crack.outcomes.reviewed) == (0, 2, 1)
    assert (pit.escape.events, pit.escape.parts) == (1, 1)
    assert (crack.overkill.events, pit.overkill.events) == (1, 1)


def test_label_figures_stand_in_the_order_of_the_labels_whatever_the_order_of_limits() -> None:
    turned = ChosenLimits(LIMITS.limits[::-1], "val", "by hand")
    figures = evaluate(few_parts(), LABELS, "segmentation", turned)
    assert [row.label for row in figures.per_label] == list(LABELS)
    assert figures == evaluate(few_parts(), LABELS, "segmentation", LIMITS)


def test_lots_are_told_apart() -> None:
    first, second = evaluate(few_parts(), LABELS, "segmentation", LIMITS).per_lot
    assert (first.lot, first.escape.events, first.overkill.events) == ("L1", 0, 0)
    assert (second.lot, second.escape.events, second.overkill.events) == ("L2", 1, 2)


def test_without_good_parts_overkill_and_auroc_are_undefined_not_zero() -> None:
    parts = [part("a", "crack", (0.9, 0.1)), part("b", "pit", (0.1, 0.9))]
    figures = evaluate(parts, LABELS, "classification", LIMITS)
    assert figures.overkill.value is None
    assert figures.overkill.high is None
    assert figures.auroc is None
    assert figures.average_precision is None
    assert figures.curve[0].overkill is None
    assert figures.escape.value == 0.0


def test_without_defective_parts_the_escape_rate_is_undefined_not_zero() -> None:
    figures = evaluate([part("d", GOOD, (0.1, 0.1))], LABELS, "segmentation", LIMITS)
    assert figures.escape.value is None
    assert figures.pixel_f1 is None
    assert figures.curve[0].detected is None
    assert figures.overkill.value == 0.0


def test_six_exposures_of_one_escaped_piece_are_one_physical_escape() -> None:
    tiles = [part(f"a{i}", "crack", (0.1, 0.1), piece="tile 1") for i in range(6)]
    tiles += [part(f"b{i}", "crack", (0.9, 0.1), piece="tile 2") for i in range(6)]
    figures = evaluate(tiles, LABELS, "segmentation", LIMITS)
    assert (figures.escape.events, figures.escape.parts) == (6, 12)
    assert figures.escape_physical is not None
    assert (figures.escape_physical.events, figures.escape_physical.parts) == (1, 2)
    assert figures.escape_physical.high == clopper_pearson(1, 2).high


def test_parts_seen_once_have_no_second_escape_rate() -> None:
    assert evaluate(few_parts(), LABELS, "segmentation", LIMITS).escape_physical is None


def test_pixel_f1_is_the_mean_of_the_parts_whose_pixels_are_known() -> None:
    figures = evaluate(few_parts(), LABELS, "segmentation", LIMITS)
    assert figures.pixel_f1 is not None
    assert figures.pixel_f1.value == pytest.approx(0.6)
    assert figures.pixel_f1_parts == 2


@pytest.mark.parametrize("seed", range(5))
def test_auroc_is_the_share_of_pairs_in_order(seed: int) -> None:
    defective, scores = scored(seed)
    found = auroc(defective, scores, singles(40))
    pairs = scores[defective][:, None] - scores[~defective][None, :]
    assert found is not None
    assert found.value == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))
    u = mannwhitneyu(scores[defective], scores[~defective]).statistic
    assert found.value == pytest.approx(u / pairs.size)


@pytest.mark.parametrize("seed", range(5))
def test_auroc_interval_has_the_variance_of_delong_by_brute_force(seed: int) -> None:
    defective, scores = scored(seed)
    kernel = scores[defective][:, None] - scores[~defective][None, :]
    psi = (kernel > 0) + 0.5 * (kernel == 0)
    variance = (
        np.var(psi.mean(axis=1), ddof=1) / psi.shape[0] + np.var(psi.mean(axis=0), ddof=1) / psi.shape[1]
    )
    area = psi.mean()
    half = 1.959964 * np.sqrt(variance) / (area * (1 - area))
    found = auroc(defective, scores, singles(40))
    assert found is not None
    assert found.low == pytest.approx(expit(logit(area) - half))
    assert found.high == pytest.approx(expit(logit(area) + half))


def test_a_part_seen_good_and_defective_counts_once_in_the_auroc_interval() -> None:
    rng = np.random.default_rng(2)
    piece = rng.normal(0, 1, 30)
    scores = np.concatenate([piece + 1, piece + rng.normal(0, 0.5, 30)])
    defective = np.repeat([True, False], 30)
    found = auroc(defective, scores, np.tile(np.arange(30), 2))
    psi = (scores[:30, None] > scores[None, 30:]).astype(float)
    area = psi.mean()
    influence = (psi.mean(axis=1) - area + psi.mean(axis=0) - area) / 30
    half = 1.959964 * np.sqrt(30 / 29 * np.sum(influence**2)) / (area * (1 - area))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((expit(logit(area) - half), expit(logit(area) + half)))


def test_exposures_copied_six_times_do_not_narrow_the_auroc_interval() -> None:
    defective, scores = scored(0)
    once = auroc(defective, scores, singles(40))
    copied = auroc(np.repeat(defective, 6), np.repeat(scores, 6), np.repeat(singles(40), 6))
    taken_as_independent = auroc(np.repeat(defective, 6), np.repeat(scores, 6), singles(240))
    assert once is not None and copied is not None and taken_as_independent is not None  # noqa: PT018
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))
    assert taken_as_independent.low is not None and once.low is not None  # noqa: PT018
    assert taken_as_independent.low > once.low


def test_separated_scores_have_no_auroc_interval_instead_of_a_certain_one() -> None:
    found = auroc(np.array([True, True, False, False]), np.array([0.9, 0.8, 0.2, 0.1]), singles(4))
    assert found is not None
    assert (found.value, found.low, found.high) == (1.0, None, None)


def test_curve_moves_equal_scores_together() -> None:
    defective = np.array([True, False, True, False])
    points = curve(defective, np.array([0.9, 0.5, 0.5, 0.1]))
    assert [(p.score, p.detected, p.overkill) for p in points] == [
        (0.9, 0.5, 0.0),
        (0.5, 1.0, 0.5),
        (0.1, 1.0, 1.0),
    ]
    assert [p.precision for p in points] == [1.0, 2 / 3, 0.5]


def test_area_under_the_curve_is_the_auroc() -> None:
    defective, scores = scored(3)
    points = curve(defective, scores)
    x = np.array([0.0] + [point.overkill or 0.0 for point in points])
    y = np.array([0.0] + [point.detected or 0.0 for point in points])
    found = auroc(defective, scores, singles(40))
    assert found is not None
    assert np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2) == pytest.approx(found.value)


def test_average_precision_matches_the_worked_example_of_scikit_learn() -> None:
    # average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) is documented as 0.83
    statistic = average_precision(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8]))
    assert statistic(np.ones((1, 4)))[0] == pytest.approx(0.8333333)


def test_average_precision_of_weights_is_that_of_parts_drawn_so_often() -> None:
    defective, scores = scored(1)
    times = np.random.default_rng(7).integers(0, 3, 40)
    weighted = average_precision(defective, scores)(times[None, :].astype(np.float64))[0]
    drawn = average_precision(np.repeat(defective, times), np.repeat(scores, times))
    assert weighted == pytest.approx(drawn(np.ones((1, int(times.sum()))))[0])


def test_bootstrap_draws_whole_physical_parts() -> None:
    values = np.repeat([0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0], 6)
    pieces = np.repeat(np.arange(8), 6)
    by_piece = bootstrap(weighted_mean(values), pieces, seed=1)
    by_exposure = bootstrap(weighted_mean(values), singles(48), seed=1)
    assert by_piece is not None and by_exposure is not None  # noqa: PT018
    assert by_piece.low is not None and by_exposure.low is not None  # noqa: PT018
    assert by_piece.value == by_exposure.value == 0.625
    assert by_piece.low < by_exposure.low
    # The mean of 8 pieces has a standard error of √(0.625 × 0.375 / 8) = 0.171.
    assert by_piece.low == pytest.approx(0.625 - 1.96 * 0.171, abs=0.07)


def test_bootstrap_gives_the_same_interval_for_the_same_seed_and_however_it_is_batched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = np.random.default_rng(0).random(30)
    first = bootstrap(weighted_mean(values), singles(30), seed=4)
    monkeypatch.setattr("taktsight.training.evaluation.estimates.MAX_WEIGHTS", 100)
    again = bootstrap(weighted_mean(values), singles(30), seed=4)
    assert first is not None
    assert again is not None
    # A product of matrices of another shape sums in another order: the last digit may differ.
    assert again.model_dump() == pytest.approx(first.model_dump(), rel=1e-12)


def test_a_figure_that_never_varies_has_no_interval() -> None:
    found = bootstrap(weighted_mean(np.ones(10)), singles(10), seed=0)
    assert found is not None
    assert (found.value, found.low) == (1.0, None)


def test_a_classifier_calls_a_part_good_where_the_scores_leave_most_of_one() -> None:
    parts = [
        part("a", "crack", (0.7, 0.2)),
        part("b", "crack", (0.3, 0.6)),
        part("c", "pit", (0.1, 0.2)),
        part("d", GOOD, (0.1, 0.1)),
    ]
    figures = classify(parts, LABELS, clusters_of(parts), seed=0)
    assert figures.classes == ("crack", "pit", GOOD)
    assert figures.confusion == ((1, 1, 0), (0, 0, 1), (0, 0, 1))
    assert figures.accuracy.value == 0.5
    # crack 2·1/(2+1), pit 0/(1+1), good 2·1/(1+2)
    assert figures.f1 == pytest.approx((2 / 3, 0.0, 2 / 3))
    assert figures.macro_f1.value == pytest.approx(4 / 9)


def test_a_class_that_is_neither_there_nor_said_is_left_out_of_macro_f1() -> None:
    parts = [part("a", "crack", (0.9, 0.1)), part("b", "crack", (0.8, 0.1))]
    figures = classify(parts, LABELS, clusters_of(parts), seed=0)
    assert figures.classes == LABELS
    assert figures.f1 == (1.0, None)
    assert figures.macro_f1.value == 1.0


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (part("a", GOOD, (0.1, 0.1)), "twice"),
        (part("x", "scratch", (0.1, 0.1)), "scratch"),
        (part("x", GOOD, (0.1,)), "2 scores"),
    ],
)
def test_parts_that_do_not_fit_are_refused(extra: JudgedPart, message: str) -> None:
    with pytest.raises(DataError, match=message):
        evaluate([*few_parts(), extra], LABELS, "segmentation", LIMITS)


def test_a_physical_part_in_two_splits_is_refused() -> None:
    parts = [
        part("a", "crack", (0.9, 0.1), split="val", piece="tile 1"),
        part("b", "crack", (0.9, 0.1), split="test", piece="tile 1"),
    ]
    with pytest.raises(DataError, match="tile 1"):
        evaluate(parts, LABELS, "segmentation", LIMITS)


@pytest.mark.parametrize("score", [np.nan, -0.1, 1.5])
def test_a_part_with_a_broken_score_is_refused_at_birth(score: float) -> None:
    with pytest.raises(ValueError, match="within 0–1"):
        part("a", GOOD, (score, 0.1))
