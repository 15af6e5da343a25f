"""From parts of phase I to a frozen reference: detectors of what can be watched, each with its limit."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from taktsight.errors import DataError
from taktsight.quality.drift_chain import rank_threshold
from taktsight.quality.drift_events import TIMES, event_threshold
from taktsight.quality.drift_neighbours import Neighbours, learn_neighbours
from taktsight.quality.drift_plan import FEW_PARTS, LEAST_PARTS, KeptFrames, Plan, plan_of
from taktsight.quality.drift_ranks import block_means
from taktsight.quality.drift_reference import (
    FRAMES_PER_WINDOW,
    MAX_PERMUTATIONS,
    DriftReference,
    EventDetector,
    FrameTests,
    Place,
    ScoreDetector,
    WindowTests,
)
from taktsight.quality.drift_stream import Channel, SeenPart, values_of, vector_of
from taktsight.records import Outcome

MAX_VALUES = 2000
MAX_FRAMES = 100
WINDOW_PARTS = 200
MAX_WINDOW_ROWS = 500
"""Of the reference, that windows are held against."""


def learn(
    parts: Sequence[SeenPart],
    labels: Sequence[str],
    *,
    station: str,
    utc: str,
    arl0_parts: float,
    frames: Mapping[str, KeptFrames],
) -> DriftReference:
    """The reference that these parts are.

    Args:
        parts: of one bundle and recipe, in the order in which they came.
        labels: of the bundle, in the order of the scores.
        station: its name.
        utc: when it is learned.
        arl0_parts: parts from one false alarm to the next, of all detectors together.
        frames: view → kept frames of passed parts among these.

    Raises:
        DataError: If the parts are too few, are not of one bundle and recipe, or nothing can be watched.
    """
    _check(parts, arl0_parts)
    plan = plan_of(parts, labels, frames)
    neighbours = _neighbours(parts, plan, labels)
    windows = len(plan.scores) + len({each.view for each in plan.scores})
    detectors = len(plan.columns) + 1 + bool(neighbours) + windows + 2 * len(plan.frames)
    each_parts = arl0_parts * detectors
    columns = [_column(channel, plan, each_parts) for channel in plan.columns]
    first, last = parts[0].name, parts[-1].name
    return DriftReference(
        learned_utc=utc,
        station=station,
        bundle=parts[0].bundle,
        recipe=parts[0].recipe,
        labels=tuple(labels),
        first=Place(run=first.run, trigger=first.trigger),
        last=Place(run=last.run, trigger=last.trigger),
        parts=len(parts),
        data=hashlib.sha256("".join(part.digest for part in parts).encode()).hexdigest(),
        arl0_parts=arl0_parts,
        detectors=detectors,
        columns=tuple(each for each in columns if each is not None),
        events=_events(parts, neighbours, each_parts, plan),
        neighbours=neighbours,
        windows=_windows(parts, labels, plan, each_parts),
        frames=tuple(
            _frames(view, kept, len(parts), each_parts, plan) for view, kept in plan.frames.items()
        ),
        left_out=tuple(plan.left_out),
        doubts=tuple(plan.doubts),
    )


def _check(parts: Sequence[SeenPart], arl0_parts: float) -> None:
    if len(parts) < LEAST_PARTS:
        raise DataError(
            f"{len(parts)} parts are too few for a reference: {LEAST_PARTS} at least, better {FEW_PARTS:,} "
            "of several lots"
        )
    judged_by = {(part.bundle, part.recipe) for part in parts}
    if len(judged_by) > 1:
        raise DataError(
            f"the parts were judged by {len(judged_by)} bundles or recipes: choose those of one with --run"
        )
    if not (math.isfinite(arl0_parts) and arl0_parts >= 100):
        raise DataError(f"an ARL₀ of {arl0_parts:g} parts is none: 100 parts or more")


def _column(channel: Channel, plan: Plan, each_parts: float) -> ScoreDetector | None:
    block, values = plan.columns[channel]
    means = block_means(values, block)
    means = np.sort(means[_spread(means.size, MAX_VALUES)])
    arl0 = each_parts / block
    try:
        threshold = rank_threshold(means.size, arl0)
    except ValueError as error:
        plan.left_out.append(f"{channel}: {error}")
        return None
    low, median, high = np.quantile(values, (0.16, 0.5, 0.84))
    return ScoreDetector(
        view=channel.view,
        kind=channel.kind,
        name=channel.name,
        block=block,
        values=tuple(means.tolist()),
        median=float(median),
        low=float(low),
        high=float(high),
        h=threshold.h,
        arl0_values=arl0,
        delay_half=threshold.delay(0.5)[0] * block,
        delay_one=threshold.delay(1.0)[0] * block,
    )


def _neighbours(parts: Sequence[SeenPart], plan: Plan, labels: Sequence[str]) -> Neighbours | None:
    channels = tuple(plan.columns)
    vectors = [found for part in parts if (found := vector_of(part, channels, labels)) is not None]
    if len(vectors) < LEAST_PARTS:
        plan.left_out.append(
            f"parts like none before: {len(vectors)} parts have every number, {LEAST_PARTS} are wanted"
        )
        return None
    return learn_neighbours(np.array(vectors), channels)


def _events(
    parts: Sequence[SeenPart], neighbours: Neighbours | None, each_parts: float, plan: Plan
) -> tuple[EventDetector, ...]:
    judged = [part for part in parts if part.scores]
    counted = [("review", sum(part.outcome is Outcome.REVIEW for part in judged), len(judged))]
    if neighbours is not None:
        counted.append(("unlike", neighbours.events, neighbours.parts))
    found = []
    for name, events, count in counted:
        try:
            threshold = event_threshold(events, count, each_parts)
        except ValueError as error:
            plan.left_out.append(f"{name}: {error}")
            continue
        found.append(
            EventDetector(
                name="review" if name == "review" else "unlike",
                events=events,
                parts=count,
                h=threshold.h,
                weight=threshold.weight,
                share=threshold.share,
                arl0_parts=each_parts,
                delay_triple=threshold.delay(TIMES),
            )
        )
    return tuple(found)


def _windows(
    parts: Sequence[SeenPart], labels: Sequence[str], plan: Plan, each_parts: float
) -> WindowTests | None:
    channels = plan.scores
    level = WINDOW_PARTS / each_parts
    if not channels:
        return None
    if level < 1 / MAX_PERMUTATIONS:
        plan.left_out.append(
            f"windows of scores: no test by permutation is as strict as one false alarm in "
            f"{each_parts:,.0f} parts; a shorter ARL₀ would allow them"
        )
        return None
    values = [dict(values_of(part, labels)) for part in parts if part.scores]
    rows = np.array([[each[channel] for each in values] for channel in channels])
    chosen = _spread(rows.shape[1], MAX_WINDOW_ROWS)
    return WindowTests(
        parts=WINDOW_PARTS,
        level=level,
        columns=tuple((each.view, each.name) for each in channels),
        views=tuple(sorted({each.view for each in channels})),
        order=tuple(tuple(row) for row in rows[:, chosen].tolist()),
    )


def _frames(view: str, kept: KeptFrames, parts: int, each_parts: float, plan: Plan) -> FrameTests:
    per_frame = parts / len(kept.cells)
    level = FRAMES_PER_WINDOW * per_frame / each_parts
    if level < 1 / MAX_PERMUTATIONS:
        plan.doubts.append(
            f"dirt and looks of camera {view}: are tested at {1 / MAX_PERMUTATIONS:g}, the strictest that "
            "a test by permutation is; false alarms come sooner than promised"
        )
    chosen = _spread(len(kept.cells), MAX_FRAMES)
    return FrameTests(
        view=view,
        size_px=kept.size_px,
        parts_per_frame=per_frame,
        level=max(min(level, 0.05), 1 / MAX_PERMUTATIONS),
        cells=tuple(tuple(float(f"{value:.5g}") for value in row) for row in kept.cells[chosen].tolist()),
    )


def _spread(count: int, most: int) -> NDArray[np.int64]:
    """Indices of so many at most, evenly spread."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)
