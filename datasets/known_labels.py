"""Labels as the defect book knows them: other spellings renamed, unknown ones found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from taktsight.datasets.regions import Region, main_label
from taktsight.datasets.samples import GOOD, Sample
from taktsight.defect_book import DefectBook
from taktsight.errors import ConfigError, DataError


def known_samples(samples: Sequence[Sample], book: DefectBook, file: Path) -> list[Sample]:
    """The samples with the book's names.

    Args:
        samples: as read.
        book: what labels there are.
        file: where the book lies, for the message.

    Raises:
        ConfigError: If the book describes good parts as a defect.
        DataError: Naming every label that the book does not know, and what to do.
    """
    renamed_samples = renamed(samples, book)
    unknown = unknown_labels(renamed_samples, book)
    if unknown:
        said = "; ".join(
            f"{label!r} on {images[0].name}{_more(images)}{nearest(label, book)}"
            for label, images in unknown.items()
        )
        raise DataError(
            f"{file}: the book does not know {said}. Add the label to the book, or its name to the aliases "
            "of the label that it means"
        )
    return renamed_samples


def renamed(samples: Sequence[Sample], book: DefectBook) -> list[Sample]:
    """Aliases become the label that they mean; what the book does not know stays as it is.

    Raises:
        ConfigError: If the book describes good parts as a defect.
    """
    if book.find(GOOD):
        raise ConfigError(
            f"the book of {book.product!r} has the label {GOOD!r}, which is what good parts are called; "
            "remove it, or call that defect otherwise"
        )
    return [_renamed(sample, book) for sample in samples]


def unknown_labels(samples: Sequence[Sample], book: DefectBook) -> dict[str, list[Path]]:
    """Each label that the book does not know, with the images that carry it."""
    images: dict[str, list[Path]] = defaultdict(list)
    for sample in samples:
        for label in sample.labels:
            if book.find(label) is None:
                images[label].append(sample.images[0])
    return dict(sorted(images.items()))


def nearest(label: str, book: DefectBook) -> str:
    """A question about the label that may be meant; nothing where none is like it."""
    by_fold = {entry.name.casefold(): entry.name for entry in book.labels}
    close = get_close_matches(label.strip().casefold(), by_fold, n=1)
    return f" (is it {by_fold[close[0]]!r}?)" if close else ""


def _more(images: Sequence[Path]) -> str:
    return f" and {len(images) - 1} more" if len(images) > 1 else ""


def _renamed(sample: Sample, book: DefectBook) -> Sample:
    drawn = tuple(
        regions and tuple(Region(_name(region.label, book), region.shape) for region in regions)
        for regions in sample.regions
    )
    every = [region for regions in drawn for region in regions or ()]
    of_views = zip(sample.view_labels, drawn or [None] * len(sample.view_labels), strict=False)
    return replace(
        sample,
        label=_label(sample.label, every, book),
        regions=drawn,
        view_labels=tuple(_label(said, regions or (), book) for said, regions in of_views),
    )


def _label(said: str, drawn: Sequence[Region], book: DefectBook) -> str:
    """Two spellings of one label may together be the largest that was drawn."""
    return main_label(drawn) if drawn else said if said == GOOD else _name(said, book)


def _name(said: str, book: DefectBook) -> str:
    entry = book.find(said)
    return entry.name if entry else said
