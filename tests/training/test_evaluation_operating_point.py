"""The limits: chosen on one split, measured on another with the decision of the line."""

from __future__ import annotations

import numpy as np
import pytest

from taktsight.card import Task
from taktsight.datasets.samples import GOOD, Split
from taktsight.errors import ConfigError, DataError
from taktsight.quality.rates import clopper_pearson
from taktsight.recipe import Limit, Recipe, View, decide
from taktsight.records import Defect, Outcome, Prediction
from taktsight.training.evaluation.judged import JudgedPart
from taktsight.training.evaluation.operating_point import ChosenLimits, choose_limits, judge, measure

LABELS = ("crack", "pit")


def parts_of(defective: list[float], good: list[float], split: Split = "val") -> list[JudgedPart]:
    labels = ["crack"] * len(defective) + [GOOD] * len(good)
    return [
        JudgedPart(f"{split}-{number}", label, np.array([score, 0.0], np.float32), split)
        for number, (label, score) in enumerate(zip(labels, [*defective, *good], strict=True))
    ]


def pair(chosen: ChosenLimits) -> tuple[float, float]:
    (pair,) = {(limit.review_score, limit.reject_score) for limit in chosen.limits}
    return pair


def test_separated_classes_get_one_threshold_nearer_the_good_parts_and_no_review_band() -> None:
    chosen = choose_limits(parts_of([0.8, 0.9], [0.1, 0.2]), LABELS, "segmentation")
    threshold, _ = pair(chosen)
    assert threshold == pytest.approx(1 / 3, abs=5e-5)  # odds 1 : 4 and 4 : 1; a quarter of the way 1 : 2
    assert pair(chosen) == (threshold, threshold)
    assert [limit.label for limit in chosen.limits] == list(LABELS)
    assert "0 of 2 defective parts" in chosen.reason
    assert "no review band" in chosen.reason


def test_the_way_up_is_that_of_the_logits() -> None:
    review, _ = pair(choose_limits(parts_of([0.5], [0.01]), LABELS, "segmentation"))
    assert review == pytest.approx(1 / (1 + 99**0.75), abs=5e-5)


def test_a_weaker_defect_than_any_chosen_on_still_does_not_pass() -> None:
    chosen = choose_limits(parts_of([0.99, 0.999], [0.01, 0.02]), LABELS, "segmentation")
    (verdict,) = judge(parts_of([0.3], [], "test"), LABELS, chosen.limits)
    assert verdict.outcome is Outcome.REJECT


def test_overlapping_classes_get_a_review_band_around_the_overlap() -> None:
    chosen = choose_limits(parts_of([0.3, 0.8, 0.9], [0.1, 0.2, 0.6]), LABELS, "segmentation")
    review, reject = pair(chosen)
    assert 0.2 < review < 0.3
    assert 0.6 < reject < 0.8
    assert "a person decides" in chosen.reason


def test_one_defective_part_in_a_hundred_may_pass_and_no_second_one() -> None:
    parts = parts_of([0.05, *np.linspace(0.7, 0.9, 99)], list(np.linspace(0.1, 0.65, 100)))
    review, _ = pair(choose_limits(parts, LABELS, "segmentation"))
    assert review > 0.5
    review, _ = pair(choose_limits(parts[1:], LABELS, "segmentation"))
    assert review > 0.5
    fewer = [part for part in parts if part.name != "val-99"]  # 99 defective: 1 of 99 is above 1 %
    review, _ = pair(choose_limits(fewer, LABELS, "segmentation"))
    assert review < 0.05


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("target", [0.0, 0.01, 0.1])
def test_on_the_split_they_were_chosen_on_the_limits_keep_both_targets(seed: int, target: float) -> None:
    rng = np.random.default_rng(seed)
    spread = rng.choice([0.5, 2.0, 6.0])
    defective = 1 / (1 + np.exp(-rng.normal(2, spread, rng.integers(1, 150))))
    good = 1 / (1 + np.exp(-rng.normal(-2, spread, rng.integers(1, 150))))
    decimals = int(rng.integers(1, 7))  # coarse scores tie
    parts = parts_of(
        list(np.clip(defective.round(decimals), 0, 0.9999999)), list(np.clip(good.round(decimals), 0, 0.9))
    )
    chosen = choose_limits(parts, LABELS, "segmentation", target_escape=target, target_overkill=target)
    verdicts = judge(parts, LABELS, chosen.limits)
    outcomes = list(zip(parts, (verdict.outcome for verdict in verdicts), strict=True))
    escapes = sum(part.is_defective and outcome is Outcome.PASS for part, outcome in outcomes)
    rejects = sum(not part.is_defective and outcome is Outcome.REJECT for part, outcome in outcomes)
    assert escapes <= target * len(defective)
    assert rejects <= target * len(good)
    review, reject = pair(chosen)
    assert review <= reject
    assert not {review, reject} & {part.score for part in parts if part.score > 0}


