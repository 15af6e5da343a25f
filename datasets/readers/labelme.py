"""labelme: a JSON file per image, with the shapes drawn on it.

The image is what ``imagePath`` names; a file without shapes is a good part. Polygons, rectangles and
circles are read; a line or a point covers no area and is refused.
"""

from __future__ import annotations

import math
from pathlib import Path

from taktsight.datasets.readers.album import Album
from taktsight.datasets.readers.documents import Entry, documents_at, parsed, read_json
from taktsight.datasets.readers.outlines import polygon, rectangle
from taktsight.datasets.readers.sizes import Size
from taktsight.datasets.regions import Region, Shape
from taktsight.errors import DataError

CORNERS_OF_A_CIRCLE = 64
"""Off the circle by 0.12 % of its radius."""


class _Document(Entry):
    shapes: list[object]
    imagePath: str  # noqa: N815  # labelme's own names
    imageHeight: int | None = None  # noqa: N815
    imageWidth: int | None = None  # noqa: N815


class _Shape(Entry):
    label: str
    points: list[list[float]]
    shape_type: str = "polygon"


def read_labelme(album: Album, annotations: Path | None) -> None:
    """Takes every image that a JSON file names.

    Args:
        album: the images.
        annotations: the folder of the JSON files, or one of them; the root where it is left out.
    """
    for file in documents_at(annotations or album.root, ".json"):
        try:
            document = parsed(_Document, read_json(file))
        except DataError as error:
            album.unread(file, error)
        else:
            _take(album, file, document)


def _take(album: Album, file: Path, document: _Document) -> None:
    image = album.find(document.imagePath, file)
    if image:
        height, width = document.imageHeight, document.imageWidth
        shapes = [(f"shapes[{place}]", shape) for place, shape in enumerate(document.shapes)]
        album.draw(image, file, shapes, _region, stated=(height, width) if height and width else None)


def _region(raw: object, size: Size) -> Region:
    drawn = parsed(_Shape, raw)
    return Region(drawn.label, _shape(drawn, size))


def _shape(drawn: _Shape, size: Size) -> Shape:
    if drawn.shape_type == "polygon":
        return polygon(drawn.points, size)
    if drawn.shape_type not in {"rectangle", "circle"}:
        raise DataError(
            f"is a {drawn.shape_type!r}, which cannot be read; draw a polygon, a rectangle or a circle"
        )
    if len(drawn.points) != 2 or any(len(point) != 2 for point in drawn.points):
        raise DataError(f"a {drawn.shape_type} has two points x, y; got {len(drawn.points)}; draw it again")
    (x0, y0), (x1, y1) = drawn.points
    if drawn.shape_type == "rectangle":
        return rectangle(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1), size)
    return polygon(_circle(x0, y0, math.hypot(x1 - x0, y1 - y0)), size)


def _circle(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    turns = [2 * math.pi * corner / CORNERS_OF_A_CIRCLE for corner in range(CORNERS_OF_A_CIRCLE)]
    return [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns]
