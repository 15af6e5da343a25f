"""How many parts a claim takes, before anybody collects them.

    taktsight plan escape --at-most 1% --labels 3       defective parts of each label, none may pass
    taktsight plan escape --at-most 1% --expected 0.2%  how many, to succeed with a chance of 80 %
    taktsight plan overkill --at-most 5%                good parts
    taktsight plan audit --at-most 500ppm               passed parts to audit

The more events a claim allows, the more parts it takes, and the likelier it succeeds: the table says both.
Exit status: 0 planned, 2 where no number of parts would do, for example an expected rate above the claim.
"""

from __future__ import annotations

import argparse

from rich.table import Table

from taktsight.errors import ConfigError
from taktsight.quality.commands.output import add_output, table, tell
from taktsight.quality.sample_plan import Plan, plan

WHAT = {
    "escape": ("defective parts", "pass"),
    "overkill": ("good parts", "are held up"),
    "audit": ("audited passed parts", "are found defective"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("claim", choices=tuple(WHAT), help="about defective, good or passed parts")
    parser.add_argument("--at-most", type=share, required=True, metavar="RATE", help="1%%, 500ppm or 0.01")
    parser.add_argument("--confidence", type=share, default=0.95, help="of all claims together (0.95)")
    parser.add_argument("--labels", type=int, default=1, metavar="K", help="labels claimed about, each (1)")
    parser.add_argument("--expected", type=share, metavar="RATE", help="the rate that you believe in")
    parser.add_argument("--power", type=share, default=0.8, help="chance of success if it is true (0.8)")
    parser.add_argument(
        "--design-effect",
        type=float,
        default=1.0,
        metavar="D",
        help="parts of a lot are alike: times D (1)",
    )
    add_output(parser)


def main(arguments: argparse.Namespace) -> int:
    """0 once it is planned."""
    made = plan(
        arguments.at_most,
        delta_of(arguments.confidence),
        claims=arguments.labels,
        expected=arguments.expected,
        power=arguments.power,
        design_effect=arguments.design_effect,
    )
    tell(
        arguments, {"claim": arguments.claim, "parts": made.parts} | vars_of(made), _tables(arguments, made)
    )
    return 0


def share(text: str) -> float:
    """A rate as people write it.

    >>> share("1%"), share("500ppm"), share("0.01")
    (0.01, 0.0005, 0.01)

    Raises:
        ConfigError: If it is none.
    """
    for ending, unit in (("ppm", 1e6), ("%", 1e2), ("", 1.0)):
        if text.endswith(ending):
            try:
                return float(text.removesuffix(ending)) / unit
            except ValueError:
                break
    raise ConfigError(f"{text!r} is no rate; such as 1%, 500ppm or 0.01")


def delta_of(confidence: float) -> float:
    """The chance of a wrong claim: 0.05 of 0.95, without the rounding of binary fractions.

    >>> delta_of(0.95)
    0.05

    Raises:
        ConfigError: If it is no confidence between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ConfigError(f"a confidence lies between 0 and 1, got {confidence:g}")
    return round(1 - confidence, 12)


def vars_of(made: Plan) -> dict[str, object]:
    """The plan's own figures."""
    return {name: getattr(made, name) for name in made.__slots__}


def _tables(arguments: argparse.Namespace, made: Plan) -> list[Table | str]:
    what, happens = WHAT[arguments.claim]
    each = f" of each of {made.claims} labels" if made.claims > 1 else ""
    rows = [
        (
            f"{step.events:,}",
            f"{step.parts:,}",
            "" if step.chance is None else f"{step.chance:.1%}",
            "◂ collect so many" if step is made.chosen else "",
        )
        for step in made.steps
    ]
    title = (
        f"At most {100 * made.alpha:.6g} % of {what} {happens}, with {arguments.confidence:.4g} confidence"
    )
    columns = (f"may {happens.replace('are', 'be', 1)}", what, "chance of success", "")
    said = f"{made.parts:,} {what}{each}"
    return [table(title, columns, rows), said]