def test_thresholds_have_four_decimals_and_more_only_where_four_would_move_a_part() -> None:
    review, _ = pair(choose_limits(parts_of([0.7], [0.123456]), LABELS, "segmentation"))
    assert review == round(review, 4)
    close = parts_of([0.99998], [0.99996])
    review, _ = pair(choose_limits(close, LABELS, "segmentation"))
    assert close[1].score < review < close[0].score


def test_neighbouring_float32_scores_are_still_told_apart() -> None:
    lower = np.float32(0.9)
    close = parts_of([float(np.nextafter(lower, np.float32(1)))], [float(lower)])
    review, _ = pair(choose_limits(close, LABELS, "segmentation"))
    assert [
        v.outcome for v in judge(close, LABELS, choose_limits(close, LABELS, "segmentation").limits)
    ] == [
        Outcome.REJECT,
        Outcome.PASS,
    ]
    assert close[1].score < review < close[0].score


def test_a_defective_part_that_scores_zero_leaves_nothing_to_pass() -> None:
    parts = parts_of([0.0, 0.9], [0.0, 0.1])
    chosen = choose_limits(parts, LABELS, "segmentation")
    assert pair(chosen)[0] == 0.0
    assert all(verdict.outcome is not Outcome.PASS for verdict in judge(parts, LABELS, chosen.limits))


def test_a_good_part_that_scores_one_is_said_to_reach_the_limit() -> None:
    chosen = choose_limits(parts_of([0.9], [0.1, 1.0]), LABELS, "segmentation")
    assert pair(chosen)[1] == 1.0
    assert "1 of 2 good parts reach it" in chosen.reason


@pytest.mark.parametrize(
    ("defective", "good", "missing"), [([], [0.1], "no defective part"), ([0.9], [], "no good part")]
)
def test_a_split_of_one_kind_is_refused_with_what_to_do(
    defective: list[float], good: list[float], missing: str
) -> None:
    with pytest.raises(DataError, match=f"val has {missing}.*move"):
        choose_limits(parts_of(defective, good) + parts_of([0.9], [0.1], "test"), LABELS, "segmentation")


@pytest.mark.parametrize("task", ["segmentation", "classification"])
def test_an_empty_split_is_refused(task: Task) -> None:
    with pytest.raises(DataError, match="val has no parts"):
        choose_limits(parts_of([0.9], [0.1], "test"), LABELS, task)


def test_a_classification_without_any_good_part_passes_no_part_and_says_so() -> None:
    chosen = choose_limits(parts_of([0.9, 0.2], []), LABELS, "classification")
    assert pair(chosen) == (1 / (len(LABELS) + 1), 0.5)
    assert "no good part" in chosen.reason


@pytest.mark.parametrize("task", ["segmentation", "comparison"])
def test_maps_without_any_good_part_pass_no_part_either(task: Task) -> None:
    parts = parts_of([0.9, 0.2, 0.0], [])
    chosen = choose_limits(parts, LABELS, task)
    assert "no good part" in chosen.reason
    assert all(verdict.outcome is not Outcome.PASS for verdict in judge(parts, LABELS, chosen.limits))


def test_area_of_one_view_does_not_excuse_the_score_of_another() -> None:
    small = Defect("scratch", 0.9, (0, 0, 2, 2), 0.5, "side")
    scores = {"top": np.array((0.9,), np.float32), "side": np.array((0.9,), np.float32)}
    part = JudgedPart(
        "p", "scratch", scores["top"], "test", defects=(small,), view_scores=tuple(scores.items())
    )
    limit = Limit(label="scratch", reject_score=0.8, review_score=0.5, max_area_mm2=1.0)
    (verdict,) = judge([part], ("scratch",), [limit])
    # The top scores as high, and no region there says how large it is.
    assert verdict.outcome is Outcome.REJECT


