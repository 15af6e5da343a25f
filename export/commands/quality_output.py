"""What every verb of the statistics writes: figures as JSON, a picture where one is asked for."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from taktsight import __version__
from taktsight.errors import ConfigError
from taktsight.whole_files import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURES = (".svg", ".png")


def add_output(parser: argparse.ArgumentParser, picture: str) -> None:
    """Declares where figures and a picture go."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure here, as JSON")
    parser.add_argument(
        "--plot",
        type=Path,
        metavar="FILE.svg|png",
        help=f"draw {picture}; needs matplotlib: pip install 'taktsight[train]'",
    )


def check_output(arguments: argparse.Namespace) -> None:
    """Raises ``ConfigError`` where a picture could not be written, before anything is computed."""
    if arguments.plot is not None and arguments.plot.suffix not in PICTURES:
        raise ConfigError(f"--plot {arguments.plot}: a name that ends in .svg or .png is wanted")


def write_output(
    arguments: argparse.Namespace, figures: Mapping[str, Any], draw: Callable[[], Figure]
) -> None:
    """Writes what was asked for, and says so.

    Args:
        arguments: with ``json`` and ``plot``.
        figures: what JSON takes; each has where its data came from.
        draw: the picture, made when it is asked for.
    """
    if arguments.json is not None:
        content = {"taktsight": __version__, **figures}
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        _write(arguments.json, text.encode(), "--json")
    if arguments.plot is not None:
        _write(arguments.plot, _picture(draw, arguments.plot.suffix), "--plot")


def wide_console() -> Console:
    """A console on which a table of figures is not folded; a file or a pipe has room enough."""
    console = Console(highlight=False)
    return console if console.is_terminal and console.width >= 100 else Console(highlight=False, width=132)


def plain_table(*columns: str) -> Table:
    """A table whose first column is text, the others numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", no_wrap=True)
    return table


def _picture(draw: Callable[[], Figure], suffix: str) -> bytes:
    try:
        from taktsight.training.evaluation.drawings import as_bytes

        return as_bytes(draw, suffix)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"--plot: a picture needs {error.name}, which is not installed; pip install 'taktsight[train]'"
        ) from error


def _write(path: Path, content: bytes, asked: str) -> None:
    try:
        with whole_file(path) as file:
            file.write(content)
    except OSError as error:
        raise ConfigError(f"{asked} {path}: cannot be written: {error.strerror}") from error
    print(f"wrote {path}")
