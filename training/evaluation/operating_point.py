"""Where the limits stand: chosen on one split, measured on another with the line's own decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from taktsight.card import OperatingPoint, Task
from taktsight.datasets.samples import Split
from taktsight.errors import DataError
from taktsight.quality.rates import escape_rate, overkill_rate
from taktsight.recipe import Limit, Recipe, View, check_fit, decide
from taktsight.records import Outcome, Prediction, Verdict
from taktsight.training.evaluation.judged import JudgedPart, is_defective
from taktsight.training.evaluation.thresholds import (
    above_good,
    allowed,
    leaning,
    threshold_above,
    threshold_below,
)

CAMERA = "camera"


@dataclass(frozen=True, slots=True)
class ChosenLimits:
    """Limits, and where they come from."""

    limits: tuple[Limit, ...]
    """One per label."""
    chosen_on: str
    """The split they were chosen on; "a recipe" or the like where they were given."""
    reason: str
    """One sentence for the report."""


def choose_limits(
    parts: Sequence[JudgedPart],
    labels: Sequence[str],
    task: Task,
    *,
    chosen_on: Split = "val",
    target_escape: float = 0.01,
    target_overkill: float = 0.01,
) -> ChosenLimits:
    """One pair of thresholds for all labels, from the part scores of a split.

    ``review_score`` is the highest threshold below which at most ``target_escape`` of the defective
    parts lie: a part passes only below it. ``reject_score`` is the lowest threshold that at most
    ``target_overkill`` of the good parts reach. Where ``reject_score`` is not above ``review_score``
    the classes separate, and one threshold between the two serves as both: there is no review band.
    It stands at a quarter of the way up (``LEAN``): a few dozen defective parts do not show the
    weakest defect to come, and an escape costs more than an overkill.

    Thresholds lie between observed scores, and ways between are measured in the logit: a network in
    another precision or on another backend moves logits by about the same amount everywhere, where
    the plain middle would hug the saturated score. They are rounded to 4 decimals, and to more where
    4 would put a part on the other side.

    An anomaly model may be given good parts only: the one threshold then stands above them
    (:data:`HEADROOM`), and nobody knows how many defective parts lie below it.

    A set in which *no* split has a good part cannot tell good from defective; its
    limits let no part pass and the reason says so.

    Args:
        parts: of all splits; those of ``chosen_on`` are looked at.
        labels: K defect labels.
        task: what the network does.
        chosen_on: the split to choose on.
        target_escape: share of the defective parts that may pass, 0 ≤ target < 1.
        target_overkill: share of the good parts that may be rejected, 0 ≤ target < 1.

    Raises:
        DataError: If the split has no good part, or no defective one and the task is no anomaly.
    """
    if not (0 <= target_escape < 1 and 0 <= target_overkill < 1):
        raise ValueError(f"targets lie in 0 ≤ target < 1, got {target_escape} and {target_overkill}")
    chosen = [part for part in parts if part.split == chosen_on]
    if not chosen:
        raise DataError(f"split {chosen_on} has no parts to choose the thresholds on; split the data again")
    if task != "anomaly" and all(part.is_defective for part in parts):
        return _fixed(labels, task)
    defective = sorted(part.score for part in chosen if part.is_defective)
    good = sorted((part.score for part in chosen if not part.is_defective), reverse=True)
    if task == "anomaly" and good and not defective:
        return _above_good(good, labels, chosen_on, target_overkill)
    for kind, scores in (("defective", defective), ("good", good)):
        if not scores:
            raise DataError(
                f"split {chosen_on} has no {kind} part, so no threshold can be chosen on it; "
                f"move {kind} parts there, whole physical parts at a time, or choose on another split"
            )
    observed = sorted({*defective, *good})
    lowest = defective[allowed(target_escape, len(defective))]
    highest = good[allowed(target_overkill, len(good))]
    review, reject = threshold_below(lowest, observed), threshold_above(highest, observed)
    if reject <= review:
        review = reject = leaning(highest, lowest, observed)
    targets = (target_escape, target_overkill)
    reason = _reason(chosen, chosen_on, review, reject, targets)
    return ChosenLimits(_limits(labels, review, reject, reason), chosen_on, reason)


def _above_good(
    good: Sequence[float], labels: Sequence[str], chosen_on: Split, target_overkill: float
) -> ChosenLimits:
    """One threshold above the scores of good parts, which come highest first."""
    highest, threshold = above_good(good, target_overkill)
    reason = (
        f"Chosen on {chosen_on} ({len(good)} good parts and no defective one): {threshold} lies above them "
        f"(the highest scores {highest:.4f}, target: at most {target_overkill:.1%} above). "
        "How many defective parts lie below it cannot be known from good parts: add some."
    )
    return ChosenLimits(_limits(labels, threshold, threshold, reason), chosen_on, reason)


def judge(
    parts: Sequence[JudgedPart], labels: Sequence[str], limits: Sequence[Limit]
) -> tuple[Verdict, ...]:
    """The verdict of each part, from the same :func:`taktsight.recipe.decide` that runs at the line.

    Raises:
        ConfigError: If a label has no limit, or a limit no label.
    """
    recipe = _recipe(limits, parts)
    # A score whose regions are not known is never tolerated, so area limits are safe for any task.
    check_fit(recipe, labels, located=True)
    return tuple(decide(_predictions(part, labels), recipe) for part in parts)


def held_by(limit: Limit, parts: Sequence[JudgedPart], labels: Sequence[str]) -> int:
    """How many of the parts this limit alone would not let pass."""
    recipe = _recipe([limit], parts)
    verdicts = [decide(_predictions(part, labels), recipe) for part in parts]
    return sum(verdict.outcome is not Outcome.PASS for verdict in verdicts)


def measure(
    parts: Sequence[JudgedPart],
    labels: Sequence[str],
    limits: Sequence[Limit],
    *,
    chosen_on: str,
    measured_on: Split = "test",
) -> OperatingPoint:
    """What the limits do to the parts of a split: escapes and overkills with their bounds.

    Args:
        parts: of all splits; those of ``measured_on`` are judged.
        labels: K defect labels, in the order of the scores.
        limits: one per label.
        chosen_on: where the limits come from.
        measured_on: the split to measure on.

    Raises:
        DataError: If the split has no parts, or is the one that the network learned from or the
            limits were chosen on: the figures would praise them for fitting what they were fitted to.
    """
    measured = parts_to_measure(parts, chosen_on=chosen_on, measured_on=measured_on)
    passed = [verdict.outcome is Outcome.PASS for verdict in judge(measured, labels, limits)]
    escape = escape_rate(is_defective(measured), passed)
    overkill = overkill_rate(is_defective(measured), passed)
    return OperatingPoint(
        chosen_on=chosen_on,
        measured_on=measured_on,
        defective=escape.parts,
        escapes=escape.events,
        escape_upper=escape.high,
        good=overkill.parts,
        overkills=overkill.events,
        overkill_upper=overkill.high,
    )


def parts_to_measure(
    parts: Sequence[JudgedPart], *, chosen_on: str, measured_on: Split
) -> list[JudgedPart]:
    """The parts of ``measured_on``; see :func:`measure` for what is refused."""
    if chosen_on == measured_on:
        raise DataError(f"the thresholds were chosen on {chosen_on}; measure them on another split")
    if measured_on == "train":
        raise DataError("the network learned from train; measure on a split that it has not seen")
    measured = [part for part in parts if part.split == measured_on]
    if not measured:
        raise DataError(f"split {measured_on} has no parts to measure on; split the data again")
    return measured


def _recipe(limits: Sequence[Limit], parts: Sequence[JudgedPart]) -> Recipe:
    names = [view for view, _ in parts[0].view_scores] if parts and parts[0].view_scores else [CAMERA]
    # Areas were measured when the regions were found.
    views = tuple(View(camera=name, mm_per_px=1.0) for name in names)
    return Recipe(product="evaluation", views=views, limits=tuple(limits))


def _predictions(part: JudgedPart, labels: Sequence[str]) -> list[Prediction]:
    """One per view, as the line has them."""
    views = part.view_scores or ((CAMERA, part.scores),)
    return [
        Prediction(
            tuple(labels),
            scores,
            scores[:, np.newaxis, np.newaxis],
            tuple(defect for defect in part.defects if len(views) == 1 or defect.view == view),
            view,
        )
        for view, scores in views
    ]


def _limits(labels: Sequence[str], review: float, reject: float, reason: str) -> tuple[Limit, ...]:
    return tuple(
        Limit(label=label, review_score=review, reject_score=reject, why=reason) for label in labels
    )


def _fixed(labels: Sequence[str], task: Task) -> ChosenLimits:
    # The highest of K + 1 scores that sum to 1 is at least 1 / (K + 1): every part reaches the review band.
    review = 1 / (len(labels) + 1) if task == "classification" else 0.0
    reason = (
        "Fixed, not chosen: the data have no good part in any split, so nobody knows what a good part "
        "scores. No part passes: reject from 0.5, review below. Add good parts before parts may pass."
    )
    return ChosenLimits(_limits(labels, review, 0.5, reason), "no split (fixed)", reason)


def _reason(
    parts: Sequence[JudgedPart], split: str, review: float, reject: float, targets: tuple[float, float]
) -> str:
    defective = [part for part in parts if part.is_defective]
    good = [part for part in parts if not part.is_defective]
    weakest = min(defective, key=lambda part: part.score)
    loudest = max(good, key=lambda part: part.score)
    passing = sum(part.score < review for part in defective)
    rejected = sum(part.score >= reject for part in good)
    start = f"Chosen on {split} ({len(defective)} defective and {len(good)} good parts): "
    below = f"{passing} of {len(defective)} defective parts lie below it (target: at most {targets[0]:.1%})"
    above = f"{rejected} of {len(good)} good parts reach it (target: at most {targets[1]:.1%})"
    extremes = (
        f" The lowest defective part there is {weakest.name} ({weakest.score:.4f}), "
        f"the highest good part {loudest.name} ({loudest.score:.4f})."
    )
    if review == reject:
        return (
            f"{start}one threshold, {review}, separates good from defective, so there is no review "
            f"band; {below}, {above}.{extremes}"
        )
    return (
        f"{start}a part passes below {review}, because {below}; it is rejected from {reject} on, "
        f"because {above}; in between a person decides.{extremes}"
    )
