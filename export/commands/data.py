"""Labelled images: check, describe, split, convert them, make a synthetic product to learn with, or take
what people decided at the review bench.

The sub-commands that read labelled images lie with the data sets. The verb lies here, above both sides that
it joins: ``from-reviews`` reads the records of a line, and neither side may import the other.
"""

from __future__ import annotations

import argparse

from taktsight.datasets.commands import book, check, convert, split, synth
from taktsight.export.commands import from_reviews

COMMANDS = {
    "check": check,
    "book": book,
    "split": split,
    "convert": convert,
    "synth": synth,
    "from-reviews": from_reviews,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``taktsight data``: one sub-command each."""
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        command.add_arguments(
            commands.add_parser(
                name,
                help=command.HELP,
                description=command.DESCRIPTION,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )


def main(args: argparse.Namespace) -> int:
    """Runs the sub-command that was given."""
    return int(COMMANDS[args.command].main(args))
