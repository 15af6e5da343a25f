"""Whether a score means what it says, label by label: ECE, Brier, log loss; as given and calibrated.

    taktsight calibration parts.csv                          # a table
    taktsight calibration parts.csv --json out.json --plot reliability.png

The columns of parts.csv: part (what it is called), truth (good, or its labels joined by |), score:LABEL for
each label, and lot, station, camera, split, size_mm, outcome where they are known. The unit is the part:
one that several cameras saw counts once, with its highest score. Where lots are known the bootstrap draws
lots.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from taktsight.errors import ConfigError
from taktsight.quality.calibration import BINS
from taktsight.quality.calibration_report import CONFIDENCE, FOLDS, RESAMPLES, LabelCalibration, calibrate
from taktsight.quality.parts_file import file_digest, read_parts

WIDTH = 96
"""Of the table, columns at least: three figures with their intervals."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("parts", type=Path, metavar="PARTS.csv")
    parser.add_argument("--bins", type=int, default=BINS, help=f"of each kind ({BINS})")
    parser.add_argument(
        "--resamples", type=int, default=RESAMPLES, metavar="N", help=f"of the bootstrap ({RESAMPLES})"
    )
    parser.add_argument("--seed", type=int, default=0, help="of folds and bootstrap (0)")
    parser.add_argument("--ignore-column", action="append", default=[], metavar="NAME")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every figure and bin, for programs")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="reliability diagrams: .png, .svg or .pdf"
    )


def main(arguments: argparse.Namespace) -> int:
    """Exit status 0 whatever the figures are."""
    if arguments.bins < 2 or arguments.resamples < 20:
        raise ConfigError("--bins is 2 or more, --resamples 20 or more")
    parts = read_parts(arguments.parts, ignored=arguments.ignore_column)
    labels = calibrate(parts, bins=arguments.bins, resamples=arguments.resamples, seed=arguments.seed)
    console = Console(highlight=False, width=max(Console().width, WIDTH))
    for label in labels:
        console.print(_table(label, arguments.bins))
    drawn = "lots" if parts.group("lot") is not None else "parts"
    console.print(
        "by chance below: what 95 % of perfectly calibrated scores keep\n"
        f"intervals: {CONFIDENCE:.0%}, {arguments.resamples:,} bootstrap draws of {drawn}; calibrated "
        f"scores are of parts that the calibration was not fitted to ({FOLDS} folds)",
        soft_wrap=True,
    )
    if arguments.json is not None:
        _write_json(arguments, labels)
    if arguments.plot is not None:
        _draw(arguments.plot, labels)
    return 0


def _table(label: LabelCalibration, bins: int) -> Table:
    title = (
        f"{label.label}: {label.defective:,} of {label.parts:,} parts have it, "
        f"temperature {label.temperature.temperature:.3g}"
    )
    table = Table("", *(each.name for each in label.measured), title=escape(title), box=None)
    for column in table.columns:
        column.no_wrap = True
    table.title_justify, table.title_style = "left", "bold"
    rows = {
        f"ECE, {bins} equal widths": [str(each.ece_width) for each in label.measured],
        "  by chance below": [f"{each.ece_by_chance:.4f}" for each in label.measured],
        f"ECE, {bins} equal masses": [str(each.ece_mass) for each in label.measured],
        "Brier score": [str(each.brier) for each in label.measured],
        "  = reliability": [f"{each.parts_of_brier.reliability:.4f}" for each in label.measured],
        "  − resolution": [f"{each.parts_of_brier.resolution:.4f}" for each in label.measured],
        "  + uncertainty": [f"{each.parts_of_brier.uncertainty:.4f}" for each in label.measured],
        "  + within bins": [f"{each.parts_of_brier.within:.4f}" for each in label.measured],
        "log loss": [str(each.log_loss) for each in label.measured],
    }
    for name, cells in rows.items():
        table.add_row(name, *map(escape, cells))
    return table


def _write_json(arguments: argparse.Namespace, labels: Sequence[LabelCalibration]) -> None:
    said = {
        "parts_sha256": file_digest(arguments.parts),
        "bins": arguments.bins,
        "resamples": arguments.resamples,
        "seed": arguments.seed,
        "confidence": CONFIDENCE,
        "folds": FOLDS,
        "labels": [asdict(label) for label in labels],
    }
    try:
        arguments.json.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{arguments.json}: cannot be written: {error.strerror}") from error


def _draw(path: Path, labels: Sequence[LabelCalibration]) -> None:
    try:
        from taktsight.training.evaluation.calibration_chart import draw_calibration
    except ModuleNotFoundError as error:
        raise ConfigError(f"--plot needs {error.name}; pip install 'taktsight[train]'") from error
    draw_calibration(path, labels)
