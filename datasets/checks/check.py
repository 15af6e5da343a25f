"""Everything that is wrong with a data set, found in one pass over its files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from taktsight.datasets.checks.balance import LabelCount, check_balance, check_crossings, count_labels
from taktsight.datasets.checks.book import check_labels
from taktsight.datasets.checks.copies import check_copies
from taktsight.datasets.checks.drawings import check_regions
from taktsight.datasets.checks.files import blank_images, broken_files, reference_sizes
from taktsight.datasets.checks.findings import MEANINGS, ORDER, Finding, Kind
from taktsight.datasets.checks.look import Looks, Watch, look_at, unwatched
from taktsight.datasets.checks.masks import check_masks, masks_of_good
from taktsight.datasets.checks.outliers import check_outliers
from taktsight.datasets.checks.source import read_source
from taktsight.datasets.samples import Sample
from taktsight.datasets.source import Source


@dataclass(frozen=True, slots=True)
class Checked:
    """A data set and what was found in it."""

    source: Source
    samples: tuple[Sample, ...]
    looks: Looks
    findings: tuple[Finding, ...]
    """Gravest kind first, then by path."""
    labels: tuple[LabelCount, ...]
    split_by: str
    """Who decided which part is in which split."""

    @property
    def faults(self) -> tuple[Finding, ...]:
        """What must be corrected."""
        return tuple(finding for finding in self.findings if finding.severity == "fault")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What is worth a look."""
        return tuple(finding for finding in self.findings if finding.severity == "warning")

    @property
    def counts(self) -> dict[Kind, int]:
        """Findings of each kind that occurs, gravest kind first."""
        return dict(Counter(finding.kind for finding in self.findings))


def check_data(source: Source, watch: Watch = unwatched) -> Checked:
    """Reads the data set, opens every file once and runs every check.

    Raises:
        ConfigError: If the folder, the index, a column or the book is absent, or the book is wrong.
    """
    reading = read_source(source)
    samples = reading.samples
    good_masks = masks_of_good(samples, source)
    pictures = [path for sample in samples for path in (*sample.images, *sample.references) if path]
    masks = [path for sample in samples for path in sample.masks if path]
    looks = look_at(pictures, [*masks, *good_masks.values()], watch)
    findings = [
        *reading.findings,
        *broken_files(looks),
        *blank_images(looks),
        *reference_sizes(samples, looks),
        *check_masks(samples, good_masks, looks),
        *check_regions(samples, looks),
        *check_copies(samples, looks),
        *check_crossings(samples),
        *check_balance(samples),
        *(check_labels(samples, reading.book, source.book) if reading.book and source.book else ()),
        *check_outliers(samples, looks),
    ]
    findings.sort(
        key=lambda finding: (
            ORDER[finding.kind],
            [str(path) for path in finding.paths[:2]],
            finding.message,
        )
    )
    labels = count_labels(samples)
    return Checked(source, samples, looks, tuple(findings), labels, reading.split_by)


def summary(checked: Checked) -> str:
    """One sentence: may this data set be trained with?"""
    faults, warnings = len(checked.faults), len(checked.warnings)
    kinds = len({finding.kind for finding in checked.faults})
    aside = f"{warnings} {'warning' if warnings == 1 else 'warnings'}"
    if not faults:
        return f"No fault, {aside}."
    several = f" of {kinds} kinds" if kinds > 1 else f": {MEANINGS[checked.faults[0].kind].title.lower()}"
    return f"{faults} {'fault' if faults == 1 else 'faults'}{several}, {aside}."
