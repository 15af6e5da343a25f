"""A data set read as training reads it, except that nothing stops at the first fault."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from taktsight.datasets.checks.decoding import open_file
from taktsight.datasets.checks.findings import Finding
from taktsight.datasets.known_labels import renamed
from taktsight.datasets.readers import apply_index, read_samples
from taktsight.datasets.readers.faults import Fault
from taktsight.datasets.readers.index import LeaveOut, left_out
from taktsight.datasets.samples import GOOD, Sample
from taktsight.datasets.source import Source
from taktsight.datasets.split_lists import read_lists
from taktsight.datasets.splits import split_samples, with_val
from taktsight.defect_book import DefectBook
from taktsight.errors import DataError


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read, and what could not."""

    samples: tuple[Sample, ...]
    findings: tuple[Finding, ...]
    split_by: str
    book: DefectBook | None
    """Whose names the samples have."""


def read_source(source: Source) -> Reading:
    """Every sample that can be read, with its split.

    Raises:
        ConfigError: If the folder, the annotations, the index, a column or the book is absent, or the
            book is wrong.
    """
    book = source.read_book()
    faults: list[Fault] = []
    try:
        samples = read_samples(
            source.layout,
            source.root,
            source.good,
            annotations=source.annotations,
            unlabelled=source.unlabelled,
            leave_out=source.left_out(),
            on_fault=faults.append,
        )
    except DataError as error:
        samples, unread = [], [Finding("reader", (source.root,), _below(error, source.root))]
    else:
        unread = []
    findings = [_finding(fault) for fault in faults] + unread
    if source.index is not None and samples:
        samples, wrong = _indexed(samples, source.index, source.columns, source.leave_out)
        findings += wrong
    if source.splits is not None and samples:
        samples, wrong = _listed(samples, source.root, source.splits)
        findings += wrong
    if book:
        samples = renamed(samples, book)
    samples, split_by, refused = _split(samples, source)
    return Reading(tuple(samples), (*findings, *refused), split_by, book)


def _finding(fault: Fault) -> Finding:
    """A reader's fault; of an image that it could not read, what is really wrong with the file."""
    opened = open_file(fault.path) if fault.kind == "image" else None
    return opened if isinstance(opened, Finding) else Finding(fault.kind, (fault.path,), fault.message)


def _indexed(
    samples: list[Sample], index: Path, columns: Mapping[str, str | None], leave_out: LeaveOut
) -> tuple[list[Sample], list[Finding]]:
    """The samples with what the index says of them; those it does not name stay as they are."""
    try:
        return apply_index(samples, index, **columns, leave_out=leave_out), []
    except DataError as error:
        first = error
    dropped = left_out(index, leave_out, columns.get("image")) if leave_out else frozenset()
    named = [(index.parent / row).resolve() for row in _image_column(index, columns.get("image"))]
    named = [path for path in named if path not in dropped]
    known = {sample.images[0].resolve() for sample in samples}
    listed = [sample for sample in samples if sample.images[0].resolve() in set(named)]
    unlisted = [sample for sample in samples if sample.images[0].resolve() not in set(named)]
    # An image that the reader left out has its own finding; its row is not wrong.
    unread = [Sample((path,), GOOD) for path in named if path not in known]
    findings = [
        Finding("index", (sample.images[0],), f"has no row in {index}; add one") for sample in unlisted
    ] + [
        Finding("index", (sample.images[0],), f"is named in {index} and is not there; delete its row")
        for sample in unread
        if not sample.images[0].is_file()
    ]
    try:
        # One by one: what is left out may be a view of a part that is not.
        alone = {**columns, "view": None}
        indexed = apply_index(listed + unread, index, **alone, leave_out=leave_out)
    except DataError as error:
        advice = "parts, lots, cameras and splits are not checked until the index is right"
        return samples, [*findings, Finding("index", (index,), f"{_below(error, index)}; {advice}")]
    if not findings and not unread:
        findings = [Finding("index", (index,), _below(first, index))]
    return indexed[: len(listed)] + unlisted, findings


def _image_column(index: Path, image: str | None) -> list[str]:
    with index.open(newline="", encoding="utf-8-sig") as file:
        return [path for row in csv.DictReader(file) if (path := row[image or "image"])]


def _listed(samples: list[Sample], root: Path, folder: Path) -> tuple[list[Sample], list[Finding]]:
    """The samples with the splits of the lists; those that no list names have none."""
    try:
        home = read_lists(folder)
    except DataError as error:
        return samples, [Finding("index", (folder,), _below(error, folder))]
    names = [sample.images[0].relative_to(root).as_posix() for sample in samples]
    findings = [
        Finding("index", (sample.images[0],), f"is in no list of {folder}; split anew into another folder")
        for sample, name in zip(samples, names, strict=True)
        if name not in home
    ]
    findings += [  # an image that is there and that the reader left out has its own finding
        Finding("index", (root / name,), f"is in a list of {folder} and is not there; restore it")
        for name in sorted(set(home) - set(names))
        if not (root / name).is_file()
    ]
    listed = [replace(sample, split=home.get(name)) for sample, name in zip(samples, names, strict=True)]
    return listed, findings


def _split(samples: list[Sample], source: Source) -> tuple[list[Sample], str, list[Finding]]:
    """The samples with the split that training would use, and who says so."""
    if not samples:
        return samples, "nobody", []
    said = source.splits is not None or source.columns.get("split") or all(each.split for each in samples)
    try:
        if not said:
            return split_samples(samples), "taktsight, 60 : 20 : 20, seed 0", []
        divided = with_val(samples)
    except DataError as error:
        return samples, "nobody", [Finding("untrainable", (), str(error))]
    return divided, _who_says(source) + (", val a fifth of train" if divided != samples else ""), []


def _who_says(source: Source) -> str:
    if source.splits is not None:
        return "the lists"
    return "the index" if source.columns.get("split") else "the data set"


def _below(error: DataError, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ")
