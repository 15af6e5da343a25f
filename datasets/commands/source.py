"""The arguments that name a labelled data set, the same for every command that reads one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from taktsight.errors import ConfigError

if TYPE_CHECKING:
    from taktsight.datasets.source import Source

COLUMNS = ("image", "part", "lot", "camera", "view", "reference", "split")


def add_source(parser: argparse.ArgumentParser, *, root: str = "ROOT", needs_layout: bool = True) -> None:
    """Declares folder, layout, annotations and index.

    Args:
        parser: of the command.
        root: what its help calls the folder; with ``--`` an option of that name, which may be left out.
        needs_layout: False where ``root`` may be a table, which has no layout.
    """
    from taktsight.datasets.readers import Layout, Unlabelled

    if root.startswith("--"):
        parser.add_argument(root, dest="root", metavar="ROOT", type=Path, help="folder of a data set")
    else:
        parser.add_argument("root", metavar=root, type=Path, help="folder of the data set")
    layouts = get_args(Layout)
    parser.add_argument(
        "--layout",
        required=needs_layout,
        choices=layouts,
        metavar="LAYOUT",
        help=f"one of {', '.join(layouts)}",
    )
    parser.add_argument(
        "--good", default="good", metavar="NAME", help="what good parts are called (default: good)"
    )
    parser.add_argument(
        "--annotations", type=Path, metavar="PATH", help="file or folder, where ROOT has several"
    )
    parser.add_argument(
        "--unlabelled",
        default="refuse",
        choices=get_args(Unlabelled),
        help="what an image without any annotation is (default: refuse)",
    )
    parser.add_argument("--index", type=Path, metavar="CSV", help="says what the folders do not")
    parser.add_argument(
        "--leave-out",
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help="leave out the images with this value in the index, as if they were not there; repeat it",
    )
    for column in COLUMNS:
        parser.add_argument(
            f"--{column}-column", metavar="NAME", help=f"column of the {column} in the index"
        )


def add_splits(parser: argparse.ArgumentParser) -> None:
    """Declares the lists of a split."""
    parser.add_argument(
        "--splits", type=Path, metavar="FOLDER", help="lists that 'taktsight data split' wrote"
    )


def add_book(parser: argparse.ArgumentParser) -> None:
    """Declares the defect book."""
    parser.add_argument("--book", type=Path, metavar="YAML", help="defect book: what labels there are")


def source_of(args: argparse.Namespace) -> Source:
    """The data set that the arguments name.

    Raises:
        ConfigError: If a column is named and no index, or an index and no column, or two things say which
            split an image is in.
    """
    from taktsight.datasets.source import Source

    columns = {column: getattr(args, f"{column}_column") for column in COLUMNS}
    named = [column for column in COLUMNS if columns[column]]
    leave_out = _left_out(args.leave_out)
    if (named or leave_out) and args.index is None:
        said = f"--{named[0]}-column" if named else "--leave-out"
        raise ConfigError(f"{said} names a column of the index; give --index too")
    if args.index is not None and not named and not leave_out:
        raise ConfigError("--index is read for its columns; name one, such as --part-column")
    if getattr(args, "splits", None) and args.split_column:
        raise ConfigError("--splits and --split-column both say which split an image is in; give one")
    return Source(
        args.root,
        args.layout,
        args.good,
        args.annotations,
        args.unlabelled,
        args.index,
        columns,
        leave_out,
        getattr(args, "splits", None),
        getattr(args, "book", None),
    )


def _left_out(given: list[str]) -> dict[str, list[str]]:
    """Column → values."""
    values: dict[str, list[str]] = {}
    for pair in given:
        column, equals, value = pair.partition("=")
        if not column or not equals:
            raise ConfigError(f"--leave-out wants COLUMN=VALUE, got {pair}")
        values.setdefault(column, []).append(value)
    return values
