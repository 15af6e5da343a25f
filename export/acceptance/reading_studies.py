"""Reads the studies that a report is made of: targets, agreement, gage R&R; each with its digest."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from taktsight.errors import DataError
from taktsight.export.acceptance.document import AgreementSection, GageSection, PodSection
from taktsight.export.acceptance.given import Given, Pictured
from taktsight.export.acceptance.sources import Sources
from taktsight.quality.parts_file import file_digest
from taktsight.quality.tables import Floats, read_table


def read_studies(arguments: argparse.Namespace, given: Given) -> None:
    """Detection by size, agreement and gage R&R."""
    targets, values = None, None
    path = arguments.targets or given.measured.targets
    if path is not None:
        targets = _read_pod(path, given, is_synthetic=arguments.synthetic)
    if arguments.agreement is not None:
        given.agreement = _agreement(arguments, given)
    if arguments.gage is not None:
        given.gage, values = _gage(arguments, given.sources)
    given.pictured = Pictured(targets, values)


def _read_pod(path: Path, given: Given, *, is_synthetic: bool) -> tuple[Floats, Floats] | None:
    """The curve; where targets give none, such as all found, the report says why."""
    from taktsight.quality.pod_hits import pod_hit_miss

    table = read_table(path)
    column = next((name for name in table.columns if name == "size" or name.startswith("size_")), None)
    if column is None or not table.has("hit"):
        raise DataError(f"{path}: has no column size_mm or hit; 'taktsight pod' says more of such tables")
    sizes, hit = table.numbers(column), np.asarray(table.flags("hit"), np.float64)
    marker = given.sources.add("targets", path.name, table.sha256, rows=len(hit))
    groups = table.text("label") if table.has("label") else None
    try:
        pod = pod_hit_miss(
            sizes,
            hit > 0,
            groups=groups,
            unit=table.unit_of(column) or "",
            origin="synthetic" if is_synthetic else "real",
        )
    except DataError as error:
        given.not_shown["pod"] = f"{path.name}: {error}"
        return None
    given.pod = PodSection(figures=pod, source=marker)
    return sizes, hit


def _agreement(arguments: argparse.Namespace, given: Given) -> AgreementSection:
    from taktsight.export.commands.study_sheets import read_looks, with_machine
    from taktsight.quality.agreement import agreement
    from taktsight.quality.agreement_looks import looks_of

    rows = read_looks(arguments.agreement, "verdict")
    markers = _study_markers(arguments.agreement, rows.sha256, "the agreement study", given.sources)
    if arguments.machine is not None and given.recorded is not None:
        markers = (*markers, given.recorded.source)
        rows = with_machine(rows, arguments.records, arguments.machine, arguments.run)
    looks = looks_of(
        rows.parts,
        rows.appraisers,
        rows.answers,
        good=[name.strip() for name in arguments.study_good.split(",")],
        trials=rows.trials,
        references=rows.references,
    )
    return AgreementSection(figures=agreement(looks), sources=markers)


def _gage(
    arguments: argparse.Namespace, sources: Sources
) -> tuple[GageSection, tuple[Floats, tuple[str, ...], tuple[str, ...]]]:
    from taktsight.export.commands.study_sheets import read_looks
    from taktsight.quality.gage import gage, gage_table
    from taktsight.quality.tables import table_of

    rows = read_looks(arguments.gage, "value")
    markers = _study_markers(arguments.gage, rows.sha256, "the gage study", sources)
    text = table_of(["value"], [[cell] for cell in rows.answers], rows.source)
    values, appraisers, parts = gage_table(rows.parts, rows.appraisers, text.numbers("value"))
    found = gage(values, tolerance=arguments.tolerance, unit=arguments.unit)
    return GageSection(figures=found, sources=markers), (values, appraisers, parts)


def _study_markers(study: Path, digests: tuple[str, ...], role: str, sources: Sources) -> tuple[str, ...]:
    """One marker for a table; for a folder one for the key and each sheet."""
    if not study.is_dir():
        return (sources.add(role, study.name, digests[0]),)
    files = {file_digest(path): path.name for path in sorted(study.glob("*.csv"))}
    return tuple(sources.add(role, f"{study.name}/{files[digest]}", digest) for digest in digests)
