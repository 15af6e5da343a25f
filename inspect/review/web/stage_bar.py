"""Where the time of a part went, as one bar against its deadline."""

from __future__ import annotations

from dataclasses import dataclass

from taktsight.inspect.review.web.part_record import PartRecord


@dataclass(frozen=True, slots=True)
class Piece:
    """A stage of the bar. Places are of 1000."""

    name: str
    """Empty of what no stage accounts for: hand-over, and the way to the gate."""
    ms: float
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class StageBar:
    """The bar."""

    pieces: tuple[Piece, ...]
    deadline_x: float | None
    """None where nobody knows the deadline."""
    cycle_x: float | None


def stage_bar(record: PartRecord) -> StageBar:
    """Of a record; without pieces where no time is known."""
    cycle, deadline = record.row.cycle_ms, record.row.deadline_ms
    staged = sum(stage.ms for stage in record.stages)
    whole = max(staged, cycle or 0.0, deadline or 0.0)
    if whole <= 0:
        return StageBar((), None, None)
    scale, x, pieces = 1000 / whole, 0.0, []
    rest = [("", cycle - staged)] if cycle is not None and cycle > staged else []
    for name, ms in [*((stage.name, stage.ms) for stage in record.stages), *rest]:
        pieces.append(Piece(name, ms, round(x, 1), round(ms * scale, 1)))
        x += ms * scale
    place = None if deadline is None else round(min(deadline * scale, 998.0), 1)
    return StageBar(tuple(pieces), place, None if cycle is None else round(cycle * scale, 1))
