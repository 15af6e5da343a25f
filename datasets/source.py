"""Where a labelled data set lies and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from taktsight.datasets.known_labels import known_samples
from taktsight.datasets.readers import Layout, Unlabelled, apply_index, read_samples
from taktsight.datasets.readers.index import LeaveOut, left_out
from taktsight.datasets.samples import GOOD, Sample
from taktsight.datasets.split_lists import apply_lists
from taktsight.defect_book import DefectBook, load_illustrated_book
from taktsight.errors import ConfigError


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
    leave_out: LeaveOut = field(default_factory=dict)
    """Column of the index → the value, or values, whose images are left out, as if they were not there."""
    splits: Path | None = None
    """Lists that ``taktsight data split`` wrote."""
    book: Path | None = None
    """The defect book: other spellings get its names, and a label that it does not know is refused."""

    def read(self) -> list[Sample]:
        """Its samples.

        Raises:
            TaktsightError: At the first thing that is wrong.
        """
        samples = read_samples(
            self.layout,
            self.root,
            self.good,
            annotations=self.annotations,
            unlabelled=self.unlabelled,
            leave_out=self.left_out(),
        )
        if self.index is not None:
            samples = apply_index(samples, self.index, **self.columns, leave_out=self.leave_out)
        if self.splits is not None:
            samples = apply_lists(samples, self.root, self.splits)
        book = self.read_book()
        return samples if book is None or self.book is None else known_samples(samples, book, self.book)

    def left_out(self) -> frozenset[Path]:
        """The images that the index leaves out, every link resolved.

        Raises:
            ConfigError: If there is no index, or nothing in it has such a value.
        """
        if not self.leave_out:
            return frozenset()
        if self.index is None:
            raise ConfigError("what is left out is named by columns of the index; give an index too")
        return left_out(self.index, self.leave_out, self.columns.get("image"))

    def read_book(self) -> DefectBook | None:
        """The defect book, every picture of it opened; None where none is named.

        Raises:
            ConfigError: Listing every mistake in it.
        """
        return None if self.book is None else load_illustrated_book(self.book)
