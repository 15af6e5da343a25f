"""Label Studio: one JSON export of tasks; boxes and polygons in percent, and choices for the whole part.

``data.image`` names the image: an upload by its file name, a local file by its path, everything else as a
path. An annotation with no result is a good part; a task nobody annotated, or that was skipped, has none.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from urllib.parse import unquote

from taktsight.datasets.readers.album import Album
from taktsight.datasets.readers.documents import Entry, documents_at, only_document, parsed, read_json
from taktsight.datasets.readers.outlines import polygon, rectangle
from taktsight.datasets.readers.sizes import Size
from taktsight.datasets.regions import Region, Shape
from taktsight.errors import DataError

REFUSED = {
    "brushlabels": "export the brush as COCO or as PNG masks and read that",
    "ellipselabels": "draw a polygon",
    "keypointlabels": "a point covers no area: draw a polygon",
}
"""Kinds of result that hold no area we can read, and what to do."""


class _Data(Entry):
    image: str


class _Annotation(Entry):
    result: list[object]
    was_cancelled: bool = False


class _Task(Entry):
    data: _Data
    annotations: list[_Annotation]


class _Kind(Entry):
    type: str


class _Choices(Entry):
    choices: list[str]


class _Chosen(Entry):
    value: _Choices


class _Drawn(Entry):
    x: float | None = None
    y: float | None = None
    width: float | None = None
    height: float | None = None
    rotation: float = 0.0
    points: list[list[float]] = []  # noqa: RUF012  # pydantic copies it
    rectanglelabels: list[str] = []  # noqa: RUF012
    polygonlabels: list[str] = []  # noqa: RUF012


class _Result(Entry):
    type: str
    value: _Drawn
    original_width: int
    original_height: int


def read_label_studio(album: Album, annotations: Path | None) -> None:
    """Takes every image that a task shows and somebody annotated.

    Args:
        album: the images.
        annotations: the JSON export, or a folder to read every JSON file in it; the one below the root
            where it is left out.
    """
    for file in documents_at(annotations, ".json") if annotations else only_document(album.root, ".json"):
        try:
            tasks = read_json(file)
            if not isinstance(tasks, list):
                raise DataError("is not a list of tasks; export it as 'JSON', not as another format")
        except DataError as error:
            album.unread(file, error)
            continue
        for place, task in enumerate(tasks):
            _take(album, file, f"tasks[{place}]", task)


def _take(album: Album, file: Path, entry: str, raw: object) -> None:
    try:
        task = parsed(_Task, raw)
        name = _file_name(album, task.data.image)
        made = [annotation for annotation in task.annotations if not annotation.was_cancelled]
        if len(made) > 1:
            raise DataError(f"{name!r} has {len(made)} annotations; keep the one that counts")
    except DataError as error:
        album.fault("annotation", file, f"{entry}: {error}")
        return
    image = album.find(name, file, entry) if made else None
    if image:
        results = [(f"{entry}, result[{place}]", each) for place, each in enumerate(made[0].result)]
        album.draw(image, file, [(place, each) for place, each in results if not _is_choice(each)], _region)
        choices = [choice for _, each in results if _is_choice(each) for choice in _choices(each)]
        album.judge(image, file, entry, choices)


def _file_name(album: Album, address: str) -> str:
    """The path that a task's address means."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", address):
        raise DataError(f"the image lies at {address!r}; download it and write its path below {album.root}")
    if "/data/local-files/?d=" in address:
        return unquote(address.partition("?d=")[2])
    uploaded = re.fullmatch(r"/data/upload/(?:\d+/)?([^/]+)", address)
    if not uploaded:
        return address
    name = unquote(uploaded[1])
    if any(image.name == name for image in album.images):
        return name
    return re.sub(r"^[0-9a-f]{8}-", "", name)  # an upload gets eight digits before its name


def _is_choice(raw: object) -> bool:
    return isinstance(raw, dict) and raw.get("type") == "choices"


def _choices(raw: object) -> list[str]:
    try:
        return parsed(_Chosen, raw).value.choices
    except DataError:
        return [""]  # no name: refused as such


def _region(raw: object, size: Size) -> Region:
    kind = parsed(_Kind, raw).type
    if kind not in {"rectanglelabels", "polygonlabels"}:
        todo = REFUSED.get(kind, "draw with RectangleLabels or PolygonLabels")
        raise DataError(f"is of the kind {kind!r}, which cannot be read; {todo}")
    result = parsed(_Result, raw)
    if (result.original_height, result.original_width) != size:
        raise DataError(
            f"was drawn on {result.original_width}×{result.original_height} pixels, the image has "
            f"{size[1]}×{size[0]}; use the images that were annotated"
        )
    labels = result.value.rectanglelabels or result.value.polygonlabels
    if len(labels) != 1:
        raise DataError(f"has {len(labels)} labels, wanted is one")
    return Region(labels[0], _outline(kind, result.value, size))


def _outline(kind: str, value: _Drawn, size: Size) -> Shape:
    rows, columns = size
    if kind == "polygonlabels":
        return polygon([_scaled(point, size) for point in value.points], size)
    if value.x is None or value.y is None or value.width is None or value.height is None:
        raise DataError("has no x, y, width and height; draw it again")
    x, y = value.x * columns / 100, value.y * rows / 100
    width, height = value.width * columns / 100, value.height * rows / 100
    if not value.rotation:
        return rectangle(x, y, x + width, y + height, size)
    if width <= 0 or height <= 0:
        raise DataError(f"the box is {width:g}×{height:g} pixels large; draw it again")
    return polygon(_turned(x, y, width, height, math.radians(value.rotation)), size)


def _scaled(point: list[float], size: Size) -> list[float]:
    if len(point) != 2:
        raise DataError("a corner of the polygon is not a pair x, y")
    return [point[0] * size[1] / 100, point[1] * size[0] / 100]


def _turned(x: float, y: float, width: float, height: float, turn: float) -> list[tuple[float, float]]:
    """Corners of a box turned clockwise about its upper left one."""
    cosine, sine = math.cos(turn), math.sin(turn)
    corners = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)]
    return [
        (x + across * cosine - down * sine, y + across * sine + down * cosine) for across, down in corners
    ]
