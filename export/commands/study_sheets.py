"""The looks of a study: a long table, or the sheets of a plan with its key; a machine's from a ledger."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from taktsight.errors import ConfigError, DataError
from taktsight.quality.study_plan import PlannedLook, StudyPlan
from taktsight.quality.tables import Table, read_table
from taktsight.whole_files import make_folder, whole_file

KEY = "key.csv"
KEY_COLUMNS = ("code", "appraiser", "trial", "order", "part", "reference")


@dataclass(frozen=True, slots=True)
class LookRows:
    """One entry a look."""

    source: str
    sha256: tuple[str, ...]
    """Of the files that it came from."""
    parts: list[str]
    appraisers: list[str]
    trials: list[str]
    answers: list[str]
    """Verdicts, or values as text."""
    references: list[str] | None


def write_plan(folder: Path, plan: StudyPlan, answer: str) -> list[Path]:
    """Writes the key and a sheet for each appraiser.

    Args:
        folder: made where it is missing; must not hold a key already.
        plan: who looks when.
        answer: name of the column to fill in.

    Raises:
        ConfigError: If there is a study already, a name is none of a file, or nothing can be written.
    """
    if (folder / KEY).exists():
        raise ConfigError(f"{folder}: holds a study already; name another folder")
    names = sorted({look.appraiser for look in plan.looks})
    odd = [name for name in names if not re.fullmatch(r"[\w.-]+", name)]
    if odd:
        raise ConfigError(f"appraiser {odd[0]!r}: letters, digits, '.', '-' and '_' alone name a sheet")
    files = []
    try:
        make_folder(folder)
        for name in names:
            rows = [[look.code, ""] for look in _of(plan.looks, name)]
            files.append(_write(folder / f"sheet-{name}.csv", ("code", answer), rows))
        key = [
            [look.code, look.appraiser, str(look.trial), str(look.order), look.part, look.reference]
            for look in plan.looks
        ]
        files.append(_write(folder / KEY, KEY_COLUMNS, key))
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written: {error.strerror}") from error
    return files


def _of(looks: Sequence[PlannedLook], appraiser: str) -> list[PlannedLook]:
    return [look for look in looks if look.appraiser == appraiser]


def _write(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    with whole_file(path) as file:
        file.write(text.getvalue().encode())
    return path


def read_looks(source: Path, answer: str) -> LookRows:
    """The looks of a study.

    Args:
        source: a folder that ``study plan`` wrote, its sheets filled in, or a table with the columns part,
            appraiser and ``answer``, and perhaps trial and reference.
        answer: the column of verdicts or values.

    Raises:
        DataError: Naming the row and the column that is empty, unknown or there twice.
    """
    if source.is_dir():
        return _joined(source, answer)
    table = read_table(source)
    table.check_one_unit()
    parts, appraisers = table.filled("part"), table.filled("appraiser")
    trials = table.filled("trial") if table.has("trial") else ["1"] * len(parts)
    seen: dict[tuple[str, str, str], int] = {}
    for index, look in enumerate(zip(appraisers, parts, trials, strict=True)):
        if look in seen:
            above = table.lines[seen[look]]
            said = f"{look[0]} looked at {look[1]!r} in row {above} already"
            said += (
                f", in trial {look[2]} too"
                if table.has("trial")
                else "; a column 'trial' tells looks apart"
            )
            raise table.fault(index, "part", said)
        seen[look] = index
    references = table.filled("reference") if table.has("reference") else None
    return LookRows(
        str(source), (table.sha256,), parts, appraisers, trials, table.filled(answer), references
    )


def _joined(folder: Path, answer: str) -> LookRows:
    key = read_table(folder / KEY)
    codes = key.unique("code")
    looks = dict(zip(codes, range(len(codes)), strict=True))
    answers: list[str | None] = [None] * len(codes)
    digests = [key.sha256]
    appraisers = key.filled("appraiser")
    for name in sorted(set(appraisers)):
        sheet = read_table(folder / f"sheet-{name}.csv")
        digests.append(sheet.sha256)
        _take(sheet, name, answer, looks, appraisers, answers)
    for index, given in enumerate(answers):
        if given is None:
            raise key.fault(index, "code", f"{codes[index]!r} stands on no sheet of {appraisers[index]}")
    references = key.text("reference")
    return LookRows(
        str(folder),
        tuple(digests),
        key.filled("part"),
        appraisers,
        key.filled("trial"),
        [given or "" for given in answers],
        key.filled("reference") if any(references) else None,
    )


def _take(
    sheet: Table,
    name: str,
    answer: str,
    looks: dict[str, int],
    appraisers: Sequence[str],
    answers: list[str | None],
) -> None:
    for index, (code, given) in enumerate(zip(sheet.unique("code"), sheet.filled(answer), strict=True)):
        place = looks.get(code)
        if place is None or appraisers[place] != name:
            raise sheet.fault(index, "code", f"{code!r} is none of {name}'s codes in the key")
        answers[place] = given


def with_machine(looks: LookRows, records: Path, machine: str, run: str | None) -> LookRows:
    """The looks, with those of the machine: its verdicts on parts whose serial is a part of the study.

    Args:
        looks: of the people.
        records: the folder that holds the ledger.
        machine: name of the appraiser.
        run: of the ledger; None for all.

    Raises:
        DataError: If the machine saw a part less often than people did, or is an appraiser already.
    """
    from taktsight.export.commands.recorded_verdicts import recorded_verdicts

    if machine in looks.appraisers:
        raise DataError(f"{machine!r} is an appraiser of the study already; name the machine otherwise")
    wanted = sorted(set(looks.trials))
    seen: dict[str, list[str]] = {part: [] for part in looks.parts}
    for verdict in recorded_verdicts(records, run):
        if verdict.serial in seen:
            seen[verdict.serial].append(verdict.outcome.value)
    for part, outcomes in seen.items():
        if len(outcomes) < len(wanted):
            raise DataError(
                f"{records}: part {part!r} came {len(outcomes)} times; {len(wanted)} trials are wanted"
            )
    known = dict(zip(looks.parts, looks.references or [], strict=False))
    added = [
        (part, trial, outcome)
        for part, outcomes in seen.items()
        for trial, outcome in zip(wanted, outcomes, strict=False)
    ]
    return LookRows(
        f"{looks.source} + {records}",
        looks.sha256,
        [*looks.parts, *(part for part, _, _ in added)],
        [*looks.appraisers, *([machine] * len(added))],
        [*looks.trials, *(trial for _, trial, _ in added)],
        [*looks.answers, *(outcome for _, _, outcome in added)],
        None if looks.references is None else [*looks.references, *(known[part] for part, _, _ in added)],
    )
