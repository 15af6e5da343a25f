"""Escape, overkill and review load of judged parts: by label, size, lot, station and camera.

    taktsight rates parts.csv
    taktsight rates parts.csv --limits recipe.yaml      verdicts from scores, where no column says them

parts.csv has the columns part, truth (good, or defect labels joined by |) and outcome (PASS, REVIEW,
REJECT, UNINSPECTED), and lot, station, camera and size_mm where they are known. Intervals are
Clopper–Pearson's; where lots are known, a second one knows that parts of a lot resemble each other.
Exit status: 0 counted, 1 the file cannot be used, 2 wrong arguments.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.table import Table

from taktsight.errors import ConfigError
from taktsight.quality.commands.output import add_output, table, tell
from taktsight.quality.commands.plan import share
from taktsight.quality.design_effect import LotRate
from taktsight.quality.grouped_rates import GroupRates, Overview, overview
from taktsight.quality.parts import PASS, REJECT, REVIEW, Parts
from taktsight.quality.parts_file import file_digest, read_parts
from taktsight.quality.rates import upper_bound, wilson, wilson_upper
from taktsight.recipe import load_recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("parts", type=Path, metavar="PARTS.csv")
    parser.add_argument("--limits", type=Path, metavar="RECIPE.yaml", help="judge scores by these limits")
    parser.add_argument("--confidence", type=share, default=0.95, help="of each interval (0.95)")
    parser.add_argument("--ignore-column", action="append", default=[], metavar="NAME")
    add_output(parser)


def main(arguments: argparse.Namespace) -> int:
    """0 once it is counted."""
    if not 0.5 < arguments.confidence < 1:
        raise ConfigError(f"--confidence lies between 0.5 and 1, got {arguments.confidence:g}")
    parts = read_parts(arguments.parts, ignored=arguments.ignore_column)
    if arguments.limits is not None:
        parts = judged(parts, arguments.limits)
    seen = overview(parts, arguments.confidence)
    tell(arguments, _figures(arguments, seen), _tables(seen))
    return 0


def judged(parts: Parts, recipe: Path) -> Parts:
    """The parts with the verdicts that a recipe's limits give their scores.

    Raises:
        ConfigError: If it does not limit just the labels that were scored, or tolerates an area.
    """
    limits = {limit.label: limit for limit in load_recipe(recipe).limits}
    if set(limits) != set(parts.labels):
        scored = ", ".join(parts.labels) or "none"
        raise ConfigError(f"{recipe}: limits {', '.join(limits)}, and the labels with scores are {scored}")
    areas = [label for label, limit in limits.items() if limit.max_area_mm2]
    if areas:
        raise ConfigError(f"{recipe}: tolerates an area of {areas[0]}, and a table of scores has no areas")
    review, reject = (
        np.array([getattr(limits[label], name) for label in parts.labels])
        for name in ("review_score", "reject_score")
    )
    held, rejected = (parts.scores >= review).any(axis=1), (parts.scores >= reject).any(axis=1)
    return replace(parts, outcome=np.where(rejected, REJECT, np.where(held, REVIEW, PASS)))


def _figures(arguments: argparse.Namespace, seen: Overview) -> dict[str, object]:
    whole = seen.groups[0]
    named = (("escape", whole.escape), ("overkill", whole.overkill), ("review", whole.review))
    rates = {name: rate for name, rate in named if rate is not None}
    return {
        "data": {"name": arguments.parts.name, "sha256": file_digest(arguments.parts)},
        "confidence": arguments.confidence,
        "groups": seen.groups,
        "wilson": {name: wilson(rate.events, rate.parts, rate.confidence) for name, rate in rates.items()},
        "at_most": {
            name: {
                "exact": upper_bound(rate.events, rate.parts, arguments.confidence),
                "wilson": wilson_upper(rate.events, rate.parts, arguments.confidence),
            }
            for name, rate in rates.items()
        },
        "by_lot": {"escape": seen.escape_by_lot, "overkill": seen.overkill_by_lot},
    }


def _tables(seen: Overview) -> list[Table | str]:
    columns = ("parts", "escape", "overkill", "review load")
    shown = [table("Rates, with Clopper–Pearson intervals", columns, map(_row, seen.groups))]
    lines = [
        _by_lot(name, rate)
        for name, rate in (("escape", seen.escape_by_lot), ("overkill", seen.overkill_by_lot))
        if rate is not None and rate.rate.parts
    ]
    return [*shown, _one_sided(seen.groups[0]), *lines]


def _one_sided(whole: GroupRates) -> str:
    sure = 100 * whole.escape.confidence
    bounds = [
        f"{name} at most {upper_bound(rate.events, rate.parts, rate.confidence):.2%}"
        for name, rate in (("escape", whole.escape), ("overkill", whole.overkill))
        if rate is not None
    ]
    return f"One-sided, {sure:.4g} %: {', '.join(bounds)}."


def _row(group: GroupRates) -> tuple[str, ...]:
    name = f"{group.by} {group.name}".strip()
    return (name, str(group.escape), str(group.overkill or ""), str(group.review))


def _by_lot(name: str, rate: LotRate) -> str:
    if rate.design_effect is None:
        return f"{name} by lot: {rate.in_words or 'a part a lot'}"
    words = f"; {rate.in_words}" if rate.in_words else ""
    return (
        f"{name} by lot: {rate.rate.value:.2%} [{rate.low:.2%}, {rate.high:.2%}], {rate.lots:,} lots, "
        f"design effect {rate.design_effect:.2f}{words}"
    )
