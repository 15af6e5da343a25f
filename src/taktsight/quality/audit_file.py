"""The tables of an audit: verdicts to draw from, and the list that comes back filled in."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from taktsight.errors import DataError
from taktsight.quality.audit_draw import Drawn
from taktsight.quality.audit_estimate import Flagged, Stratum
from taktsight.quality.parts import GOOD, OUTCOMES

COLUMNS = ("part", "stratum", "passed", "audited", "truth")
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What passed, and how many parts did not."""

    passed: dict[str, str]
    """Part → stratum."""
    flagged: int
    """Rejected, or sent to review."""
    uninspected: int
    """Nobody looked at them; they did not pass and say nothing of recall."""


def read_verdicts(path: Path, by: Sequence[str]) -> Verdicts:
    """The verdicts of a CSV with the columns part and outcome, and those that make strata.

    Raises:
        DataError: Naming row and column of the first thing that is wrong.
    """
    rows = _rows(path, ("part", "outcome", *by))
    return sorted_out(path, ((row["part"], row["outcome"], _stratum(row, by)) for row in rows))


def sorted_out(source: Path, rows: Iterable[tuple[str, str, str]]) -> Verdicts:
    """Parts with their verdict and stratum, by verdict.

    Raises:
        DataError: If a part stands twice, or has no verdict.
    """
    passed: dict[str, str] = {}
    others: dict[str, str] = {}
    for number, (part, outcome, stratum) in enumerate(rows, start=2):
        if outcome not in OUTCOMES:
            said = f"{outcome!r} is no verdict; {', '.join(OUTCOMES)} are"
            raise DataError(f"{source}: row {number}, column outcome: {said}")
        if not part or part in passed or part in others:
            said = f"{part!r} stands there already" if part else "is empty"
            raise DataError(f"{source}: row {number}, column part: {said}; each part has one row")
        if outcome == "PASS":
            passed[part] = stratum
        else:
            others[part] = outcome
    uninspected = sum(outcome == "UNINSPECTED" for outcome in others.values())
    return Verdicts(passed, len(others) - uninspected, uninspected)


def audit_list(drawn: Sequence[Drawn]) -> bytes:
    """The CSV to fill in: ``truth`` is empty, for whoever looks at the part."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((each.part, each.stratum, each.passed, each.audited, "") for each in drawn)
    return text.getvalue().encode()


def read_audit(path: Path) -> tuple[Stratum, ...]:
    """A list that was filled in.

    Raises:
        DataError: Naming row and column of what is wrong: a part without an answer, a part twice, a stratum
            whose numbers contradict each other or of which rows are missing.
    """
    strata: dict[str, list[int]] = {}
    seen: set[str] = set()
    for number, row in enumerate(_rows(path, COLUMNS), start=2):
        counts = tuple(_count(path, number, name, row[name]) for name in ("passed", "audited"))
        if not row["truth"].strip():
            said = f"is empty: {row['part']!r} was drawn, and leaving it out would bend the figures"
            raise DataError(f"{path}: row {number}, column truth: {said}; write good or what it has")
        if row["part"] in seen:
            raise DataError(f"{path}: row {number}, column part: {row['part']!r} stands there already")
        seen.add(row["part"])
        known = strata.setdefault(row["stratum"], [*counts, 0, 0])
        if tuple(known[:2]) != counts:
            said = (
                f"{counts} differ from {tuple(known[:2])} in an earlier row of stratum {row['stratum']!r}"
            )
            raise DataError(f"{path}: row {number}, columns passed and audited: {said}")
        known[2] += 1
        known[3] += row["truth"].strip() != GOOD
    for name, (_, audited, rows, _) in strata.items():
        if rows != audited:
            said = f"stratum {name!r} has {rows} rows, and {audited} of it were drawn"
            raise DataError(f"{path}: column audited: {said}; bring all of them")
    return tuple(
        Stratum(name, passed, audited, defective)
        for name, (passed, audited, _, defective) in sorted(strata.items())
    )


def read_flagged(path: Path, flagged: int | None) -> Flagged:
    """Parts that did not pass: columns part and truth, which is empty where nobody looked.

    Args:
        path: the CSV.
        flagged: how many did not pass; None: as many as have a row.

    Raises:
        DataError: If it cannot be read, or has more rows than parts were flagged.
    """
    rows = _rows(path, ("part", "truth"))
    known = [row["truth"].strip() for row in rows if row["truth"].strip()]
    total = len(rows) if flagged is None else flagged
    if len(rows) > total:
        raise DataError(f"{path}: has {len(rows)} rows, and {total} parts were flagged")
    return Flagged(total, len(known), sum(truth != GOOD for truth in known))


def _rows(path: Path, wanted: Sequence[str]) -> list[Row]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [name for name in wanted if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(f"{path}: row 1: has no column {', '.join(missing)}")
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise DataError(f"{path}: row {number}: has another number of cells than row 1")
    if not rows:
        raise DataError(f"{path}: has no row below its column names")
    return rows


def _count(path: Path, number: int, name: str, text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise DataError(f"{path}: row {number}, column {name}: {text!r} is no number of parts")
    return int(text)


def _stratum(row: Row, by: Sequence[str]) -> str:
    return " / ".join(row[name] for name in by)
