r"""From labelled images to a verified bundle in one go: train, evaluate, export, verify.

    taktsight learn --like quick --run runs/mine --out mine.taktsight --data.root=images \
        --data.layout=mask_folder --data.canvas='{height: 256, width: 256, channels: 1}'

What the four verbs do one after the other, in one process: a changeover does not wait four times for the
same libraries. Every check is theirs; one flipped verdict, and nothing is written. Nobody has looked at the
report by then: read it before the bundle goes to a line.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from types import ModuleType

from taktsight.errors import ConfigError
from taktsight.export.commands import export, verify
from taktsight.export.commands.bundle_arguments import add_bundle, as_said, check_bundle
from taktsight.training.commands import evaluate, train
from taktsight.training.starting_points import listing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument(
        "config", type=Path, nargs="?", help="training YAML: model (class_path), data, trainer"
    )
    parser.add_argument(
        "--like", metavar="NAME", nargs="?", const="", help="start from one of those below instead"
    )
    parser.add_argument("--run", type=Path, required=True, help="folder that gets checkpoints and report")
    add_bundle(parser, name="the run folder's")
    parser.epilog = f"starting points for --like:\n{listing()}"
    parser.set_defaults(overrides=[])


def main(arguments: argparse.Namespace) -> int:
    """0 when the verified bundle is on the disk, else what the verb that failed says."""
    out, run = arguments.out, str(arguments.run)
    if out.exists():
        raise ConfigError(f"{out}: is there already; name another file, or remove it")
    if arguments.key is not None and not arguments.key.is_file():
        raise ConfigError(f"{arguments.key}: there is no such key")
    check_bundle(arguments)
    configured = [str(arguments.config)] if arguments.config else []
    like = [] if arguments.like is None else ["--like", arguments.like]
    steps: list[tuple[str, ModuleType, list[str]]] = [
        ("train", train, [*configured, *like, "--run", run]),
        ("evaluate", evaluate, [run]),
        ("export", export, [run, *as_said(arguments)]),
        ("verify", verify, [str(out)]),
    ]
    spent = []
    is_unproved = False
    try:
        for name, verb, given in steps:
            began = time.monotonic()
            is_unproved = name == "verify"
            status: int = verb.main(_asked(verb, given, arguments.overrides))
            if status != 0:
                return status
            spent.append(f"{name} {time.monotonic() - began:.1f}")
        is_unproved = False
    finally:
        if is_unproved:  # ours to remove: nobody shall find a bundle here that did not verify
            out.unlink(missing_ok=True)
    print(f"seconds    {', '.join(spent)}")
    return 0


def _asked(verb: ModuleType, given: list[str], overrides: list[str]) -> argparse.Namespace:
    """The arguments of a verb as its own command line would have them."""
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    asked = parser.parse_args(given)
    if hasattr(asked, "overrides"):
        asked.overrides = overrides
    return asked
