"""How many verdicts flip when the light fades, the lens blurs, the part moves or the camera is noisy.

    taktsight robustness part.taktsight images/ --truth index.csv          # a table
    taktsight robustness part.taktsight images/ --recipe recipe.yaml --json out.json --plot out.png

Every image is judged as it is and under each perturbation, by the bundle on the line's own path. Beside it
stands what image health would have stopped (UNINSPECTED): the two together tell what escapes. Bands are the
recipe's; where it has none, they are learned from those of the images that pass as they are.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from taktsight.bundle import Bundle, check_expiry, read_bundle
from taktsight.errors import ConfigError, DataError
from taktsight.inspect.backends.backend import open_backend
from taktsight.inspect.cameras.folder import list_images
from taktsight.inspect.engines import REFERENCE, engine_named
from taktsight.inspect.fit import check_proof
from taktsight.inspect.inspector import Inspector
from taktsight.inspect.perturbations import PERTURBATIONS, READ_NOISE_E, Perturbation
from taktsight.inspect.references import health_reference, read_recipe
from taktsight.inspect.robustness import Bands, judge_all, learned_bands, own_bands
from taktsight.inspect.truth import GOOD, read_truth
from taktsight.quality.rates import Rate
from taktsight.quality.robustness import Robustness, compare
from taktsight.recipe import Recipe, check_fit
from taktsight.records import Image

WIDTH = 132
"""Of the table, columns at least: a terminal wraps it, a file keeps it whole."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is perturbed, and how it is judged."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument(
        "images", type=Path, metavar="IMAGES", help="a folder, or a text file that lists images"
    )
    parser.add_argument("--recipe", type=Path, help="limits and bands to judge by (the card's own limits)")
    parser.add_argument(
        "--truth", type=Path, metavar="INDEX.csv", help="columns image,label; good = no defect"
    )
    parser.add_argument("--engine", default=REFERENCE, metavar="NAME", help=f"({REFERENCE})")
    parser.add_argument("--threads", type=int, help="threads for one inference (one per core)")
    parser.add_argument("--most", type=int, metavar="N", help="images at most, evenly spread")
    parser.add_argument(
        "--kind", action="append", metavar="KIND", help="light, blur, shift, rotation, noise"
    )
    parser.add_argument("--gamma", type=float, default=1.0, help="of the camera (1: it has none)")
    parser.add_argument("--seed", type=int, default=0, help="of the noise (0)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every count and bound, for programs")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="a chart: .png, .svg or .pdf")


def main(arguments: argparse.Namespace) -> int:
    """Exit status 0 whatever flips."""
    perturbations = _asked(arguments)
    bundle = read_bundle(arguments.bundle)
    check_expiry(bundle.card, datetime.now(timezone.utc).date(), str(arguments.bundle))
    recipe, templates = _recipe(arguments, bundle)
    engine = engine_named(arguments.engine, threads=arguments.threads)
    check_proof(arguments.engine, bundle.card, recipe)
    inspector = Inspector(
        open_backend(engine, bundle.models), bundle.card, recipe, bundle.digest, templates
    )
    images, is_defective = _images(arguments)
    console = Console(highlight=False, width=max(Console().width, WIDTH))
    view, channels = recipe.views[0], bundle.card.canvas.channels
    bands = own_bands(view, health_reference(view, templates.get(view.camera), channels))
    bands = bands or learned_bands(inspector, images, view, channels)
    with _progress() as progress:
        task = progress.add_task("images", total=len(images))
        judged = judge_all(
            inspector,
            images,
            perturbations,
            view=view,
            channels=channels,
            bands=bands,
            is_defective=is_defective,
            gamma=arguments.gamma,
            seed=arguments.seed,
            progress=lambda: progress.advance(task),
        )
    found = {each: compare(parts) for each, parts in judged.items()}
    _print(console, found, bands, len(images))
    if arguments.json is not None:
        _write_json(arguments, bundle, recipe, bands, found)
    if arguments.plot is not None:
        _draw(arguments.plot, found)
    return 0


def _asked(arguments: argparse.Namespace) -> list[Perturbation]:
    kinds = dict.fromkeys(each.kind for each in PERTURBATIONS)
    unknown = [kind for kind in arguments.kind or () if kind not in kinds]
    if unknown:
        raise ConfigError(f"--kind {unknown[0]}: there is none such; {', '.join(kinds)} are")
    if not 0.2 <= arguments.gamma <= 5:
        raise ConfigError(f"--gamma {arguments.gamma:g}: 0.2 to 5 is wanted, 1 for a camera without")
    return [each for each in PERTURBATIONS if arguments.kind is None or each.kind in arguments.kind]


