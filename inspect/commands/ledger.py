"""Verifies and lists the record of every trigger.

verify  follows the chain of digests; names the first row that is changed, missing or out of order.
        Where people reviewed parts, their log in review/ is verified too, with the tables that it made
show    lists the last rows
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from taktsight.inspect.ledger import Ledger
from taktsight.inspect.ledger_rows import Row
from taktsight.inspect.review.store.book import FILE as BOOK
from taktsight.inspect.review.store.book import REVIEW, Book
from taktsight.inspect.review.store.head import FILE as HEAD
from taktsight.inspect.review.store.verify import checked
from taktsight.inspect.summary import OUTCOME_STYLES, milliseconds
from taktsight.records import Outcome


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do with which ledger."""
    parser.add_argument("action", choices=("verify", "show"))
    parser.add_argument("records", type=Path, metavar="RECORDS", help="the folder that holds ledger.sqlite")
    parser.add_argument("--last", type=int, default=20, metavar="N", help="how many rows to show (20)")


def main(arguments: argparse.Namespace) -> int:
    """Exit status 1 where the chain is broken."""
    console = Console(highlight=False)
    ledger = Ledger.open(arguments.records)
    try:
        if arguments.action == "verify":
            found = ledger.verify()
            console.print(f"whole: {found.rows:,} rows, head {found.head}", soft_wrap=True)
            _verify_review(arguments.records / REVIEW, console)
        else:
            console.print(_table(ledger.rows(last=max(1, arguments.last))))
    finally:
        ledger.close()
    return 0


def _verify_review(folder: Path, console: Console) -> None:
    """Where nobody reviewed anything there is nothing to verify."""
    if not any((folder / name).exists() for name in (BOOK, HEAD)):
        return
    book = Book.read_only(folder)
    try:
        found = checked(book)
    finally:
        book.close()
    said = f"{found.rows:,} rows, {found.signatures:,} signatures, head {found.head}"
    console.print(f"review whole: {said}", soft_wrap=True)


def _table(rows: Sequence[Row]) -> Table:
    table = Table(box=None)
    for column in ("row", "utc", "kind", "part", "outcome", "cycle time"):
        table.add_column(column, no_wrap=True)
    table.add_column("serial", overflow="fold")
    table.add_column("reasons", overflow="fold")
    for row in rows:
        outcome = row["outcome"] or ""
        style = OUTCOME_STYLES[Outcome(outcome)] if outcome else ""
        table.add_row(
            f"{row['seq']}",
            row["utc"][5:23].replace("T", " "),
            row["kind"],
            "" if row["trigger"] is None else f"{row['trigger']}",
            f"[{style}]{outcome}[/]" if outcome else "",
            "" if row["cycle_ns"] is None else milliseconds(row["cycle_ns"]),
            escape(row["serial"] or ""),
            escape("; ".join(json.loads(row["reasons"]))),
        )
    return table
