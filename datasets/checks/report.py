"""What was found, as one HTML file for people and one JSON file for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from taktsight.datasets.checks.check import Checked, summary
from taktsight.datasets.checks.findings import MEANINGS, Finding, Kind, Meaning, Severity
from taktsight.datasets.checks.pictures import Gallery, Picture
from taktsight.datasets.samples import Split
from taktsight.strict_model import StrictModel

REPORT_FILE, FINDINGS_FILE = "report.html", "check.json"
CASES_SHOWN = 12
"""Findings of one kind that get pictures."""
LISTED = 60
"""Further findings of one kind that are named in the page."""


class FoundThing(StrictModel):
    """One finding in ``check.json``."""

    kind: str
    severity: Severity
    paths: tuple[str, ...]
    """Relative to the data set where they lie in it."""
    message: str


class LabelRow(StrictModel):
    """One label in ``check.json``."""

    label: str
    parts: Mapping[Split, int]
    best_claim: float | None
    """Upper 95 % bound of the escape rate if none of its test parts escaped."""


class CheckFile(StrictModel):
    """``check.json``."""

    format: Literal[1] = 1
    date: str
    layout: str
    images: int
    masks: int
    split_by: str
    is_clean: bool
    counts: Mapping[str, int]
    """Findings of each kind."""
    labels: tuple[LabelRow, ...]
    findings: tuple[FoundThing, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One finding with its pictures."""

    finding: Finding
    name: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """All findings of one kind."""

    kind: Kind
    meaning: Meaning
    findings: int
    files: int
    cases: tuple[Case, ...]
    listed: tuple[str, ...]
    """Findings without a picture, in words."""
    left: int
    """Those that only ``check.json`` holds."""

    @property
    def anchor(self) -> str:
        """Where the page's own links lead."""
        return self.kind.replace(" ", "-")


def write_report(folder: Path, checked: Checked, date: str) -> Path:
    """Writes ``report.html`` and ``check.json`` and returns the path of the former.

    The HTML file needs no other file, no network and no script.

    Args:
        folder: made where it is absent; files of an earlier check are replaced.
        checked: what was found.
        date: day of the check, ISO 8601; passed in, so that the same findings give the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = _check_file(checked, date).model_dump_json(indent=1)
    (folder / FINDINGS_FILE).write_text(content + "\n", encoding="utf-8")
    report = folder / REPORT_FILE
    report.write_text(_render(checked, date), encoding="utf-8")
    return report


def _check_file(checked: Checked, date: str) -> CheckFile:
    found = [
        FoundThing(
            kind=finding.kind,
            severity=finding.severity,
            paths=tuple(_below(path, checked) for path in finding.paths),
            message=finding.message,
        )
        for finding in checked.findings
    ]
    rows = [
        LabelRow(label=count.label, parts=count.parts, best_claim=count.best_claim)
        for count in checked.labels
    ]
    return CheckFile(
        date=date,
        layout=checked.source.layout,
        images=len(checked.looks.images),
        masks=len(checked.looks.masks),
        split_by=checked.split_by,
        is_clean=not checked.faults,
        counts={str(kind): count for kind, count in checked.counts.items()},
        labels=tuple(rows),
        findings=tuple(found),
    )


def _render(checked: Checked, date: str) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    gallery = Gallery(checked)
    sections = [_section(kind, checked, gallery) for kind in checked.counts]
    return environment.get_template(REPORT_FILE).render(
        checked=checked,
        name=checked.source.root.resolve().name,
        date=date,
        answer=summary(checked),
        sections=sections,
        parts=len({sample.part for sample in checked.samples}),
        of_split={
            split: sum(count.parts[split] for count in checked.labels) for split in ("train", "val", "test")
        },
    )


def _section(kind: Kind, checked: Checked, gallery: Gallery) -> Section:
    findings = [finding for finding in checked.findings if finding.kind == kind]
    cases = [
        Case(finding, _name(finding, checked), gallery.pictures(finding))
        for finding in findings[:CASES_SHOWN]
    ]
    rest = findings[CASES_SHOWN : CASES_SHOWN + LISTED]
    return Section(
        kind,
        MEANINGS[kind],
        findings=len(findings),
        files=len({path for finding in findings for path in finding.paths}),
        cases=tuple(cases),
        listed=tuple(f"{_name(finding, checked)} {finding.message}" for finding in rest),
        left=max(0, len(findings) - CASES_SHOWN - LISTED),
    )


def _name(finding: Finding, checked: Checked) -> str:
    return _below(finding.paths[0], checked) if finding.paths else ""


def _below(path: Path, checked: Checked) -> str:
    root = checked.source.root
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
