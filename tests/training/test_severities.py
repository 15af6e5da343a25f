"""Escapes by severity: grave ones first, every escaped part by name, every example in the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from taktsight.datasets.samples import GOOD
from taktsight.defect_book import DefectBook
from taktsight.image_files import encode_png
from taktsight.recipe import Limit
from taktsight.training.evaluation.evaluate import evaluate
from taktsight.training.evaluation.figures import Figures
from taktsight.training.evaluation.judged import JudgedPart
from taktsight.training.evaluation.operating_point import ChosenLimits
from taktsight.training.evaluation.report import Subject, read_evaluation, write_report
from taktsight.training.evaluation.severities import by_severity, meanings

LABELS = ("crack", "dent", "stain")


def book(*examples: Path) -> DefectBook:
    severities = {"stain": "minor", "dent": "major", "crack": "critical", "burr": "critical"}
    entries = [
        {"name": name, "description": f"how a {name} looks", "severity": severity, "examples": examples}
        for name, severity in severities.items()
    ]
    return DefectBook.model_validate({"product": "plate", "labels": tuple(entries)})


def figures(*parts: tuple[str, float]) -> Figures:
    """Test parts with a label and the score of every label; from 0.5 on they are rejected."""
    judged = [
        JudgedPart(f"{label}-{number}", label, np.full(3, score, np.float32), "test")
        for number, (label, score) in enumerate(parts)
    ]
    limits = tuple(Limit(label=label, reject_score=0.5, review_score=0.5) for label in LABELS)
    return evaluate(judged, LABELS, "segmentation", ChosenLimits(limits, "val", "fixed"), resamples=10)


def test_escapes_stand_under_their_severity_gravest_first() -> None:
    measured = figures(
        ("crack", 0.9), ("crack", 0.2), ("dent", 0.9), ("stain", 0.3), ("stain", 0.1), (GOOD, 0.1)
    )
    found = [
        (row.severity, row.escape.events, row.escape.parts, row.escaped)
        for row in by_severity(measured, book())
    ]
    assert found == [
        ("critical", 1, 2, ("crack-1",)),
        ("major", 0, 1, ()),
        ("minor", 2, 2, ("stain-4", "stain-3")),
    ]


def test_severity_without_a_test_part_has_no_rate() -> None:
    (critical, *_) = by_severity(figures(("dent", 0.9), (GOOD, 0.1)), book())
    assert (critical.labels, critical.escape.parts, critical.escape.value) == (("crack",), 0, None)


def test_label_that_the_model_does_not_know_is_not_explained() -> None:
    explained = meanings(figures(("dent", 0.9), (GOOD, 0.1)), book())
    assert [meaning.entry.name for meaning in explained] == ["crack", "dent", "stain"]


def test_report_explains_labels_and_names_escapes(tmp_path: Path) -> None:
    example = tmp_path / "example.png"
    example.write_bytes(encode_png(np.full((20, 20, 1), 90, np.uint8)))
    measured = figures(("crack", 0.2), ("dent", 0.9), (GOOD, 0.1))
    subject = Subject(model="m", data="d", date="2026-11-24")
    page = write_report(tmp_path, measured, subject, book=book(example)).read_text(encoding="utf-8")
    assert "<b>critical</b> escapes, lowest score first: crack-0" in page
    assert "how a dent looks" in page
    assert page.count('alt="crack, example 1"') == 1
    severities = read_evaluation(tmp_path / "evaluation.json").by_severity
    assert [row.severity for row in severities] == ["critical", "major", "minor"]
    without = write_report(tmp_path / "other", measured, subject).read_text(encoding="utf-8")
    assert "By severity" not in without
