"""What the frames of a view must be like: learn the bands from good parts, or hold frames against them.

    taktsight health learn recipe.yaml good/                        # prints the bands
    taktsight health learn recipe.yaml good/ --reference good/1.png --write
    taktsight health learn recipe.yaml --records records/ --write   # of the parts that passed on the line
    taktsight health show recipe.yaml                               # the bands there are
    taktsight health show recipe.yaml images/                       # and what is out of them
    taktsight health show recipe.yaml --records records/            # the same of a shift: does it drift?

A band reaches from the lowest to the highest value of the good frames, and --margin of the distance to the
median beyond. A line measures from when the view has 'health:', be it empty.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from taktsight.errors import ConfigError
from taktsight.health_bands import MEASURES, Health
from taktsight.image_health import Reference
from taktsight.inspect.health_file import health_block, write_health
from taktsight.inspect.health_learning import FEW_FRAMES, MARGIN, Learned, learn_from_values
from taktsight.inspect.health_values import Measured, chosen_view, measure_images, read_reference, recorded
from taktsight.recipe import View, load_recipe

MAX_LISTED = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do with which recipe and frames."""
    parser.add_argument("action", choices=("learn", "show"))
    parser.add_argument("recipe", type=Path, metavar="RECIPE.yaml")
    parser.add_argument(
        "images", type=Path, nargs="?", metavar="IMAGES", help="a folder, or a text file that lists images"
    )
    parser.add_argument("--records", type=Path, metavar="RECORDS", help="what a line measured, instead")
    parser.add_argument("--view", metavar="CAMERA", help="of a recipe with several views")
    parser.add_argument("--reference", type=Path, metavar="IMAGE", help="a good part, for its place")
    parser.add_argument(
        "--channels", type=int, choices=(1, 3), help="as the bundle wants frames (as the images are)"
    )
    parser.add_argument(
        "--margin", type=float, default=MARGIN, help=f"beyond the farthest good frame ({MARGIN:g})"
    )
    parser.add_argument("--write", action="store_true", help="put the bands into the recipe")


def main(arguments: argparse.Namespace) -> int:
    """Exit status 1 where 'show' finds a frame out of band."""
    console = Console(highlight=False, soft_wrap=True)
    view = chosen_view(load_recipe(arguments.recipe), arguments.view, arguments.recipe)
    if arguments.margin < 0:
        raise ConfigError("--margin is a share, 0 or more")
    if arguments.action == "learn":
        return _learn(console, arguments, view)
    return _show(console, arguments, view)


def _learn(console: Console, arguments: argparse.Namespace, view: View) -> int:
    frames = _frames(arguments, view, passed=True)
    if not frames:
        raise ConfigError("learn needs IMAGES of good parts, or --records of a line that saw some")
    values = [frame.values for frame in frames]
    learned = learn_from_values(values, mm_per_px=view.mm_per_px, margin=arguments.margin)
    health = _said(arguments, view, learned, {frame.frame_px for frame in frames})
    comment = _comment(learned, arguments.margin, _today())
    console.print(health_block(health, comment), markup=False, end="")
    for what in learned.left_out:
        console.print(f"no band for {what}", markup=False)
    if learned.frames < FEW_FRAMES:
        console.print(f"{learned.frames} frames are few: with {FEW_FRAMES} the ends are better known")
    if arguments.write:
        write_health(arguments.recipe, view.camera, health, comment)
        console.print(f"written into {arguments.recipe}, view {view.camera}", markup=False)
    return 0


def _said(
    arguments: argparse.Namespace, view: View, learned: Learned, sizes: set[tuple[int, int] | None]
) -> dict[str, Any]:
    """The view's health as the recipe says it: what it had, with other bands."""
    before = view.health or Health()
    said: dict[str, Any] = {"when_out": before.when_out}
    frame_px = before.frame_px if sizes == {None} else (sizes.pop() if len(sizes) == 1 else None)
    if frame_px is not None:
        said["frame_px"] = list(frame_px)
    said |= learned.bands
    reference = arguments.reference
    if reference is not None:
        said["reference"] = os.path.relpath(reference, arguments.recipe.parent)
    elif before.reference is not None:
        said["reference"] = str(before.reference)
        if before.reference_sha256 is not None:
            said["reference_sha256"] = before.reference_sha256
    return said


def _comment(learned: Learned, margin: float, today: str) -> str:
    return f"learned {today} from {learned.frames} frames of good parts, margin {margin:g}"


def _today() -> str:
    return f"{datetime.now(timezone.utc):%Y-%m-%d}"


def _show(console: Console, arguments: argparse.Namespace, view: View) -> int:
    health = view.health or Health()
    frames = _frames(arguments, view, passed=False)
    if not frames:
        said = health.model_dump(mode="json", exclude_none=True)
        if view.health is None:
            console.print(f"view {view.camera}: no bands, and nothing is measured", markup=False)
        else:
            console.print(health_block(said, ""), markup=False, end="")
        return 0
    faults = {frame.name: health.faults(frame.values) for frame in frames}
    out = {name: found for name, found in faults.items() if found}
    console.print(_table(health, frames, list(faults.values())))
    for name, found in list(out.items())[:MAX_LISTED]:
        console.print(f"{name}: {', '.join(found.values())}", markup=False)
    if len(out) > MAX_LISTED:
        console.print(f"… and {len(out) - MAX_LISTED} more")
    console.print(f"{len(out)} of {len(frames)} frames are out of a band")
    return int(bool(out))


def _frames(arguments: argparse.Namespace, view: View, *, passed: bool) -> list[Measured]:
    if arguments.records is not None:
        if arguments.images is not None or arguments.reference is not None:
            raise ConfigError("--records are instead of IMAGES, and of what a reference was then")
        return recorded(arguments.records, view.camera, passed=passed)
    if arguments.images is None:
        return []
    return measure_images(arguments.images, view, _reference(arguments, view), arguments.channels)


def _reference(arguments: argparse.Namespace, view: View) -> Reference | None:
    """The image that is named, else the recipe's, else the golden template."""
    file = arguments.reference
    if file is None:
        relative = (view.health.reference if view.health else None) or view.reference
        file = arguments.recipe.parent / relative if relative is not None else None
    return None if file is None else read_reference(file, view, arguments.channels)


def _table(health: Health, frames: Sequence[Measured], faults: Sequence[dict[str, str]]) -> Table:
    """``start`` and ``end`` are the medians of the first and the last tenth: a drift shows there."""
    table = Table("measure", "band", "lowest", "median", "highest", "start", "end", "out", box=None)
    tenth = max(1, len(frames) // 10)
    for name in MEASURES:
        values = [frame.values[name] for frame in frames if name in frame.values]
        if not values:
            continue
        band = health.bands.get(name)
        ends = "" if band is None else f"{_end(band.min)} … {_end(band.max)}"
        medians = map(statistics.median, (values, values[:tenth], values[-tenth:]))
        whole, first, last = (f"{value:.4g}" for value in medians)
        out = sum(name in found for found in faults)
        style = "bold red" if out else "dim"
        row = (escape(ends), f"{min(values):.4g}", whole, f"{max(values):.4g}", first, last)
        table.add_row(name, *row, f"[{style}]{out}[/]")
    return table


def _end(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
