"""What moving all limits together would do: escapes against overkill, with exact bounds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import expit, logit

from taktsight.quality.agreement import Share
from taktsight.quality.parts import Floats, Parts
from taktsight.quality.rates import Rate, clopper_pearson
from taktsight.recipe import Limit
from taktsight.strict_model import StrictModel

END = 1e-4
"""Scores nearer to 0 or 1 are drawn there."""
BARS = 46
STEPS = 60


class TradePoint(StrictModel):
    """All review limits moved by so much, in the logit of the score."""

    shift: float
    """0 is where the limits stand; above 0 they are looser."""
    escape: Share
    overkill: Share


class LabelScores(StrictModel):
    """How many parts got which score of one label."""

    label: str
    edges: tuple[float, ...]
    """Scores between the bars; the outermost bars hold all beyond."""
    with_label: tuple[int, ...]
    good: tuple[int, ...]
    review_score: float
    reject_score: float


def trade_off(parts: Parts, limits: Mapping[str, Limit], confidence: float) -> tuple[TradePoint, ...]:
    """The curve, from strict limits to loose ones; the operating point has shift 0.

    Args:
        parts: with scores of every label; one row each.
        limits: by label.
        confidence: two-sided coverage of every interval, of each point by itself.
    """
    edges = np.array([limits[label].review_score for label in parts.labels])
    margins = (_logit(parts.scores) - _logit(edges)).max(axis=1)
    bad, good = np.sort(margins[parts.is_defective]), np.sort(margins[~parts.is_defective])
    points, seen = [], set()
    for shift in _shifts(margins):
        escapes, overkills = int(np.searchsorted(bad, shift)), int(good.size - np.searchsorted(good, shift))
        if (escapes, overkills) in seen and shift != 0:
            continue
        seen.add((escapes, overkills))
        points.append(
            TradePoint(
                shift=shift,
                escape=share_of(clopper_pearson(escapes, bad.size, confidence)),
                overkill=share_of(clopper_pearson(overkills, good.size, confidence)),
            )
        )
    return tuple(points)


def label_scores(parts: Parts, limits: Mapping[str, Limit]) -> tuple[LabelScores, ...]:
    """A histogram for each label: the parts that have it, and the good ones."""
    edges = np.linspace(logit(END), logit(1 - END), BARS + 1)
    scores = np.clip(_logit(parts.scores), edges[0], edges[-1])
    found = []
    for place, label in enumerate(parts.labels):
        counts = [
            np.histogram(scores[rows, place], edges)[0] for rows in (parts.has(label), ~parts.is_defective)
        ]
        found.append(
            LabelScores(
                label=label,
                edges=tuple(np.round(expit(edges), 6).tolist()),
                with_label=tuple(counts[0].tolist()),
                good=tuple(counts[1].tolist()),
                review_score=limits[label].review_score,
                reject_score=limits[label].reject_score,
            )
        )
    return tuple(found)


def share_of(rate: Rate) -> Share:
    """A rate as JSON has it."""
    return Share(
        events=rate.events,
        of=rate.parts,
        value=rate.value if rate.parts else None,
        low=rate.low,
        high=rate.high,
    )


def _shifts(margins: Floats) -> list[float]:
    """Between the parts that change sides: shares of all margins, and 0."""
    inner = np.quantile(margins, np.linspace(0, 1, STEPS), method="lower")
    near = margins[np.argsort(np.abs(margins), kind="stable")[:STEPS]]
    steps = np.unique(np.round(np.concatenate([inner, near, [margins.max() + 0.1]]), 4))
    return sorted({0.0, *steps.tolist()})


def _logit(scores: Floats) -> Floats:
    return np.asarray(logit(np.clip(scores, END, 1 - END)))
