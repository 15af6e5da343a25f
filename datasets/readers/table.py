"""A CSV table: one row per image, or one per box.

The columns are ``image`` and ``label``, with ``mask`` or ``x0``, ``y0``, ``x1``, ``y1`` where there are
any; the rest are not looked at. Paths are relative to the table or to the root. A row without a box is the
label of the whole part.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from taktsight.datasets.readers.album import Album
from taktsight.datasets.readers.documents import documents_at, number, only_document, read_text
from taktsight.datasets.readers.outlines import rectangle
from taktsight.datasets.readers.sizes import Size
from taktsight.datasets.regions import Region
from taktsight.errors import ConfigError, DataError

BOX = ("x0", "y0", "x1", "y1")
COLUMNS = ("image", "label", "mask", *BOX)
Row = dict[str, str]
Rows = list[tuple[str, Row]]
"""Place in the file, and the fields."""


def read_table(album: Album, annotations: Path | None) -> None:
    """Takes every image that has a row.

    Args:
        album: the images.
        annotations: the table; the one .csv below the root where it is left out.

    Raises:
        ConfigError: If a column is absent.
    """
    for file in documents_at(annotations, ".csv") if annotations else only_document(album.root, ".csv"):
        try:
            by_image = _read_rows(file)
        except DataError as error:
            album.unread(file, error)
            continue
        for name, rows in by_image.items():
            _take(album, file, name, rows)


def _read_rows(file: Path) -> dict[str, Rows]:
    """The rows of each image, in the order of the table."""
    try:
        table = list(csv.reader(io.StringIO(read_text(file), newline=""), strict=True))
    except csv.Error as error:
        raise DataError(f"is not a table ({error}); save it as CSV with commas") from error
    columns = table[0] if table else []
    twice = sorted({column for column in columns if columns.count(column) > 1 and column in COLUMNS})
    if twice:
        raise DataError(f"has the column {', '.join(twice)} twice; keep one")
    wanted = ["image", "label", *(BOX if set(BOX) & set(columns) else ())]
    missing = [column for column in wanted if column not in columns]
    if missing:
        raise ConfigError(f"{file}: has no column {', '.join(missing)} (it has {', '.join(columns)})")
    by_image: dict[str, Rows] = {}
    for place, fields in enumerate(table[1:], start=2):
        row = dict(zip(columns, (field.strip() for field in fields), strict=False))
        if fields and not row.get("image"):
            raise DataError(f"row {place} names no image; complete it")
        if fields:
            row = row if len(fields) == len(columns) else {}
            by_image.setdefault(row.get("image", fields[columns.index("image")].strip()), []).append(
                (f"row {place}", row)
            )
    return by_image


def _take(album: Album, file: Path, name: str, rows: Rows) -> None:
    image = album.find(name, file, rows[0][0], folders=("",))
    if image is None:
        return
    try:
        boxes = _boxes(rows)
    except DataError as error:
        album.fault("annotation", file, error, image=image)
        return
    place, row = rows[0]
    sample = album.draw(image, file, boxes, _region)
    if boxes or sample is None:
        return
    album.judge(image, file, place, [row["label"]])
    mask = album.find(row["mask"], file, f"{place}, mask", ("",)) if row.get("mask") else None
    if mask and row["label"] == album.good:
        album.fault("annotation", file, f"{place}: a good part has a mask; correct one", image=image)
    elif mask:
        album.add_mask(image, mask)


def _boxes(rows: Rows) -> Rows:
    """The rows of one image that have a box: all, or none of a single row."""
    for place, row in rows:
        if not row:
            raise DataError(f"{place}: has more or fewer fields than there are columns; correct it")
    boxes = [(place, row) for place, row in rows if any(row.get(key) for key in BOX)]
    if len(rows) > 1 and len(boxes) < len(rows):
        raise DataError(
            f"{rows[1][0]}: is one of {len(rows)} rows of {rows[0][1]['image']!r}, and not each has a box; "
            "keep one row, or give each its box"
        )
    if boxes and any(row.get("mask") for _, row in rows):
        raise DataError(f"{rows[0][0]}: has a mask and a box; keep one")
    return boxes


def _region(row: Row, size: Size) -> Region:
    x0, y0, x1, y1 = (number(row[key], key) for key in BOX)
    return Region(row["label"], rectangle(x0, y0, x1, y1, size))
