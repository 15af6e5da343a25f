"""Reviewed parts as labelled samples: what people marked is where the defect is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from taktsight.datasets.readers.run_strings import run_counts
from taktsight.datasets.regions import Rectangle, Region, RunLengths, area_px, main_label
from taktsight.datasets.samples import GOOD, Sample
from taktsight.errors import DataError
from taktsight.export.reviewed.frames import ReviewedFrame, image_name
from taktsight.export.reviewed.settled import LeftOutWhy, Settled
from taktsight.inspect.recorded import RecordedPart
from taktsight.inspect.review.store.values import Mark


@dataclass(frozen=True, slots=True)
class ReviewedPart:
    """A part that enters a version."""

    settled: Settled
    recorded: RecordedPart
    frames: tuple[ReviewedFrame, ...]
    lot: str

    @property
    def piece(self) -> str:
        """The physical part: its serial where it has one, so that no split cuts it."""
        return self.recorded.serial or str(self.settled.part)

    @property
    def camera(self) -> str:
        """The station, and its camera where it has one: views of a part must say the same."""
        said = [self.recorded.station, *(frame.view for frame in self.frames[:1] if len(self.frames) == 1)]
        return "/".join(filter(None, said))


def samples_of(part: ReviewedPart) -> list[tuple[Sample, Path]] | LeftOutWhy:
    """A sample for each view, with what the version calls its image; or why there is none.

    A defect that nobody marked has a label and no place. Of several views a person who marks one says that
    the others show nothing.

    Raises:
        DataError: If a mark lies on no view of the part, or not within its frame.
    """
    _check_views(part)
    if part.settled.truth != GOOD and not part.settled.marks and len(part.frames) > 1:
        return "place_unknown"
    return [(_sample(part, frame), image_name(part.recorded, frame.view)) for frame in part.frames]


def _sample(part: ReviewedPart, frame: ReviewedFrame) -> Sample:
    marks = [mark for mark in part.settled.marks if mark.view == frame.view]
    regions = tuple(_region(part, mark, frame) for mark in marks)
    label = main_label(regions) if regions else GOOD if part.settled.marks else part.settled.truth
    return Sample(
        (frame.file,),
        label,
        regions=(regions,) if regions or label == GOOD else (),
        views=(frame.view,),
        part=part.piece,
        lot=part.lot,
        camera=part.camera,
        time=part.recorded.utc,
    )


def _region(part: ReviewedPart, mark: Mark, frame: ReviewedFrame) -> Region:
    x0, y0, x1, y1 = mark.box_px
    said = f"decision {part.settled.decision.id} on part {part.settled.part}, view {mark.view}"
    if x1 > frame.width or y1 > frame.height:
        raise DataError(
            f"{said}: the box {list(mark.box_px)} leaves the frame of {frame.width}×{frame.height} pixels"
        )
    if mark.brush_rle is None:
        return Region(mark.label, Rectangle(x0, y0, x1, y1))
    try:
        runs = RunLengths(frame.height, frame.width, tuple(run_counts(mark.brush_rle)))
    except (DataError, ValueError) as error:
        raise DataError(f"{said}: its brush cannot be read: {error}") from error
    if not area_px(runs):
        raise DataError(f"{said}: its brush covers no pixel")
    return Region(mark.label, runs)


def _check_views(part: ReviewedPart) -> None:
    views: Sequence[str] = [frame.view for frame in part.frames]
    for mark in part.settled.marks:
        if mark.view not in views:
            raise DataError(
                f"decision {part.settled.decision.id} on part {part.settled.part}: marks the view "
                f"{mark.view!r}, and the part has {', '.join(views)}"
            )
