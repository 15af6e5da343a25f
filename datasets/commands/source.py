"""The arguments that name a labelled data set, the same for every command that reads one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from taktsight.errors import ConfigError

if TYPE_CHECKING:
    from taktsight.datasets.source import Source

COLUMNS = ("image", "part", "lot", "camera", "view", "reference", "split")


def add_source(parser: argparse.ArgumentParser) -> None:
    """Declares folder, layout, annotations and index."""
    from taktsight.datasets.readers import Layout, Unlabelled

    parser.add_argument("root", metavar="ROOT", type=Path, help="folder of the data set")
    layouts = get_args(Layout)
    parser.add_argument(
        "--layout", required=True, choices=layouts, metavar="LAYOUT", help=f"one of {', '.join(layouts)}"
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
    for column in COLUMNS:
        parser.add_argument(
            f"--{column}-column", metavar="NAME", help=f"column of the {column} in the index"
        )


def source_of(args: argparse.Namespace) -> Source:
    """The data set that the arguments name.

    Raises:
        ConfigError: If a column is named and no index, or an index and no column.
    """
    from taktsight.datasets.source import Source

    columns = {column: getattr(args, f"{column}_column") for column in COLUMNS}
    named = [column for column in COLUMNS if columns[column]]
    if named and args.index is None:
        raise ConfigError(f"--{named[0]}-column names a column of the index; give --index too")
    if args.index is not None and not named:
        raise ConfigError("--index is read for its columns; name one, such as --part-column")
    return Source(args.root, args.layout, args.good, args.annotations, args.unlabelled, args.index, columns)
