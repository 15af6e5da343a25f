"""Figures for people as a table, for machines as JSON: every verb about statistics says both alike."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from taktsight.errors import ConfigError
from taktsight.quality.rates import Rate
from taktsight.whole_files import whole_file

INFEASIBLE = 3
"""Exit status of a verb that answers "not with these parts"."""
PRINTED = Path("-")
SAID_SO = "Exit status: 0 shown, 1 failed, 2 wrong arguments, 3 INFEASIBLE: not with so few parts."


def add_output(parser: argparse.ArgumentParser) -> None:
    """Declares where the figures go."""
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="write every figure here, as JSON; -: print it, no table",
    )


def tell(arguments: argparse.Namespace, figures: Any, tables: Iterable[Table | str]) -> None:
    """Prints the tables, or the figures as JSON, and writes these where they are asked for.

    Raises:
        ConfigError: If the file cannot be written.
    """
    text = json.dumps(plain(figures), indent=1, ensure_ascii=False, allow_nan=False)
    if arguments.json == PRINTED:
        print(text)
        return
    if arguments.json is not None:
        write_whole(arguments.json, text.encode() + b"\n")
    console = Console(highlight=False, soft_wrap=True)
    for part in tables:
        console.print(part if isinstance(part, Table) else Text(part))


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file that somebody named.

    Raises:
        ConfigError: If it cannot be written.
    """
    try:
        with whole_file(path) as file:
            file.write(content)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table whose first column is words and whose others are figures; empty cells are nothing."""
    drawn = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        drawn.add_column(Text(column), justify="right" if number else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    return drawn


def plain(value: Any) -> Any:
    """Figures as JSON has them: what is undefined is null."""
    if isinstance(value, BaseModel):
        return plain(value.model_dump(mode="json"))
    if is_dataclass(value) and not isinstance(value, type):
        content = {each.name: plain(getattr(value, each.name)) for each in fields(value)}
        return {"value": plain(value.value)} | content if isinstance(value, Rate) else content
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    return None if isinstance(value, float) and not math.isfinite(value) else value
