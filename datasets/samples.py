"""The labelled part, as every reader gives it and every split, cache and metric takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from taktsight.datasets.regions import Region

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)

GOOD = "good"
"""The label of a part without a defect. It is not a defect label: K does not count it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled part."""

    images: tuple[Path, ...]
    """One file per view, every part's in the same order."""
    label: str
    """A defect label, or ``GOOD``. Of several drawn labels the one with the largest area."""
    masks: tuple[Path | None, ...] = ()
    """One per view: pixels above 127 are the defect. None where the pixels are not known, which is
    not the same as a mask that is empty. Without masks at all: ``()``."""
    regions: tuple[tuple[Region, ...] | None, ...] = ()
    """One per view, where defects were drawn instead of masked; several labels may lie on one part.
    None where a view was not looked at. Without drawings at all: ``()``."""
    references: tuple[Path | None, ...] = ()
    """One per view: the golden template, an image of the same place on a good part. Without: ``()``."""
    views: tuple[str, ...] = ()
    """What the views are called; ``()`` where there is one and nobody named it."""
    view_labels: tuple[str, ...] = ()
    """One per view: what can be seen there; ``()`` where there is one view, which shows ``label``."""
    part: str = ""
    """The physical piece: two exposures of it never lie in two splits."""
    lot: str = ""
    """The production lot, where it is known."""
    camera: str = ""
    time: str = ""
    """When it was looked at, where it is known: texts that sort as time does, such as ISO 8601."""
    split: Split | None = None

    @property
    def is_defective(self) -> bool:
        """Whether the part must not pass."""
        return self.label != GOOD

    @property
    def labels(self) -> tuple[str, ...]:
        """Every defect label on the part, sorted."""
        drawn = {region.label for regions in self.regions for region in regions or ()}
        return tuple(sorted((drawn | {self.label, *self.view_labels}) - {GOOD}))

    def each_view(self) -> tuple[Sample, ...]:
        """Every view as a sample of its own, labelled with what can be seen in it."""
        if len(self.images) == 1:
            return (self,)
        labels = self.view_labels or (self.label,) * len(self.images)
        return tuple(
            replace(
                self,
                images=(image,),
                label=labels[view],
                masks=self.masks[view : view + 1],
                regions=self.regions[view : view + 1],
                references=self.references[view : view + 1],
                views=self.views[view : view + 1],
                view_labels=(),
            )
            for view, image in enumerate(self.images)
        )

    @property
    def name(self) -> str:
        """Short name for messages and reports."""
        return self.images[0].name


def defect_labels(samples: Sequence[Sample]) -> tuple[str, ...]:
    """The K defect labels, sorted: the order of masks, maps and scores everywhere."""
    return tuple(sorted({label for sample in samples for label in sample.labels}))
