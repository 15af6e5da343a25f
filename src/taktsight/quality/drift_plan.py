"""What of phase I can be watched, and why the rest cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from taktsight.errors import DataError
from taktsight.quality.drift_ranks import block_means, independent_block
from taktsight.quality.drift_stream import Channel, Floats, PartName, SeenPart, columns_of
from taktsight.quality.two_samples import kolmogorov_smirnov

LEAST_VALUES = 50
"""Values, single or of blocks, that a column's reference has at least."""
LEAST_PARTS = 200
FEW_PARTS = 1000
"""With fewer the thresholds pay dearly for what nobody knows of the reference."""
LEAST_FRAMES = 20
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
class Plan:
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


def plan_of(parts: Sequence[SeenPart], labels: Sequence[str], frames: Mapping[str, KeptFrames]) -> Plan:
    """What these parts and frames allow to be watched.

    Raises:
        DataError: If nothing can be watched.
    """
    plan = Plan()
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


def _plan_frames(parts: Sequence[SeenPart], frames: Mapping[str, KeptFrames], plan: Plan) -> None:
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
