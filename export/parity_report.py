"""How engines answer beside the trained network: an HTML page for people, a JSON file for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from taktsight.card import Card, Parity
from taktsight.export.parity import Compared, parity_of
from taktsight.inspect.engines import engine_named
from taktsight.recipe import Limit
from taktsight.records import Image, Prediction, Verdict
from taktsight.training.evaluation.gallery import Picture, score_map
from taktsight.training.evaluation.judged import OpenedPart
from taktsight.training.evaluation.pictures import colours, data_uri, fitted
from taktsight.whole_files import whole_file

PAGE, FIGURES = "parity.html", "parity.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One engine."""

    parity: Parity
    passed: bool
    limit: float
    """Share of verdicts that may flip."""


@dataclass(frozen=True, slots=True)
class FlipShown:
    """One part whose verdict flipped."""

    engine: str
    name: str
    label: str
    trained: Verdict
    exported: Verdict
    pictures: tuple[Picture, ...]


def write_parity(
    folder: Path, compared: Mapping[str, Sequence[Compared]], card: Card, flip_limit: float
) -> Path:
    """Writes ``parity.html`` and ``parity.json`` and returns the page's path.

    Args:
        folder: is made if need be.
        compared: the parts of each engine.
        card: labels and limits.
        flip_limit: share of verdicts that may flip, in other precisions than float32.
    """
    rows = [_row(parts, engine, flip_limit) for engine, parts in compared.items()]
    flips = [
        _shown(engine, each, card)
        for engine, parts in compared.items()
        for each in parts
        if each.flip is not None
    ]
    folder.mkdir(parents=True, exist_ok=True)
    content = [
        row.parity.model_dump(mode="json") | {"passed": row.passed, "limit": row.limit} for row in rows
    ]
    for name, text in (
        (FIGURES, json.dumps({"bundle": card.name, "engines": content}, indent=1) + "\n"),
        (PAGE, _page(card, rows, flips)),
    ):
        with whole_file(folder / name) as file:
            file.write(text.encode())
    return folder / PAGE


def _row(parts: Sequence[Compared], engine: str, flip_limit: float) -> Row:
    limit = 0.0 if engine_named(engine).precision == "f32" else flip_limit
    parity = parity_of(parts, engine, "the trained network")
    return Row(parity, parity.flip_share <= limit, limit)


def _shown(engine: str, compared: Compared, card: Card) -> FlipShown:
    assert compared.flip is not None
    pictures: list[Picture] = []
    views = zip(
        compared.images, compared.flip.trained, compared.flip.exported, compared.flip.map_px, strict=True
    )
    for image, trained, exported, map_px in views:
        pictures.append(Picture(data_uri(fitted(colours(image))), f"frame of {trained.view}"))
        if card.located:
            pictures += [
                _map(image, trained, map_px, card.limits, "trained"),
                _map(image, exported, map_px, card.limits, engine),
            ]
    sample = compared.sample
    return FlipShown(
        engine,
        "/".join(sample.images[0].parts[-2:]),
        sample.label,
        compared.trained,
        compared.exported,
        tuple(pictures),
    )


def _map(image: Image, prediction: Prediction, map_px: int, limits: Sequence[Limit], by: str) -> Picture:
    opened = OpenedPart(image, prediction.maps, None, map_px, view=prediction.view)
    shown = score_map(fitted(colours(opened.image)), opened, limits)
    return Picture(shown.uri, f"{by}: {shown.text}")


def _page(card: Card, rows: Sequence[Row], flips: Sequence[FlipShown]) -> str:
    home = Path(__file__).parent
    looks = Path(__file__).parent.parent / "training" / "evaluation" / "report.css"
    environment = Environment(loader=FileSystemLoader(home), autoescape=True, undefined=StrictUndefined)
    page: str = environment.get_template("parity.html").render(
        css=Markup(looks.read_text(encoding="utf-8")),  # noqa: S704  # ours
        card=card,
        rows=rows,
        flips=flips,
    )
    return page
