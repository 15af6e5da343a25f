"""Labels of the data set against the defect book."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from taktsight.datasets.checks.findings import Finding
from taktsight.datasets.known_labels import nearest, unknown_labels
from taktsight.datasets.samples import Sample
from taktsight.defect_book import DefectBook


def check_labels(samples: Sequence[Sample], book: DefectBook, file: Path) -> list[Finding]:
    """Labels that the book lacks, and labels of the book that nothing shows.

    Args:
        samples: with the book's names.
        book: what labels there are.
        file: where the book lies.
    """
    findings = [
        Finding(
            "unknown label",
            tuple(images),
            f"is labelled {label!r} ({len(images)} such images), and {file} does not know it"
            f"{nearest(label, book)}; add the label to the book, or its name to the aliases of another",
        )
        for label, images in unknown_labels(samples, book).items()
    ]
    shown = {label for sample in samples for label in sample.labels}
    return findings + [
        Finding(
            "unused label",
            (),
            f"label {entry.name!r} ({entry.severity}) is in {file} and on no part: nothing could learn it",
        )
        for entry in book.labels
        if entry.name not in shown
    ]
