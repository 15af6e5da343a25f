"""Acceptance report: what was agreed, what was measured, whether it is fulfilled; HTML, PDF and JSON.

    taktsight report certified.taktsight parts.csv --criteria agreed.yaml --out acceptance
    taktsight report flange.taktsight demo/flange/evaluation --records demo/records --out acceptance
    taktsight report flange.taktsight shift/ --layout mask_folder --index shift/index.csv --lot-column lot …

PARTS is the table that was certified or measured on (docs/certificate.md), the folder of an evaluation, or
a folder of labelled images, which the bundle judges now. Everything else is optional, and what is missing
is named in the report. The same inputs give the same bytes of HTML and JSON.

Exit status: 0 every criterion is fulfilled, or none was agreed; 1 one is not fulfilled, or the data cannot
be used; 2 wrong arguments; 3 one cannot be decided, and the report says what is missing.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from taktsight.datasets.commands.source import add_source, add_splits
from taktsight.errors import ConfigError

if TYPE_CHECKING:
    from taktsight.export.acceptance.document import Acceptance

NEEDED = ("jinja2", "matplotlib")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    add_source(parser, root="PARTS", needs_layout=False)
    add_splits(parser)
    parser.add_argument("--ignore-column", action="append", default=[], metavar="NAME")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="acceptance.html, .pdf, .json"
    )
    parser.add_argument("--no-pdf", action="store_true", help="HTML and JSON alone")
    parser.add_argument("--date", metavar="YYYY-MM-DD", help="of the report (the newest of the data)")
    _add_subject(parser.add_argument_group("what is accepted"))
    _add_evidence(parser.add_argument_group("evidence"))


def _add_subject(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--criteria", type=Path, metavar="FILE.yaml", help="what was agreed beforehand")
    group.add_argument("--population", default="", metavar="TEXT", help="what the parts are a sample of")
    group.add_argument(
        "--recipe", type=Path, help="the limits that judge (the certificate's, or the card's)"
    )
    group.add_argument("--station", type=Path, metavar="STATION.yaml", help="where the parts came from")
    group.add_argument("--book", type=Path, metavar="YAML", help="defect book")
    group.add_argument(
        "--engine", metavar="NAME", help="that judges images (as certified; onnxruntime:f32)"
    )
    group.add_argument(
        "--allowed-key", type=Path, action="append", default=[], help="must have signed BUNDLE"
    )


def _add_evidence(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--records", type=Path, metavar="FOLDER", help="the ledger of the line")
    group.add_argument("--run", help="of the ledger: its name or 'last' (all)")
    group.add_argument(
        "--per", type=int, default=50, metavar="N", help="parts of the ledger in a point (50)"
    )
    group.add_argument("--spc-limits", type=Path, metavar="FILE", help="frozen limits of a p chart")
    group.add_argument("--audit", type=Path, metavar="AUDIT.csv", help="passed parts, looked at again")
    group.add_argument("--flagged-list", type=Path, metavar="CSV", help="flagged parts: part, truth")
    group.add_argument("--agreement", type=Path, metavar="STUDY", help="folder or table of verdicts")
    group.add_argument(
        "--study-good", default="good,PASS", metavar="A,B", help="its verdicts that let pass"
    )
    group.add_argument("--machine", metavar="NAME", help="take the ledger's verdicts into the study")
    group.add_argument("--gage", type=Path, metavar="STUDY", help="folder or table of values")
    group.add_argument("--tolerance", type=float, help="of the gage study: width that the drawing allows")
    group.add_argument("--unit", default="", help="of the gage study's values")
    group.add_argument("--targets", type=Path, metavar="CSV", help="true defects: size_mm, hit")
    group.add_argument("--synthetic", action="store_true", help="the targets are made ones")


def main(arguments: argparse.Namespace) -> int:
    """0 where every criterion is fulfilled."""
    _check(arguments)
    from taktsight.export.acceptance.assembling import assemble
    from taktsight.export.acceptance.reading import read_given
    from taktsight.export.acceptance.writing import write_acceptance

    given = read_given(arguments)
    report = assemble(given)
    written = write_acceptance(arguments.out, report, given.pictured, is_pdf=not arguments.no_pdf)
    _tell(report)
    for path in written:
        print(f"wrote {path}")
    return _status(report)


def _check(arguments: argparse.Namespace) -> None:
    if arguments.date is not None and not re.fullmatch(r"\d{4}-\d\d-\d\d", arguments.date):
        raise ConfigError(f"--date {arguments.date}: a day such as 2027-03-01 is wanted")
    if arguments.per < 1:
        raise ConfigError(f"--per {arguments.per}: a number of parts is wanted")
    for name, needs in (("spc_limits", "records"), ("machine", "agreement"), ("machine", "records")):
        if getattr(arguments, name) is not None and getattr(arguments, needs) is None:
            raise ConfigError(f"--{name.replace('_', '-')} goes with --{needs}")
    if arguments.flagged_list is not None and arguments.audit is None:
        raise ConfigError("--flagged-list goes with --audit")
    if arguments.tolerance is not None and arguments.gage is None:
        raise ConfigError("--tolerance goes with --gage")
    _check_installed()
    if not arguments.no_pdf:
        from taktsight.export.acceptance.pdf import check_pdf

        check_pdf()


def _check_installed() -> None:
    from importlib.util import find_spec

    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ConfigError(f"a report needs {', '.join(missing)}: pip install 'taktsight[report]'")


def _tell(report: Acceptance) -> None:
    from rich.text import Text

    from taktsight.export.commands.quality_output import wide_console
    from taktsight.quality.commands.output import table

    console = wide_console()
    rows = [
        (each.name, each.agreed, each.measured, each.bound, each.decision, _missing(each.missing))
        for each in report.criteria
    ]
    if rows:
        console.print(table("Criteria", ("", "agreed", "measured", "bound", "", "missing"), rows))
    console.print(Text(report.verdict))
    for absent in report.not_shown:
        console.print(Text(f"not shown: {absent.what}: {absent.why}"))


def _missing(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _status(report: Acceptance) -> int:
    from taktsight.quality.commands.output import INFEASIBLE

    decisions = {each.decision for each in report.criteria}
    if "not fulfilled" in decisions:
        return 1
    return INFEASIBLE if "cannot be decided" in decisions else 0
