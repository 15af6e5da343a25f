"""What a study shows, by the library's figures; the machine is an appraiser like the others."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.store.values import GOOD, PartKey
from taktsight.inspect.review.studies.values import HELD_UP, Study
from taktsight.quality.agreement import Agreement, agreement
from taktsight.quality.agreement_looks import looks_of

MACHINE = "machine"
LETTING_PASS = (GOOD, "PASS")
COLUMNS = ("part", "appraiser", "trial", "verdict", "reference")


@dataclass(frozen=True, slots=True)
class Row:
    """One look, as the table of ``taktsight study agreement`` has it."""

    part: str
    appraiser: str
    trial: str
    verdict: str
    reference: str


def rows_of(study: Study, index: PartIndex) -> list[Row]:
    """All looks of those who finished; of the machine the verdict on each part, in each trial.

    People look at the same picture in each trial, and the same picture always has the same verdict.
    """
    finished = set(study.finished)
    rows = [
        Row(look.part, look.appraiser, str(look.trial), study.looks[look.code].answer, look.reference)
        for look in study.plan.looks
        if look.appraiser in finished
    ]
    if study.machine:
        name = machine_name(study)
        verdicts = _verdicts(study.parts, index)
        rows += [
            Row(str(key), name, str(trial), verdicts[key], reference)
            for key, reference in study.parts.items()
            for trial in range(1, study.trials + 1)
        ]
    return rows


def machine_name(study: Study) -> str:
    """What the station is called among the appraisers: "machine", unless somebody is."""
    return MACHINE if MACHINE not in study.appraisers else f"{MACHINE} (station)"


def report(study: Study, index: PartIndex) -> Agreement | None:
    """The figures of those who finished; None while nobody did."""
    rows = rows_of(study, index)
    if not study.finished:
        return None
    return agreement(
        looks_of(
            [row.part for row in rows],
            [row.appraiser for row in rows],
            [row.verdict for row in rows],
            good=LETTING_PASS,
            trials=[row.trial for row in rows],
            references=[row.reference for row in rows] if study.has_references else None,
        )
    )


def table_of(rows: list[Row]) -> bytes:
    """The CSV that ``taktsight study agreement`` reads."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    has_references = bool(rows) and all(row.reference for row in rows)
    writer.writerow(COLUMNS if has_references else COLUMNS[:-1])
    for row in rows:
        said = [row.part, row.appraiser, row.trial, row.verdict]
        writer.writerow([*said, row.reference] if has_references else said)
    return text.getvalue().encode()


def _verdicts(parts: Mapping[PartKey, str], index: PartIndex) -> dict[PartKey, str]:
    found = {}
    for key in parts:
        verdict = index.ledger.of_part(key).get("verdict")
        found[key] = verdict["outcome"] if verdict is not None else HELD_UP
    return found
