"""Tables of phase II one after the other: the rows of all calls so far, kept as a table beside the limits.

A moving average, a sum or a gap does not begin anew each morning. Whoever calls daily sees what one call
over all tables would show.
"""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

from taktsight.errors import ConfigError, DataError
from taktsight.quality.tables import Table, parse_table, read_table
from taktsight.whole_files import whole_file


def continued(history: Path, table: Table) -> Table:
    """The rows of the history, if there is one yet, and those of a table behind them.

    Raises:
        DataError: If their columns are not the same.
    """
    rows = table.rows
    if history.exists():
        before = read_table(history)
        if before.columns != table.columns:
            kept = ", ".join(before.columns)
            raise DataError(f"{table.name}: its columns are not those of {history}: {kept}")
        rows = before.rows + rows
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([table.columns, *rows])
    content = text.getvalue()
    name = f"{history} with {table.name}"
    return parse_table(content, name, hashlib.sha256(content.encode()).hexdigest())


def write_history(history: Path, table: Table) -> None:
    """Keeps the rows for the next call.

    Raises:
        ConfigError: If the file cannot be written; it is what it was then.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([table.columns, *table.rows])
    try:
        with whole_file(history) as file:
            file.write(text.getvalue().encode())
    except OSError as error:
        raise ConfigError(f"{history}: cannot be written: {error.strerror}") from error
