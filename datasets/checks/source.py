"""A data set read as training reads it, except that nothing stops at the first fault."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from taktsight.datasets.checks.decoding import open_file
from taktsight.datasets.checks.findings import Finding
from taktsight.datasets.readers import apply_index, read_samples
from taktsight.datasets.readers.faults import Fault
from taktsight.datasets.samples import GOOD, Sample
from taktsight.datasets.source import Source
from taktsight.datasets.splits import split_samples
from taktsight.errors import DataError

SplitBy = Literal["the data set", "the index", "taktsight, 60 : 20 : 20, seed 0", "nobody"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read, and what could not."""

    samples: tuple[Sample, ...]
    findings: tuple[Finding, ...]
    split_by: SplitBy


def read_source(source: Source) -> Reading:
    """Every sample that can be read, with its split.

    Raises:
        ConfigError: If the folder, the annotations, the index or a column is absent.
    """
    faults: list[Fault] = []
    try:
        samples = read_samples(
            source.layout,
            source.root,
            source.good,
            annotations=source.annotations,
            unlabelled=source.unlabelled,
            on_fault=faults.append,
        )
    except DataError as error:
        samples, unread = [], [Finding("reader", (source.root,), _below(error, source.root))]
    else:
        unread = []
    findings = [_finding(fault) for fault in faults] + unread
    if source.index is not None and samples:
        samples, wrong = _indexed(samples, source.index, source.columns)
        findings += wrong
    samples, split_by, refused = _split(samples, source)
    return Reading(tuple(samples), (*findings, *refused), split_by)


def _finding(fault: Fault) -> Finding:
    """A reader's fault; of an image that it could not read, what is really wrong with the file."""
    opened = open_file(fault.path) if fault.kind == "image" else None
    return opened if isinstance(opened, Finding) else Finding(fault.kind, (fault.path,), fault.message)


def _indexed(
    samples: list[Sample], index: Path, columns: Mapping[str, str | None]
) -> tuple[list[Sample], list[Finding]]:
    """The samples with what the index says of them; those it does not name stay as they are."""
    try:
        return apply_index(samples, index, **columns), []
    except DataError as error:
        first = error
    named = [(index.parent / row).resolve() for row in _image_column(index, columns.get("image"))]
    known = {sample.images[0].resolve() for sample in samples}
    listed = [sample for sample in samples if sample.images[0].resolve() in set(named)]
    unlisted = [sample for sample in samples if sample.images[0].resolve() not in set(named)]
    # An image that the reader left out has its own finding; its row is not wrong.
    left_out = [Sample((path,), GOOD) for path in named if path not in known]
    findings = [
        Finding("index", (sample.images[0],), f"has no row in {index}; add one") for sample in unlisted
    ] + [
        Finding("index", (sample.images[0],), f"is named in {index} and is not there; delete its row")
        for sample in left_out
        if not sample.images[0].is_file()
    ]
    try:
        # One by one: what is left out may be a view of a part that is not.
        indexed = apply_index(listed + left_out, index, **{**columns, "view": None})
    except DataError as error:
        advice = "parts, lots, cameras and splits are not checked until the index is right"
        return samples, [*findings, Finding("index", (index,), f"{_below(error, index)}; {advice}")]
    if not findings and not left_out:
        findings = [Finding("index", (index,), _below(first, index))]
    return indexed[: len(listed)] + unlisted, findings


def _image_column(index: Path, image: str | None) -> list[str]:
    with index.open(newline="", encoding="utf-8-sig") as file:
        return [path for row in csv.DictReader(file) if (path := row[image or "image"])]


def _split(samples: list[Sample], source: Source) -> tuple[list[Sample], SplitBy, list[Finding]]:
    """The samples with the split that training would use."""
    if source.columns.get("split"):
        return samples, "the index", []
    if samples and all(sample.split for sample in samples):
        return samples, "the data set", []
    if not samples:
        return samples, "nobody", []
    try:
        return split_samples(samples), "taktsight, 60 : 20 : 20, seed 0", []
    except DataError as error:
        return samples, "nobody", [Finding("untrainable", (), str(error))]


def _below(error: DataError, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ")
