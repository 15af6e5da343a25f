"""Writes a synthetic data set: images, masks, and tables that say what is true of each part."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from taktsight.datasets.samples import GOOD
from taktsight.datasets.synthetic.lots import LABEL_STREAM, generator
from taktsight.datasets.synthetic.product import Product, RenderedPart
from taktsight.datasets.synthetic.render import render_part
from taktsight.errors import DataError
from taktsight.image_files import encode_png

CAMERA = "camera"
INDEX_COLUMNS = ("image", "mask", "label", "part", "lot", "camera")
Row = Sequence[object]
Rows = tuple[Row, list[Row]]
"""Of one part: its row of the index, its rows of defects."""
DEFECT_COLUMNS = ("part", "label", "length_mm", "width_mm", "area_mm2", "x_px", "y_px", "contrast")


@dataclass(frozen=True, slots=True)
class Written:
    """What a data set holds."""

    parts: int
    by_label: dict[str, int]
    """Parts of each label, ``good`` among them."""
    lots: int


def write_dataset(out: Path, product: Product, *, parts: int, defective_share: float, seed: int) -> Written:
    """Renders parts 0 to ``parts - 1`` into a new folder.

    ``index.csv`` is written last: a folder without it was not finished.

    Args:
        out: an empty or absent folder.
        product: what is rendered.
        parts: how many.
        defective_share: defective parts ÷ all parts, 0–1; spread evenly over lots and kinds.
        seed: of everything random.

    Raises:
        DataError: If the folder holds something, or cannot be written (a full disk); what was
            written by then stays there, without an index.
    """
    labels = plan_labels(product, parts=parts, defective_share=defective_share, seed=seed)
    _claim(out)
    index: list[Row] = []
    defects: list[Row] = []
    try:
        for row, rows in _progress(_render(out, product, seed, labels), parts):
            index.append(row)
            defects += rows
        counts = {label: labels.count(label) for label in (GOOD, *product.labels)}
        written = Written(parts, counts, -(-parts // product.parts_per_lot))
        _write_table(out / "defects.csv", DEFECT_COLUMNS, defects)
        _write_product(out / "product.yaml", product, seed, written)
        (out / "line.txt").write_text("".join(f"{row[0]}\n" for row in index), encoding="utf-8")
        _write_table(out / "index.csv", INDEX_COLUMNS, index)
    except OSError as error:
        raise DataError(f"{out}: cannot be written: {error.strerror}; the data set is not whole") from error
    return written


def plan_labels(product: Product, *, parts: int, defective_share: float, seed: int) -> list[str]:
    """The label of every part: each lot has its share of defective parts, each kind its share of those.

    Raises:
        ValueError: If there are no parts or the share is not within 0–1.
    """
    if parts < 1:
        raise ValueError(f"parts must be ≥ 1, got {parts}")
    if not 0 <= defective_share <= 1:
        raise ValueError(f"defective_share must be within 0–1, got {defective_share}")
    rng = generator(seed, LABEL_STREAM)
    total = round(parts * defective_share)
    if total and not product.labels:
        raise ValueError("defective parts were asked for and the product has no kind of defect")
    kinds: list[str] = []
    while len(kinds) < total:
        kinds += rng.permutation(product.labels).tolist()
    labels: list[str] = []
    for start in range(0, parts, product.parts_per_lot):
        end = min(start + product.parts_per_lot, parts)
        first, last = start * total // parts, end * total // parts
        lot = kinds[first:last] + [GOOD] * (end - start - (last - first))
        labels += rng.permutation(lot).tolist()
    return labels


def _render(out: Path, product: Product, seed: int, labels: Sequence[str]) -> Iterator[Rows]:
    """Renders and writes every part, a thread per core; gives their rows in order."""

    def render(number: int, label: str) -> Rows:
        part = render_part(product, seed, number, None if label == GOOD else label)
        return _write_part(out, part), _defect_rows(part)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(render, range(len(labels)), labels)


def _claim(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        held = next(out.iterdir(), None)
    except OSError as error:
        raise DataError(f"{out}: cannot be used as a folder: {error.strerror}") from error
    if held is not None:
        raise DataError(f"{out}: is not empty (it holds {held.name}); name a new folder")


def _write_part(out: Path, part: RenderedPart) -> Row:
    """Writes image and mask; returns the part's row of the index."""
    name = f"{part.label}/{part.part_name}.png"
    image, mask = f"images/{name}", f"masks/{name}" if part.defects else ""
    _write_png(out / image, encode_png(part.image))
    if mask:
        _write_png(out / mask, encode_png(part.mask))
    return image, mask, part.label, part.part_name, part.lot_name, CAMERA


def _write_png(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _defect_rows(part: RenderedPart) -> list[Row]:
    return [
        (
            part.part_name,
            defect.label,
            f"{defect.length_mm:.3f}",
            f"{defect.width_mm:.3f}",
            f"{defect.area_mm2:.4f}",
            f"{defect.centre_px[0]:.1f}",
            f"{defect.centre_px[1]:.1f}",
            f"{defect.contrast:.3f}",
        )
        for defect in part.defects
    ]


def _write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns)
        table.writerows(rows)


def _write_product(path: Path, product: Product, seed: int, written: Written) -> None:
    content = {
        "product": "synthetic flange",
        "size_px": product.size_px,
        "mm_per_px": product.mm_per_px,
        "seed": seed,
        "parts_per_lot": product.parts_per_lot,
        "lots": written.lots,
        "parts": written.parts,
        "parts_by_label": written.by_label,
    }
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def _progress(parts: Iterable[Rows], total: int) -> Iterator[Rows]:
    """The parts, with a line on the terminal that says how far it is."""
    from rich.console import Console
    from rich.progress import track

    silent = not sys.stderr.isatty()
    console = Console(stderr=True)
    yield from track(parts, "rendering parts", total=total, console=console, disable=silent)
