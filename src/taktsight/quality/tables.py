"""Tables of a study or a chart as CSV: read strictly, every mistake with its row and column.

The first line names the columns. A row is called by its line in the file, so the first one is row 2.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from taktsight.errors import DataError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Value = TypeVar("Value")
UNITS = ("mm", "um", "µm", "cm", "m", "in", "inch", "inches", "mil", "mils", "px")
"""Units of length that the end of a column's name may say, as in ``size_mm`` or ``length.inch``."""
SPELT = {"inch": "in", "inches": "in", "mils": "mil", "um": "µm"}


@dataclass(frozen=True, slots=True)
class Table:
    """The text of a CSV file."""

    name: str
    """Of the file, as messages say it."""
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """Without spaces around a cell; each has one cell per column."""
    lines: tuple[int, ...]
    """Line in the file of each row."""
    sha256: str
    """Digest of the file's bytes: what every figure of it is traced to."""

    def has(self, column: str) -> bool:
        """Whether there is such a column."""
        return column in self.columns

    def text(self, column: str) -> list[str]:
        """The cells of a column; "" where one is empty.

        Raises:
            DataError: If there is no such column.
        """
        if column not in self.columns:
            known = ", ".join(map(repr, self.columns))
            raise DataError(f"{self.name}: there is no column {column!r}; it has {known}")
        index = self.columns.index(column)
        return [row[index] for row in self.rows]

    def filled(self, column: str) -> list[str]:
        """The cells of a column that must say something everywhere."""
        return self._each(column, lambda cell: cell, "text")

    def numbers(self, column: str) -> Floats:
        """The cells of a column as finite numbers."""
        return np.array(self._each(column, _number, "a finite number, with a point"), dtype=np.float64)

    def counts(self, column: str) -> Floats:
        """The cells of a column as whole numbers from 0."""
        return np.array(self._each(column, _count, "a whole number from 0"), dtype=np.float64)

    def flags(self, column: str) -> Bools:
        """The cells of a column as 1 (yes) or 0 (no)."""
        return np.array(self._each(column, _flag, "1 or 0"), dtype=bool)

    def times(self, column: str) -> Floats:
        """The cells of a column as seconds: numbers, or ISO dates as seconds since 1970 UTC; ascending.

        Raises:
            DataError: If one lies before the row above it: a chart of unsorted time is a chart of nothing.
        """
        said = "an ISO date and time, or seconds"
        seconds = np.array(self._each(column, _time, said), dtype=np.float64)
        falls = np.diff(seconds) < 0
        if falls.any():
            raise self.fault(
                int(np.argmax(falls)) + 1, column, "lies before the row above it; sort the table by time"
            )
        return seconds

    def unique(self, column: str) -> list[str]:
        """The cells of a column of names that stand once each."""
        names = self.filled(column)
        seen: dict[str, int] = {}
        for index, name in enumerate(names):
            if name in seen:
                above = self.lines[seen[name]]
                raise self.fault(index, column, f"{name!r} stands in row {above} already")
            seen[name] = index
        return names

    def check_one_unit(self) -> None:
        """Refuses a table whose column ``unit`` says two things: its numbers cannot be compared."""
        if "unit" not in self.columns:
            return
        units = self.filled("unit")
        for index, unit in enumerate(units):
            if unit != units[0]:
                raise self.fault(
                    index, "unit", f"{unit!r} after {units[0]!r}; convert the table to one unit"
                )

    def unit_of(self, column: str) -> str | None:
        """The unit that a column's name or the column ``unit`` says; None where nothing does."""
        self.check_one_unit()
        if "unit" in self.columns:
            return self.text("unit")[0]
        ending = re.split(r"[._\s(\[]", column.rstrip(")]"))[-1].lower()
        return SPELT.get(ending, ending) if ending in UNITS and ending != column.lower() else None

    def fault(self, index: int, column: str, what: str) -> DataError:
        """The error about one cell, to be raised.

        Args:
            index: of the row, from 0.
            column: its name.
            what: is wrong, and is to be done.
        """
        return DataError(f"{self.name}: row {self.lines[index]}, column {column!r}: {what}")

    def _each(self, column: str, read: Callable[[str], Value], wanted: str) -> list[Value]:
        values = []
        for index, cell in enumerate(self.text(column)):
            if not cell:
                raise self.fault(index, column, f"is empty; {wanted} is wanted")
            try:
                values.append(read(cell))
            except ValueError:
                raise self.fault(index, column, f"{cell!r} is not {wanted}{_hint(cell)}") from None
        return values


def read_table(path: Path) -> Table:
    """The table in a CSV file.

    Raises:
        DataError: If the file is absent, is no UTF-8 text, has no row, names a column twice, or has a row
            of another length.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as a CSV file in UTF-8: {error}") from error
    return parse_table(text, str(path), hashlib.sha256(content).hexdigest())


def parse_table(text: str, name: str, sha256: str = "") -> Table:
    """The table in the text of a CSV file; raises as :func:`read_table` does."""
    reader = csv.reader(io.StringIO(text), strict=True)
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    try:
        columns = tuple(cell.strip() for cell in next(reader, []))
        for read in reader:
            if any(cell.strip() for cell in read):
                rows.append(tuple(cell.strip() for cell in read))
                lines.append(reader.line_num)
    except csv.Error as error:
        raise DataError(f"{name}: row {reader.line_num}: is not CSV: {error}") from error
    _check_header(name, columns)
    for cells, line in zip(rows, lines, strict=True):
        if len(cells) != len(columns):
            raise DataError(f"{name}: row {line} has {len(cells)} cells, the header has {len(columns)}")
    if not rows:
        raise DataError(f"{name}: is empty: no row stands below the header")
    return Table(name, columns, tuple(rows), tuple(lines), sha256)


def table_of(columns: Sequence[str], rows: Iterable[Sequence[str]], name: str) -> Table:
    """A table that was in no file, such as what a ledger says."""
    cells = tuple(tuple(row) for row in rows)
    if not cells:
        raise DataError(f"{name}: holds no row that could be counted")
    return Table(name, tuple(columns), cells, tuple(range(2, len(cells) + 2)), "")


def _check_header(name: str, columns: Sequence[str]) -> None:
    if not any(columns):
        raise DataError(f"{name}: is empty; a first line that names the columns is wanted")
    if len(columns) == 1 and ";" in columns[0]:
        raise DataError(f"{name}: its columns are parted by ';'; save it with commas")
    for column in columns:
        if not column:
            raise DataError(f"{name}: column {columns.index(column) + 1} has no name in the first line")
        if columns.count(column) > 1:
            raise DataError(f"{name}: column {column!r} stands twice")


def _number(cell: str) -> float:
    number = float(cell)
    if not math.isfinite(number) or "_" in cell:
        raise ValueError(cell)
    return number


def _count(cell: str) -> int:
    number = _number(cell)
    if number < 0 or number != int(number):
        raise ValueError(cell)
    return int(number)


def _flag(cell: str) -> bool:
    number = _number(cell)
    if number not in (0, 1):
        raise ValueError(cell)
    return bool(number)


def _time(cell: str) -> float:
    try:
        return _number(cell)
    except ValueError:
        moment = datetime.fromisoformat(cell.replace("Z", "+00:00"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def _hint(cell: str) -> str:
    """What to do about a number that carries its unit, or a comma."""
    found = re.fullmatch(r"[-+]?[\d.,]+\s*([A-Za-zµ\"%]+)", cell)
    if found:
        return f"; name the unit {found[1]!r} in the header, one for all rows"
    return "; write 0.5, not 0,5" if re.fullmatch(r"[-+]?\d+,\d+", cell) else ""
