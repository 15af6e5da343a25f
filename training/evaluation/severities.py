"""Escapes by how grave the defect is, and what each label means, from the defect book."""

from __future__ import annotations

from dataclasses import dataclass

from taktsight.defect_book import SEVERITIES, DefectBook, Entry, Severity
from taktsight.image_files import read_image
from taktsight.quality.rates import clopper_pearson
from taktsight.records import Outcome
from taktsight.strict_model import StrictModel
from taktsight.training.evaluation.estimates import Share
from taktsight.training.evaluation.figures import Figures
from taktsight.training.evaluation.pictures import THUMB_PX, colours, data_uri, fitted


class SeverityFigures(StrictModel):
    """All labels of one severity together."""

    severity: Severity
    labels: tuple[str, ...]
    escape: Share
    """Parts of these labels that passed ÷ parts of these labels."""
    escaped: tuple[str, ...]
    """Names of the parts that passed, lowest score first."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """One label as the page explains it."""

    entry: Entry
    pictures: tuple[str, ...]
    """Data URIs of its examples."""


def by_severity(figures: Figures, book: DefectBook) -> tuple[SeverityFigures, ...]:
    """Gravest first; severities that no label of the model has are left out.

    A part counts under its reference label: of several drawn ones the largest.
    """
    found = []
    for severity in SEVERITIES:
        labels = tuple(
            entry.name
            for entry in book.labels
            if entry.severity == severity and entry.name in figures.labels
        )
        parts = [part for part in figures.parts if part.label in labels]
        escaped = sorted(
            (part for part in parts if part.outcome is Outcome.PASS),
            key=lambda part: (part.score, part.name),
        )
        if labels:
            share = Share.of(clopper_pearson(len(escaped), len(parts)))
            names = tuple(part.name for part in escaped)
            found.append(SeverityFigures(severity=severity, labels=labels, escape=share, escaped=names))
    return tuple(found)


def meanings(figures: Figures, book: DefectBook) -> tuple[Meaning, ...]:
    """What the labels of the model mean, gravest first.

    Raises:
        DataError: If an example was removed since the book was opened.
    """
    known = [entry for entry in book.labels if entry.name in figures.labels]
    known.sort(key=lambda entry: (SEVERITIES.index(entry.severity), entry.name))
    return tuple(
        Meaning(
            entry,
            tuple(data_uri(fitted(colours(read_image(path)), THUMB_PX)) for path in entry.examples),
        )
        for entry in known
    )