def test_a_classification_whose_good_parts_lie_in_another_split_is_refused() -> None:
    parts = [*parts_of([0.9], []), *parts_of([0.9], [0.1], "test")]
    with pytest.raises(DataError, match="no good part"):
        choose_limits(parts, LABELS, "classification")


def test_measured_figures_are_what_the_line_would_decide() -> None:
    rng = np.random.default_rng(3)
    val = parts_of(list(rng.beta(5, 2, 50)), list(rng.beta(2, 5, 80)))
    test = parts_of(list(rng.beta(5, 2, 60)), list(rng.beta(2, 5, 90)), "test")
    chosen = choose_limits(val, LABELS, "segmentation")
    point = measure([*val, *test], LABELS, chosen.limits, chosen_on="val")
    recipe = Recipe(product="p", views=(View(camera="camera", mm_per_px=0.1),), limits=chosen.limits)
    passed = [
        decide([Prediction(LABELS, p.scores, p.scores[:, None, None], (), "camera")], recipe).outcome
        is Outcome.PASS
        for p in test
    ]
    escapes = sum(p.is_defective and ok for p, ok in zip(test, passed, strict=True))
    overkills = sum(not p.is_defective and not ok for p, ok in zip(test, passed, strict=True))
    assert (point.defective, point.escapes, point.good, point.overkills) == (60, escapes, 90, overkills)
    assert point.escape_upper == clopper_pearson(escapes, 60).high
    assert (point.chosen_on, point.measured_on) == ("val", "test")


def test_a_tolerated_area_passes_only_where_the_region_was_found() -> None:
    limits = [Limit(label=label, review_score=0.5, reject_score=0.5, max_area_mm2=1.0) for label in LABELS]
    scores = np.array([0.9, 0.0], np.float32)
    small = (Defect("crack", 0.9, (0, 0, 1, 1), 0.4, "camera"),)
    found = JudgedPart("a", GOOD, scores, "test", defects=small)
    unmeasured = JudgedPart("b", GOOD, scores, "test")
    outcomes = [verdict.outcome for verdict in judge([found, unmeasured], LABELS, limits)]
    assert outcomes == [Outcome.PASS, Outcome.REJECT]


def test_a_label_without_a_limit_is_refused() -> None:
    parts = parts_of([0.9], [0.1], "test")
    with pytest.raises(ConfigError, match="no limit for pit"):
        judge(parts, LABELS, [Limit(label="crack", review_score=0.5, reject_score=0.5)])


def test_measuring_where_the_limits_were_chosen_is_refused() -> None:
    parts = parts_of([0.9], [0.1])
    limits = choose_limits(parts, LABELS, "segmentation").limits
    with pytest.raises(DataError, match="another split"):
        measure(parts, LABELS, limits, chosen_on="val", measured_on="val")


def test_measuring_where_the_network_learned_is_refused() -> None:
    parts = parts_of([0.9], [0.1], "train")
    limits = [Limit(label=label, review_score=0.5, reject_score=0.5) for label in LABELS]
    with pytest.raises(DataError, match="learned from train"):
        measure(parts, LABELS, limits, chosen_on="val", measured_on="train")


def test_a_threshold_is_not_rounded_onto_an_observed_score() -> None:
    parts = parts_of([0.50003], [0.5])
    chosen = choose_limits(parts, LABELS, "segmentation")
    assert pair(chosen)[0] > 0.5
    outcomes = [verdict.outcome for verdict in judge(parts, LABELS, chosen.limits)]
    assert outcomes == [Outcome.REJECT, Outcome.PASS]


def test_good_parts_alone_put_the_limit_of_an_anomaly_model_above_them() -> None:
    chosen = choose_limits(parts_of([], [0.1, 0.2, 0.3]), LABELS, "anomaly")
    review, reject = pair(chosen)
    assert review == reject
    # The way from the median up to the highest in the logit, and half of it again.
    odds = 3 / 7 * ((3 / 7) / (1 / 4)) ** 0.5
    assert review == pytest.approx(odds / (1 + odds), abs=5e-5)
    assert "cannot be known from good parts" in chosen.reason


def test_other_tasks_choose_no_limit_without_defective_parts() -> None:
    with pytest.raises(DataError, match="no defective part"):
        choose_limits(parts_of([], [0.1, 0.2]), LABELS, "segmentation")
