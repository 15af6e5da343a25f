"""The command line: ``taktsight VERB``. A verb's module is imported when the verb is called.

Exit status: 0 done, 1 failed, 2 wrong configuration.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import logging
import re
import sys
from collections.abc import Sequence

from taktsight import __version__
from taktsight.errors import TaktsightError

VERBS = {
    "data": ("taktsight.export.commands.data", "make, check and split labelled images"),
    "train": ("taktsight.training.commands.train", "train a model from a configuration"),
    "evaluate": (
        "taktsight.training.commands.evaluate",
        "escape and overkill of a trained model, as a report",
    ),
    "calibration": (
        "taktsight.training.commands.calibration",
        "whether a score means what it says, from labelled parts: ECE, Brier, reliability",
    ),
    "export": (
        "taktsight.export.commands.export",
        "write a trained model as one bundle, proved on real parts",
    ),
    "learn": (
        "taktsight.export.commands.learn",
        "train, evaluate, export and verify in one go, for a changeover",
    ),
    "import": (
        "taktsight.export.commands.import_onnx",
        "an ONNX model that was trained elsewhere as a bundle, proved on real parts",
    ),
    "convert": (
        "taktsight.export.commands.convert",
        "write a bundle's model for others: a Triton repository, or plain ONNX",
    ),
    "certify": (
        "taktsight.export.commands.certify",
        "limits with a bound on escapes and overkill, or what is missing for them",
    ),
    "certificate": (
        "taktsight.inspect.commands.certificate",
        "show a bundle's certificate, and whether it still holds",
    ),
    "report": (
        "taktsight.export.commands.report",
        "acceptance report: agreed, measured, fulfilled or not; HTML, PDF, JSON",
    ),
    "plan": ("taktsight.quality.commands.plan", "how many parts a claim takes"),
    "rates": ("taktsight.quality.commands.rates", "escape, overkill and review load of judged parts"),
    "audit": (
        "taktsight.inspect.commands.audit",
        "draw passed parts to look at, and say how many defective ones escaped",
    ),
    "pod": ("taktsight.export.commands.pod", "which defect size is surely found: a90/95 with its curve"),
    "study": (
        "taktsight.export.commands.study",
        "whether people and the machine agree, and how well a measure measures",
    ),
    "spc": ("taktsight.export.commands.spc", "control charts of a table or a ledger, and Pareto"),
    "verify": ("taktsight.export.commands.verify", "digests, signature and golden samples of a bundle"),
    "robustness": (
        "taktsight.export.commands.robustness",
        "verdicts that flip under other light, blur, shift, rotation and noise",
    ),
    "keys": ("taktsight.export.commands.keys", "make and show the keys that sign bundles"),
    "check": (
        "taktsight.inspect.commands.check",
        "a station's configuration, bundle, clock and disk; says what to fix",
    ),
    "run": ("taktsight.inspect.commands.run", "inspect parts: one verdict per trigger, on time"),
    "replay": ("taktsight.inspect.commands.replay", "run a folder of images through a bundle at takt"),
    "bench": (
        "taktsight.inspect.commands.bench",
        "measure a bundle on this machine's engines and pick one",
    ),
    "engine": (
        "taktsight.inspect.commands.engine",
        "build the TensorRT engine of a bundle before the line needs it",
    ),
    "changeover": (
        "taktsight.inspect.commands.changeover",
        "tell a running line to go on with another bundle or recipe",
    ),
    "simulate": (
        "taktsight.inspect.commands.simulate",
        "a conveyor with a simulated camera and PLC before a real line, with faults on demand",
    ),
    "cameras": (
        "taktsight.inspect.commands.cameras",
        "GigE Vision and USB3 Vision cameras that answer, as a station names them",
    ),
    "health": (
        "taktsight.inspect.commands.health",
        "learn what good frames are like, and hold frames against it",
    ),
    "golden": (
        "taktsight.inspect.commands.golden",
        "show known-good and known-bad parts to a running line, or it holds",
    ),
    "drift": (
        "taktsight.inspect.commands.drift",
        "whether later parts are as those of a frozen reference, since when not, and why",
    ),
    "ledger": ("taktsight.inspect.commands.ledger", "verify and list the record of every trigger"),
    "review": (
        "taktsight.inspect.commands.review",
        "the review bench: a web page where QA sees, decides and signs",
    ),
}
"""Verb → the module that does it (``add_arguments`` and ``main``), and its one line of help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb and returns the exit status."""
    gc.set_threshold(100_000)  # importing PyTorch makes objects, not garbage: a tenth of its time
    given = list(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    parser = _parser()
    if not given or given[0] not in VERBS:
        parser.parse_args(given)
        parser.print_help()
        return 2
    verb = importlib.import_module(VERBS[given[0]][0])
    verb_parser = argparse.ArgumentParser(
        prog=f"taktsight {given[0]}",
        description=verb.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_arguments(verb_parser)
    try:
        return int(verb.main(_parse(verb_parser, given[1:])))
    except TaktsightError as error:
        print(f"taktsight {given[0]}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"taktsight {given[0]}: stopped", file=sys.stderr)
        return 130


def _parse(parser: argparse.ArgumentParser, given: list[str]) -> argparse.Namespace:
    """The verb's arguments; ``--section.key=value`` goes on to verbs that take overrides."""
    # argparse takes whatever holds a space for a positional: --data.canvas='{height: 256, …}' too.
    dotted = [argument for argument in given if re.match(r"--\w+(\.\w+)+=", argument)]
    arguments, others = parser.parse_known_args([argument for argument in given if argument not in dotted])
    overrides = [*others, *dotted]
    if overrides and not hasattr(arguments, "overrides"):
        parser.error(f"there is no {' '.join(overrides)}; see --help")
    if overrides:
        arguments.overrides = overrides
    return arguments


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, VERBS))
    lines = "\n".join(f"  {verb:<{width}}  {summary}" for verb, (_, summary) in VERBS.items())
    parser = argparse.ArgumentParser(
        prog="taktsight",
        usage="taktsight VERB …",
        description="Defect inspection that keeps takt: one verdict per part, on time, with proof.",
        epilog=f"verbs:\n{lines}\n\n'taktsight VERB --help' says more.\n"
        "Exit status: 0 done, 1 failed, 2 wrong configuration.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"taktsight {__version__}")
    parser.add_argument("verb", nargs="?", choices=list(VERBS), metavar="VERB", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
