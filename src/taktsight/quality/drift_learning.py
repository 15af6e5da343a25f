"""From parts of phase I to a frozen reference: which columns can be watched, and from when on each
alarms.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from taktsight.errors import DataError
from taktsight.quality.drift_chain import rank_threshold
from taktsight.quality.drift_events import TIMES, event_threshold
from taktsight.quality.drift_neighbours import Neighbours, learn_neighbours
from taktsight.quality.drift_ranks import block_means, independent_block
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
from taktsight.quality.drift_stream import (
    Channel,
    Floats,
    PartName,
    SeenPart,
    columns_of,
    values_of,
    vector_of,
)
from taktsight.quality.two_samples import kolmogorov_smirnov
from taktsight.records import Outcome

LEAST_VALUES = 50
"""Values, single or of blocks, that a column's reference has at least."""
LEAST_PARTS = 200
FEW_PARTS = 1000
"""With fewer the thresholds pay dearly for what nobody knows of the reference."""
MAX_VALUES = 2000
LEAST_FRAMES = 20
MAX_FRAMES = 100
WINDOW_PARTS = 200
MAX_WINDOW_ROWS = 500
"""Of the reference, that windows are held against."""
MOVED_P = 0.001
"""Two halves of one reference that differ so much are not one reference."""


@dataclass(frozen=True, slots=True)
class KeptFrames:
    """Frames of passed parts of one view, reduced to cells."""

    size_px: tuple[int, int]
    names: Sequence[PartName]
    cells: Floats
    """(F, 768)."""


@dataclass(slots=True)
class _Plan:
    """What is going to be watched; what is not, and why."""

    columns: dict[Channel, tuple[int, Floats]] = field(default_factory=dict)
    """Block, and values of single parts."""
    frames: dict[str, KeptFrames] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    @property
    def scores(self) -> list[Channel]:
        """Labels whose single parts are independent."""
        return [each for each, (block, _) in self.columns.items() if each.kind == "score" and block == 1]


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
    plan = _plan(parts, labels, frames)
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


def _plan(parts: Sequence[SeenPart], labels: Sequence[str], frames: Mapping[str, KeptFrames]) -> _Plan:
    plan = _Plan()
    if len(parts) < FEW_PARTS:
        plan.doubts.append(
            f"{len(parts):,} parts are few: with {FEW_PARTS:,} or more a shift is found much sooner at the "
            "same false alarms"
        )
    for channel, values in columns_of(parts, labels).items():
        why = _unwatchable(values)
        if why:
            plan.left_out.append(f"{channel}: {why}")
            continue
        block = independent_block(values, least=LEAST_VALUES)
        if block is None:
            plan.left_out.append(
                f"{channel}: parts in a row are alike, even block by block, so false alarms cannot be "
                "promised; learn from more parts, of more lots and days"
            )
            continue
        plan.columns[channel] = (block, values)
        means = block_means(values, block)
        half = len(means) // 2
        if kolmogorov_smirnov(means[:half], means[half:]).p < MOVED_P:
            plan.doubts.append(f"{channel}: moved within the reference itself; learn from a steadier time")
    if not any(part.health for part in parts):
        plan.left_out.append(
            "image health: nothing was measured, so a camera's fault and the product's cannot be told "
            "apart; write 'health: {}' into the recipe's views"
        )
    _plan_frames(parts, frames, plan)
    if not plan.columns:
        raise DataError("nothing can be watched: " + "; ".join(plan.left_out))
    return plan


def _unwatchable(values: Floats) -> str:
    if values.size < LEAST_VALUES:
        return f"{values.size} parts have it, {LEAST_VALUES} are wanted"
    if values.min() == values.max():
        return f"it is {values[0]:.4g} on every part, so there is nothing to compare with"
    return ""


def _plan_frames(parts: Sequence[SeenPart], frames: Mapping[str, KeptFrames], plan: _Plan) -> None:
    views = {view for part in parts for view in (*part.scores, *part.health)}
    for view in sorted(views):
        kept = frames.get(view)
        if kept is None or len(kept.cells) < LEAST_FRAMES:
            count = 0 if kept is None else len(kept.cells)
            plan.left_out.append(
                f"dirt and looks of camera {view}: {count} frames of passed parts are kept, {LEAST_FRAMES} "
                "are wanted; records.images.pass_every of the station says how many are kept"
            )
        else:
            plan.frames[view] = kept


def _column(channel: Channel, plan: _Plan, each_parts: float) -> ScoreDetector | None:
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


def _neighbours(parts: Sequence[SeenPart], plan: _Plan, labels: Sequence[str]) -> Neighbours | None:
    channels = tuple(plan.columns)
    vectors = [found for part in parts if (found := vector_of(part, channels, labels)) is not None]
    if len(vectors) < LEAST_PARTS:
        plan.left_out.append(
            f"parts like none before: {len(vectors)} parts have every number, {LEAST_PARTS} are wanted"
        )
        return None
    return learn_neighbours(np.array(vectors), channels)


def _events(
    parts: Sequence[SeenPart], neighbours: Neighbours | None, each_parts: float, plan: _Plan
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
    parts: Sequence[SeenPart], labels: Sequence[str], plan: _Plan, each_parts: float
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


def _frames(view: str, kept: KeptFrames, parts: int, each_parts: float, plan: _Plan) -> FrameTests:
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
