"""Labelled images: check, split, convert them, or make a synthetic product to learn and test with."""

from __future__ import annotations

import argparse

from taktsight.datasets.commands import check, convert, split, synth

COMMANDS = {"check": check, "split": split, "convert": convert, "synth": synth}


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
