"""``taktsight data check``: what is wrong with labelled images, before anybody trains with them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from taktsight.datasets.commands.source import add_book, add_source, add_splits, source_of
from taktsight.errors import ConfigError

if TYPE_CHECKING:
    from taktsight.datasets.checks import Checked, Finding
    from taktsight.datasets.checks.look import Looked

HELP = "find what is wrong with labelled images, and show it"
DESCRIPTION = """Opens every image and mask once and finds

  files     empty, cut short, not fetched, no 8-bit image, one even grey
  masks     empty, of another size, too dark, not black and white, on good parts
  drawings  outside the image, drawn twice, two labels on one place
  copies    the same or almost the same image twice, across splits, labelled differently
  labels    not in the defect book (--book), or in it and on no part
  splits    parts and lots in two splits, labels too rare to learn or to certify
  outliers  size, channels and exposure unlike the others of a camera

Exit status: 0 no fault (warnings alone fail with --strict only), 1 faults, 2 wrong arguments."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    add_source(parser)
    add_splits(parser)
    add_book(parser)
    parser.add_argument("--strict", action="store_true", help="fail on warnings too")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write report.html and check.json here")


def main(args: argparse.Namespace) -> int:
    """Checks and prints; 0 without faults, with --strict without warnings too, else 1."""
    from taktsight.datasets.checks import check_data, summary

    source = source_of(args)
    checked = check_data(source, _progress)
    _print_table(checked)
    print(f"{args.root}: {summary(checked)}")
    if args.out is not None:
        print(f"report: {_write(args.out, checked)}")
    return 1 if checked.faults or (args.strict and checked.findings) else 0


def _write(folder: Path, checked: Checked) -> Path:
    try:
        from taktsight.datasets.checks.report import write_report
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"--out: a report needs {error.name}, which is not installed; pip install 'taktsight[train]'"
        ) from error
    try:
        return write_report(folder, checked, f"{datetime.now(timezone.utc):%Y-%m-%d}")
    except OSError as error:
        raise ConfigError(f"--out {folder}: cannot be written: {error.strerror}") from error


def _print_table(checked: Checked) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not checked.findings:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("kind", no_wrap=True)
    table.add_column("count", justify="right")
    table.add_column("the first", overflow="fold")
    for kind, count in checked.counts.items():
        first = next(finding for finding in checked.findings if finding.kind == kind)
        style = "red" if first.severity == "fault" else "yellow"
        table.add_row(
            Text(first.severity, style), kind, str(count), Text(_said(first, checked.source.root))
        )
    Console().print(table)


def _said(finding: Finding, root: Path) -> str:
    """The finding with its first file, below the data set where it lies there."""
    if not finding.paths or finding.paths[0] == root:
        return finding.message
    path = finding.paths[0]
    return f"{path.relative_to(root) if path.is_relative_to(root) else path}: {finding.message}"


def _progress(looks: Iterator[Looked], total: int) -> Iterable[Looked]:
    """The looks, with a line on the terminal that says how far it is."""
    from rich.console import Console
    from rich.progress import track

    silent = not sys.stderr.isatty()
    yield from track(looks, "opening files", total=total, console=Console(stderr=True), disable=silent)
