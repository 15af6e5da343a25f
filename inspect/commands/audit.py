"""Audits of passed parts: which to look at once more, and how many defective ones escaped.

    taktsight audit draw records/ --parts 300 --seed 7 --list audit.csv        from the ledger, the last run
    taktsight audit draw verdicts.csv --parts 300 --by lot --list audit.csv    columns part, outcome, lot
    (look at each part of audit.csv and write good, or its defect, into the column truth)
    taktsight audit estimate audit.csv --flagged 300 --flagged-defective 180 --claim-recall 0.8
    taktsight audit estimate --passed 9700 --audited 970 --defective 4 --flagged 300 --flagged-defective 180

A draw depends on the seed and the parts' names alone: anybody can repeat it, and with the same seed a
larger draw contains the smaller one. Of the ledger, --by takes run, day, hour or score (tenths of the
highest score). estimate corrects recall for what was not looked at (Begg and Greenes) and bounds the share
of passed parts that are defective, for an audit of fixed size and for one that is looked at as it grows.

Exit status: 0 done, and a claim is shown; 1 the data cannot be used; 2 wrong arguments; 3 INFEASIBLE: a
claim takes more audits, and how many is said.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.table import Table

from taktsight.errors import ConfigError
from taktsight.quality.audit_draw import draw
from taktsight.quality.audit_estimate import AuditFigures, Between, Flagged, Stratum, estimate
from taktsight.quality.audit_file import (
    Verdicts,
    audit_list,
    read_audit,
    read_flagged,
    read_verdicts,
    sorted_out,
)
from taktsight.quality.audit_more import More, more_for_ppm, more_for_recall
from taktsight.quality.commands.output import INFEASIBLE, add_output, table, tell, write_whole
from taktsight.quality.commands.plan import share
from taktsight.quality.parts_file import file_digest

OF_A_LEDGER = ("run", "day", "hour", "score")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="draw|estimate")
    drawing = actions.add_parser("draw", help="choose passed parts at random")
    drawing.add_argument("source", type=Path, metavar="SOURCE", help="records folder, or a CSV of verdicts")
    drawing.add_argument("--run", default="last", metavar="RUN", help="of the ledger; 'all' for every run")
    drawing.add_argument("--parts", type=int, required=True, metavar="N", help="how many to draw")
    drawing.add_argument("--by", action="append", default=[], metavar="COLUMN", help="strata; repeat")
    drawing.add_argument(
        "--allocation", choices=("proportional", "equal"), default="proportional", help="to strata"
    )
    drawing.add_argument("--seed", type=int, default=0, help="note it: it repeats the draw (0)")
    drawing.add_argument(
        "--list", type=Path, required=True, metavar="AUDIT.csv", help="the list to fill in"
    )
    add_output(drawing)
    _add_estimate(actions.add_parser("estimate", help="escapes, recall and ppm from a filled list"))


def _add_estimate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("audit", type=Path, nargs="?", metavar="AUDIT.csv", help="the list, filled in")
    for name, said in (
        ("passed", "parts that passed, where no list says it"),
        ("audited", "of those, how many were looked at"),
        ("defective", "of those, how many were defective"),
        ("flagged", "parts that did not pass"),
        ("flagged-verified", "of those, how many were looked at (all)"),
        ("flagged-defective", "of those, how many were defective"),
    ):
        parser.add_argument(f"--{name}", type=int, metavar="N", help=said)
    parser.add_argument(
        "--flagged-list", type=Path, metavar="CSV", help="columns part, truth, instead of numbers"
    )
    parser.add_argument("--confidence", type=share, default=0.95, help="of intervals and bounds (0.95)")
    parser.add_argument("--claim-ppm", type=float, metavar="PPM", help="at most so many passed parts")
    parser.add_argument("--claim-recall", type=share, metavar="SHARE", help="at least so many are flagged")
    add_output(parser)


def main(arguments: argparse.Namespace) -> int:
    """3 where a claim takes more audits."""
    if arguments.action == "estimate" and not 0.5 < arguments.confidence < 1:
        raise ConfigError(f"--confidence lies between 0.5 and 1, got {arguments.confidence:g}")
    return _draw(arguments) if arguments.action == "draw" else _estimate(arguments)


def _draw(arguments: argparse.Namespace) -> int:
    if arguments.source.is_dir():
        verdicts = _of_ledger(arguments.source, arguments.run, arguments.by)
        evidence = {"name": arguments.source.resolve().name, "kind": "ledger"}
    else:
        verdicts = read_verdicts(arguments.source, arguments.by)
        evidence = {"name": arguments.source.name, "sha256": file_digest(arguments.source)}
    drawn = draw(verdicts.passed, arguments.parts, arguments.seed, arguments.allocation)
    write_whole(arguments.list, audit_list(drawn))
    counts = {each.stratum: (each.passed, each.audited) for each in drawn}
    figures = {
        "data": evidence,
        "seed": arguments.seed,
        "allocation": arguments.allocation,
        "passed": len(verdicts.passed),
        "flagged": verdicts.flagged,
        "uninspected": verdicts.uninspected,
        "drawn": len(drawn),
        "strata": {name: {"passed": has, "audited": gets} for name, (has, gets) in counts.items()},
        "list": {"name": arguments.list.name, "sha256": file_digest(arguments.list)},
    }
    rows = [(name or "all", f"{has:,}", f"{gets:,}") for name, (has, gets) in counts.items()]
    said = (
        f"{len(drawn):,} of {len(verdicts.passed):,} passed parts drawn with seed {arguments.seed}; "
        f"{verdicts.flagged:,} were flagged, {verdicts.uninspected:,} UNINSPECTED. Fill in {arguments.list}"
    )
    tell(arguments, figures, [table("Drawn", ("stratum", "passed", "audited"), rows), said])
    return 0


def _of_ledger(records: Path, run: str, by: Sequence[str]) -> Verdicts:
    from taktsight.inspect.ledger import Ledger
    from taktsight.inspect.ledger_rows import Row
    from taktsight.inspect.recorded import find_run

    strange = [name for name in by if name not in OF_A_LEDGER]
    if strange:
        raise ConfigError(f"--by {strange[0]}: of a ledger it is one of {', '.join(OF_A_LEDGER)}")
    ledger = Ledger.open(records)
    try:
        runs = ledger.runs() if run == "all" else [find_run(ledger, run)]
        rows: list[Row] = [row for name in runs for row in ledger.rows_of(name) if row["kind"] == "verdict"]
    finally:
        ledger.close()

    def told() -> Iterator[tuple[str, str, str]]:
        for row in rows:
            strata = {
                "run": row["run"],
                "day": row["utc"][:10],
                "hour": row["utc"][:13],
                "score": _tenth(row["scores"]),
            }
            yield f"{row['run']}:{row['trigger']}", row["outcome"], " / ".join(strata[name] for name in by)

    return sorted_out(records, told())


def _tenth(scores: str) -> str:
    """The tenth that the highest score of any view lies in."""
    highest = max((score for view in json.loads(scores).values() for score in view), default=0.0)
    low = min(int(highest * 10), 9)
    return f"score 0.{low} to {(low + 1) / 10:g}"


def _estimate(arguments: argparse.Namespace) -> int:
    strata = _strata(arguments)
    flagged = _flagged(arguments)
    figures = estimate(strata, flagged, arguments.confidence)
    claims = _claims(arguments, figures, flagged)
    said: dict[str, object] = {"strata": strata, "flagged": flagged, "figures": figures, "claims": claims}
    if arguments.audit is not None:
        said |= {"data": {"name": arguments.audit.name, "sha256": file_digest(arguments.audit)}}
    tell(arguments, said, _tables(figures, claims))
    return 0 if all(claim.is_shown for claim in claims) else INFEASIBLE


def _strata(arguments: argparse.Namespace) -> tuple[Stratum, ...]:
    numbers = (arguments.passed, arguments.audited, arguments.defective)
    if (arguments.audit is None) == (numbers == (None, None, None)):
        raise ConfigError("name AUDIT.csv, or --passed, --audited and --defective, and not both")
    if arguments.audit is not None:
        return read_audit(arguments.audit)
    if None in numbers:
        raise ConfigError("--passed, --audited and --defective are wanted together")
    return (Stratum("all", *numbers),)


def _flagged(arguments: argparse.Namespace) -> Flagged | None:
    if arguments.flagged_list is not None:
        if arguments.flagged_defective is not None or arguments.flagged_verified is not None:
            raise ConfigError("--flagged-list counts the flagged parts: leave out their numbers")
        return read_flagged(arguments.flagged_list, arguments.flagged)
    if arguments.flagged is None and arguments.flagged_defective is None:
        return None
    if arguments.flagged is None or arguments.flagged_defective is None:
        raise ConfigError("--flagged and --flagged-defective are wanted together")
    verified = arguments.flagged if arguments.flagged_verified is None else arguments.flagged_verified
    return Flagged(arguments.flagged, verified, arguments.flagged_defective)


def _claims(arguments: argparse.Namespace, figures: AuditFigures, flagged: Flagged | None) -> list[More]:
    claims = []
    if arguments.claim_ppm is not None:
        claims.append(more_for_ppm(figures, arguments.claim_ppm))
    if arguments.claim_recall is not None:
        if flagged is None:
            raise ConfigError("--claim-recall: give --flagged and --flagged-defective too")
        claims.append(more_for_recall(figures, flagged, arguments.claim_recall))
    return claims


def _tables(figures: AuditFigures, claims: Sequence[More]) -> list[Table | str]:
    sure = f"{100 * figures.confidence:.4g} %"
    rows = [
        ("defective among these passed parts", *_between(figures.escaped, "{:,.1f}")),
        ("defective of a million passed parts", *_between(figures.ppm, "{:,.0f}")),
    ]
    if figures.recall is not None and figures.recall_exact is not None:
        rows += [
            ("recall, Begg and Greenes", *_between(figures.recall, "{:.1%}")),
            ("recall of these very parts", *_between(figures.recall_exact, "{:.1%}")),
        ]
    title = (
        f"{figures.defective:,} defective of {figures.audited:,} audited of {figures.passed:,} passed parts"
    )
    bounds = (
        f"At most {figures.ppm_upper:,.0f} ppm of the passed parts are defective ({sure}, one-sided) where "
        f"the audit's size was fixed beforehand; {figures.ppm_upper_any_time:,.0f} ppm whenever one looks."
    )
    naive = (
        []
        if figures.recall_naive is None
        else [f"Uncorrected, recall would seem {figures.recall_naive:.1%}: not every pass was looked at."]
    )
    shown = table(title, ("", "estimate", f"from ({sure})", "to"), rows)
    return [shown, bounds, *naive, *map(_claimed, claims)]


def _between(figure: Between, form: str) -> tuple[str, str, str]:
    return form.format(figure.value), form.format(figure.low), form.format(figure.high)


def _claimed(more: More) -> str:
    if more.is_shown:
        return f"Shown: {more.claim}."
    likely = (
        "; at the rate seen it is out of reach"
        if more.likely_audits is None
        else f"; {more.likely_audits:,} at the rate seen (80 % chance)"
    )
    return f"INFEASIBLE: {more.claim}: {more.audits:,} more audits if none finds a defective part{likely}."