def _recipe(arguments: argparse.Namespace, bundle: Bundle) -> tuple[Recipe, Mapping[str, Image]]:
    card, templates = bundle.card, dict[str, Image]()
    if arguments.recipe is None:
        recipe = card.own_recipe()
    else:
        recipe, templates = read_recipe(arguments.recipe, card.canvas.channels)
    check_fit(recipe, card.labels, located=card.located, paired=card.canvas.paired, views=len(card.views))
    if len(recipe.views) > 1:
        raise ConfigError(
            f"robustness judges parts of one view, and the recipe has {len(recipe.views)}: "
            "nobody knows how the light of several cameras fades together"
        )
    return recipe, templates


def _images(arguments: argparse.Namespace) -> tuple[list[Path], dict[Path, bool]]:
    images = list_images(arguments.images)
    if arguments.most is not None and arguments.most < len(images):
        chosen = np.linspace(0, len(images) - 1, max(1, arguments.most)).round().astype(int)
        images = [images[place] for place in chosen]
    if arguments.truth is None:
        return images, {}
    labels = read_truth(arguments.truth)
    base = arguments.truth.parent.resolve()
    found = {}
    for file in images:
        path = file.resolve()
        name = path.relative_to(base).as_posix() if path.is_relative_to(base) else file.as_posix()
        if name not in labels:
            raise DataError(f"{arguments.truth}: has no label of {name}")
        found[file] = labels[name] != GOOD
    return images, found


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())


def _print(console: Console, found: Mapping[Perturbation, Robustness], bands: Bands, images: int) -> None:
    known = any(each.escapes_caused is not None for each in found.values())
    table = Table(box=None)
    names = ["perturbed", "flipped", "lost passes", "new passes", "stopped by health", "and not stopped"]
    names += ["escapes caused", "and not stopped"] if known else []
    for number, name in enumerate(names):
        table.add_column(name, justify="left" if number in (0, 1) else "right")
    kind = ""
    for perturbation, each in found.items():
        if kind not in ("", perturbation.kind):
            table.add_section()
        kind = perturbation.kind
        cells = [
            str(perturbation),
            f"{_counted(each.flips)}, ≤ {each.flips.high:.1%}",
            _counted(each.passes_lost),
            _counted(each.passes_gained),
            _counted(each.stopped),
            _alarming(each.gained_through_health),
        ]
        if each.escapes_caused is not None and each.escapes_through_health is not None:
            cells += [_counted(each.escapes_caused), _alarming(each.escapes_through_health)]
        table.add_row(*cells)
    console.print(table)
    console.print(
        f"{images:,} images; ≤: exact upper bound of the 95 % interval. Lost passes: passed as they are, "
        "held up perturbed. New passes: held up as they are, passed perturbed; with --truth those that are "
        f"defective are escapes. Health: {bands.said} ({', '.join(bands.health.bands) or 'none'})",
        markup=False,
        soft_wrap=True,
    )


def _counted(rate: Rate) -> str:
    return f"{rate.events} of {rate.parts}"


def _alarming(rate: Rate) -> str:
    return f"[bold red]{rate.events}[/]" if rate.events else "0"


def _write_json(
    arguments: argparse.Namespace,
    bundle: Bundle,
    recipe: Recipe,
    bands: Bands,
    found: Mapping[Perturbation, Robustness],
) -> None:
    said: dict[str, Any] = {
        "bundle": bundle.digest,
        "recipe": recipe.digest,
        "engine": arguments.engine,
        "gamma": arguments.gamma,
        "seed": arguments.seed,
        "read_noise_e": READ_NOISE_E,
        "confidence": 0.95,
        "health": {"from": bands.said, "bands": bands.health.model_dump(mode="json", exclude_none=True)},
        "perturbations": [
            {"kind": perturbation.kind, "strength": perturbation.strength, **asdict(each)}
            for perturbation, each in found.items()
        ],
    }
    try:
        arguments.json.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{arguments.json}: cannot be written: {error.strerror}") from error


def _draw(path: Path, found: Mapping[Perturbation, Robustness]) -> None:
    try:
        from taktsight.training.evaluation.robustness_chart import draw_robustness
    except ModuleNotFoundError as error:
        raise ConfigError(f"--plot needs {error.name}; pip install 'taktsight[train]'") from error
    rows: Sequence[tuple[str, float, Robustness]] = [
        (perturbation.kind, perturbation.strength, each) for perturbation, each in found.items()
    ]
    draw_robustness(path, rows)
