"""The decision: which part passes, which a person looks at, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from taktsight.errors import ConfigError
from taktsight.recipe import Limit, Recipe, View, check_fit, decide
from taktsight.records import Defect, Outcome, Prediction

LABELS = ("pit", "scratch")


def limit(label: str, **values: Any) -> Limit:
    return Limit.model_validate({"label": label, "review_score": 0.4, "reject_score": 0.8} | values)


def recipe(*cameras: str, pit_mm2: float = 0.0) -> Recipe:
    views = tuple(View(camera=camera, mm_per_px=0.1) for camera in cameras or ("top",))
    return Recipe(
        product="flange", views=views, limits=(limit("pit", max_area_mm2=pit_mm2), limit("scratch"))
    )


def seen(
    *regions: tuple[str, float], pit: float = 0.0, scratch: float = 0.0, view: str = "top"
) -> Prediction:
    """One view: the part scores, and regions as label and mm²."""
    scores = np.array([pit, scratch], np.float32)
    defects = tuple(Defect(label, 0.9, (0, 0, 1, 1), area_mm2, view) for label, area_mm2 in regions)
    return Prediction(LABELS, scores, np.zeros((2, 4, 4), np.float32), defects, view)


def test_part_without_a_defect_passes() -> None:
    assert decide([seen(pit=0.1)], recipe()).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("score", "outcome"),
    [
        (0.0, Outcome.PASS),
        (0.3999, Outcome.PASS),
        (0.5, Outcome.REVIEW),
        (0.7999, Outcome.REVIEW),
        (0.8001, Outcome.REJECT),
        (1.0, Outcome.REJECT),
    ],
)
def test_score_walks_from_pass_over_review_to_reject(score: float, outcome: Outcome) -> None:
    assert decide([seen(("pit", 1.0), pit=score)], recipe()).outcome is outcome


@pytest.mark.parametrize(
    ("score", "outcome"), [(0.25, Outcome.REVIEW), (0.5, Outcome.REJECT)], ids=["at review", "at reject"]
)
def test_score_on_the_limit_has_reached_it(score: float, outcome: Outcome) -> None:
    both = (limit("pit", review_score=0.25, reject_score=0.5), limit("scratch"))
    strict = Recipe(product="flange", views=(View(camera="top", mm_per_px=0.1),), limits=both)
    assert decide([seen(("pit", 1.0), pit=score)], strict).outcome is outcome


def test_regions_within_the_tolerated_area_pass_at_any_score() -> None:
    tolerant = recipe(pit_mm2=0.5)
    assert decide([seen(("pit", 0.5), ("pit", 0.2), pit=1.0)], tolerant).outcome is Outcome.PASS


def test_one_region_above_the_tolerated_area_rejects_and_says_how_large_it_is() -> None:
    verdict = decide([seen(("pit", 0.2), ("pit", 0.8), pit=0.9)], recipe(pit_mm2=0.5))
    assert verdict.outcome is Outcome.REJECT
    assert verdict.reasons == ("pit: 0.80 mm² > 0.50 mm² (score 0.90)",)


def test_large_region_of_an_unsure_network_is_for_a_person() -> None:
    verdict = decide([seen(("pit", 0.8), pit=0.5)], recipe(pit_mm2=0.5))
    assert verdict.outcome is Outcome.REVIEW


def test_area_of_one_label_does_not_excuse_another() -> None:
    verdict = decide([seen(("pit", 0.1), pit=0.9, scratch=0.9)], recipe(pit_mm2=0.5))
    assert verdict.outcome is Outcome.REJECT
    assert verdict.reasons == ("scratch: score 0.90 ≥ 0.80",)


@pytest.mark.parametrize(
    ("limits", "score", "reason"),
    [
        ((0.4, 0.8), 0.9, "pit: score 0.90 ≥ 0.80"),
        ((0.4, 0.8), 0.5, "pit: score 0.50 ≥ 0.40"),
        ((0.4, 0.5), 0.5, "pit: score 0.50 ≥ 0.50"),
        ((0.4, 0.8), 0.8012, "pit: score 0.801 ≥ 0.800"),
        ((0.9, 0.9991), 0.9996, "pit: score 1.000 ≥ 0.999"),
        ((0.0004, 0.004), 0.0042, "pit: score 0.0042 ≥ 0.0040"),
        ((0.0004, 0.004), 0.75, "pit: score 0.750 ≥ 0.004"),
        ((0.0, 0.0), 0.0, "pit: no part may pass while its reject_score is 0 (score 0.00)"),
        ((0.0, 0.8), 0.3, "pit: no part may pass while its review_score is 0 (score 0.30)"),
    ],
)
def test_reason_says_by_how_much_a_limit_is_reached_or_that_nothing_may_pass(
    limits: tuple[float, float], score: float, reason: str
) -> None:
    review, reject = limits
    both = (limit("pit", review_score=review, reject_score=reject), limit("scratch"))
    strict = Recipe(product="flange", views=(View(camera="top", mm_per_px=0.1),), limits=both)
    assert decide([seen(("pit", 1.0), pit=score)], strict).reasons == (reason,)


def test_area_that_is_hardly_too_large_is_told_apart_from_the_limit() -> None:
    verdict = decide([seen(("pit", 0.0043), pit=0.9)], recipe(pit_mm2=0.004))
    assert verdict.reasons == ("pit: 0.0043 mm² > 0.0040 mm² (score 0.90)",)


@pytest.mark.parametrize(("score", "outcome"), [(0.9, Outcome.REJECT), (0.5, Outcome.REVIEW)])
def test_high_score_without_a_region_is_never_tolerated(score: float, outcome: Outcome) -> None:
    assert decide([seen(pit=score)], recipe(pit_mm2=1e6)).outcome is outcome


def test_limit_of_zero_tolerates_not_even_one_pixel() -> None:
    assert decide([seen(("pit", 1e-9), pit=0.9)], recipe(pit_mm2=0.0)).outcome is Outcome.REJECT


def test_worst_label_decides_and_every_label_is_named() -> None:
    verdict = decide([seen(("pit", 1.0), pit=0.5, scratch=0.9)], recipe())
    assert verdict.outcome is Outcome.REJECT
    assert [reason.split(":")[0] for reason in verdict.reasons] == ["scratch", "pit"]


def test_broken_network_gives_no_prediction_to_decide_on() -> None:
    with pytest.raises(ValueError, match="output is broken"):
        seen(pit=float("nan"))


def test_defect_in_either_view_rejects_the_part() -> None:
    both = recipe("top", "side")
    good, bad = seen(view="top"), seen(("pit", 1.0), pit=0.9, view="side")
    assert decide([good, bad], both).outcome is Outcome.REJECT
    assert decide([bad, good], both).outcome is Outcome.REJECT


def test_part_passes_when_every_view_is_good() -> None:
    assert decide([seen(view="side"), seen(view="top")], recipe("top", "side")).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "views",
    [
        (),
        ("top",),
        ("top", "top"),
        ("top", "side", "side"),
        ("top", "side", "rear"),
        ("top", "rear"),
        ("", ""),
    ],
)
def test_view_that_nobody_judged_leaves_the_part_uninspected(views: tuple[str, ...]) -> None:
    verdict = decide([seen(view=view) for view in views], recipe("top", "side"))
    assert verdict.outcome is Outcome.UNINSPECTED
    assert "['top', 'side'] is wanted" in verdict.reasons[0]


def test_missing_view_is_uninspected_even_where_the_other_view_is_defective() -> None:
    verdict = decide([seen(("pit", 1.0), pit=0.9, view="top")], recipe("top", "side"))
    assert verdict.outcome is Outcome.UNINSPECTED


def test_recipe_that_limits_every_label_fits() -> None:
    check_fit(recipe(pit_mm2=0.5), LABELS, located=True)


@pytest.mark.parametrize(
    ("labels", "located", "mistake"),
    [
        (("pit",), True, "no label scratch"),
        (("pit", "scratch", "crack"), True, "no limit for crack"),
        (LABELS, False, "a classifier measures no area"),
    ],
)
def test_recipe_for_another_bundle_does_not_fit(
    labels: tuple[str, ...], located: bool, mistake: str
) -> None:
    with pytest.raises(ConfigError, match=mistake):
        check_fit(recipe(pit_mm2=0.5), labels, located=located)


def test_recipe_looks_from_as_many_sides_as_the_bundle_was_measured_on_or_more() -> None:
    for cameras in (("top", "side"), ("top", "side", "rear")):
        check_fit(recipe(*cameras), LABELS, located=True, views=2)
    with pytest.raises(ConfigError, match="seen from 2 views, and the recipe has 1: give it one for each"):
        check_fit(recipe("top"), LABELS, located=True, views=2)


def test_all_misfits_are_told_at_once() -> None:
    with pytest.raises(ConfigError, match=r"flange.*no label scratch.*no limit for crack.*no area"):
        check_fit(recipe(pit_mm2=0.5), ("pit", "crack"), located=False)


@pytest.mark.parametrize("roi", [(4, 0, 4, 4), (0, 4, 4, 4), (-1, 0, 4, 4), (0, -1, 4, 4), (5, 0, 4, 4)])
def test_region_without_a_pixel_is_refused(roi: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValidationError, match="holds no pixel"):
        View(mm_per_px=0.1, roi_px=roi)


@pytest.mark.parametrize("mm_per_px", [0, -0.1, float("nan"), float("inf")])
def test_calibration_is_a_length(mm_per_px: float) -> None:
    with pytest.raises(ValidationError):
        View(mm_per_px=mm_per_px)


@pytest.mark.parametrize(
    "values",
    [
        {"reject_score": 0.3},
        {"reject_score": 1.1},
        {"review_score": -0.1},
        {"map_score": 0.0},
        {"max_area_mm2": -1.0},
        {"max_area_mm2": float("inf")},
        {"max_area_mm2": float("nan")},
    ],
)
def test_limit_that_limits_nothing_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        limit("pit", **values)


def test_label_or_camera_that_stands_twice_is_refused() -> None:
    top = View(camera="top", mm_per_px=0.1)
    with pytest.raises(ValidationError, match="camera top stands twice"):
        Recipe(product="flange", views=(top, top), limits=(limit("pit"),))
    with pytest.raises(ValidationError, match="label pit stands twice"):
        Recipe(product="flange", views=(top,), limits=(limit("pit"), limit("pit")))


def test_digest_follows_the_limits() -> None:
    assert recipe().digest == recipe().digest
    assert recipe().digest != recipe(pit_mm2=0.5).digest


def compared(reference: str | None, digest: str | None = None) -> Recipe:
    view = View(mm_per_px=0.1, reference=Path(reference) if reference else None, reference_sha256=digest)
    return Recipe(product="board", views=(view,), limits=(limit("pit"),))


def test_bundle_that_compares_wants_a_template_in_each_view_and_no_other_bundle_does() -> None:
    check_fit(compared("golden.png"), ("pit",), located=True, paired=True)
    with pytest.raises(ConfigError, match="views camera name none: give each view 'reference: template"):
        check_fit(compared(None), ("pit",), located=True, paired=True)
    with pytest.raises(ConfigError, match="a view names a reference, and the bundle compares with none"):
        check_fit(compared("golden.png"), ("pit",), located=True)


def test_digest_of_a_recipe_is_about_the_templates_content_not_its_place() -> None:
    one, other = "1" * 64, "2" * 64
    assert compared("a/golden.png", one).digest == compared("b/golden.png", one).digest
    assert compared("a/golden.png", one).digest != compared("a/golden.png", other).digest


def test_digest_without_a_template_is_a_mistake() -> None:
    with pytest.raises(ValidationError, match="reference_sha256 is that of a reference, and there is none"):
        compared(None, "1" * 64)
