"""Where a labelled data set lies and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from taktsight.datasets.readers import Layout, Unlabelled, apply_index, read_samples
from taktsight.datasets.samples import GOOD, Sample


@dataclass(frozen=True, slots=True)
class Source:
    """What its folders and columns mean."""

    root: Path
    layout: Layout
    good: str = GOOD
    annotations: Path | None = None
    """Where they lie elsewhere than the layout says."""
    unlabelled: Unlabelled = "refuse"
    index: Path | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)
    """image, part, lot, camera, view, reference, split → its column in the index, or None."""

    def read(self) -> list[Sample]:
        """Its samples.

        Raises:
            TaktsightError: At the first thing that is wrong.
        """
        samples = read_samples(
            self.layout, self.root, self.good, annotations=self.annotations, unlabelled=self.unlabelled
        )
        return samples if self.index is None else apply_index(samples, self.index, **self.columns)
