"""Labelled images: check, describe, split, convert them, or make a synthetic product to learn with."""

from __future__ import annotations

import argparse

from taktsight.datasets.commands import book, check, convert, split, synth

COMMANDS = {"check": check, "book": book, "split": split, "convert": convert, "synth": synth}


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
