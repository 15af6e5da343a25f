"""The table of faults: what was injected into a running line, and whether it held."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

WIDTH = 100
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One row of the table of faults."""

    fault: str
    injected: int
    """How often."""
    lost: int
    """Triggers without a verdict; entries that were acknowledged, or in strict mode acted on, and are not
    in the ledger."""
    late: int
    """Verdicts at the gate after their deadline."""
    misassigned: int
    """Verdicts out of order, twice or of another part, at the gate or in the ledger."""
    recovered_s: float
    """The longest time from the end of a fault until all was as before."""
    held: bool
    """Nothing of the above, and whatever else the fault asks for."""

    def values(self) -> dict[str, Any]:
        """For a file of results."""
        return asdict(self)


@dataclass
class Tally:
    """Counts as they come in."""

    injected: int = 0
    lost: int = 0
    late: int = 0
    misassigned: int = 0
    recovered_s: float = 0.0
    broken: list[str] = field(default_factory=list)
    """What else was not as it must be, in sentences."""

    def recovered(self, after_s: float) -> None:
        """So long after the end of the fault all was as before."""
        self.recovered_s = max(self.recovered_s, after_s)

    def row(self, fault: str) -> FaultRow:
        """The row; what was broken is logged."""
        for sentence in self.broken:
            log.warning("%s: %s", fault, sentence)
        held = not (self.lost or self.late or self.misassigned or self.broken)
        counts = (self.injected, self.lost, self.late, self.misassigned)
        return FaultRow(fault, *counts, round(self.recovered_s, 2), held)


def print_faults(rows: Sequence[FaultRow]) -> None:
    """For a person."""
    table = Table(box=None)
    for column in ("fault", "injected", "lost", "late", "mis-assigned", "recovered", "held"):
        table.add_column(column, justify="left" if column in ("fault", "held") else "right", no_wrap=True)
    for row in rows:
        counts = map(str, (row.injected, row.lost, row.late, row.misassigned, f"{row.recovered_s:.2f} s"))
        table.add_row(row.fault, *counts, "[green]yes[/]" if row.held else "[bold red]NO[/]")
    Console(highlight=False, width=WIDTH).print(table)


def write_faults(file: Path, rows: Sequence[FaultRow]) -> None:
    """For a program."""
    content = json.dumps([row.values() for row in rows], indent=1, ensure_ascii=False)
    file.write_text(content + "\n", encoding="utf-8")
