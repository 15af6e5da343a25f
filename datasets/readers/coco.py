"""COCO: one JSON file of images, annotations and categories; boxes, polygons and run lengths.

An image that the file lists without annotations is a good part, unless its own key ``label`` says what the
whole part is: a defect that nobody drew. The files ``instances_train.json``,
``instances_val.json`` and ``instances_test.json`` bring their split, and an image's keys ``part``, ``lot``
and ``camera`` are taken where they are there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from taktsight.datasets.readers.album import IMAGE_FOLDERS, Album
from taktsight.datasets.readers.documents import (
    Entry,
    EntryT,
    documents_at,
    only_document,
    parsed,
    read_json,
)
from taktsight.datasets.readers.outlines import pairs, rectangle, ring
from taktsight.datasets.readers.run_strings import run_counts
from taktsight.datasets.readers.sizes import Size
from taktsight.datasets.regions import Polygon, Region, RunLengths, Shape
from taktsight.datasets.samples import Split
from taktsight.errors import DataError

SPLIT_BY_STEM: dict[str, Split] = {
    "instances_train": "train",
    "instances_val": "val",
    "instances_test": "test",
}


class _Document(Entry):
    images: list[object]
    annotations: list[object]
    categories: list[object]


class _Image(Entry):
    id: int | str
    file_name: str
    height: int | None = None
    width: int | None = None
    part: str = ""
    lot: str = ""
    camera: str = ""
    label: str = ""


class _Category(Entry):
    id: int
    name: str


class _Owned(Entry):
    image_id: int | str


class _Runs(Entry):
    size: list[int]
    counts: list[int] | str


class _Annotation(Entry):
    category_id: int
    bbox: list[float] | None = None
    segmentation: _Runs | list[list[float]] | None = None


Drawing = tuple[str, object]
"""Place in the file, and what stands there."""


def read_coco(album: Album, annotations: Path | None) -> None:
    """Takes every image that the files list.

    Args:
        album: the images.
        annotations: the JSON file, or a folder to read every JSON file in it; the one below the root
            where it is left out.
    """
    for file in documents_at(annotations, ".json") if annotations else only_document(album.root, ".json"):
        try:
            document = parsed(_Document, read_json(file))
        except DataError as error:
            album.unread(file, error)
        else:
            _take(album, file, document)


def _take(album: Album, file: Path, document: _Document) -> None:
    names = _names(album, file, document.categories)
    images = [image for _, image in _each(album, file, "images", document.images, _Image)]
    known = Counter(image.id for image in images)
    owners = list(_each(album, file, "annotations", document.annotations, _Owned))
    # Whose defect it is nobody knows: then none of the images is known to be good.
    astray = len(owners) < len(document.annotations)
    drawings: dict[int | str, list[Drawing]] = defaultdict(list)
    for number, owner in owners:
        raw = document.annotations[number]
        drawings[owner.image_id].append((_place("annotations", number, raw), raw))
        if owner.image_id not in known:
            message = f"{_place('annotations', number, raw)}: there is no image {owner.image_id!r}; list it"
            album.fault("orphan", file, message)
    for image in images:
        path = album.find(image.file_name, file, f"image {image.id!r}", _folders(file))
        if path and known[image.id] > 1:
            message = f"the id {image.id!r} is given to {known[image.id]} images; number them anew"
            album.fault("annotation", file, message, image=path)
        elif path and not astray:
            _draw(album, file, path, image, drawings[image.id], names)


def _draw(
    album: Album, file: Path, path: Path, image: _Image, drawings: list[Drawing], names: dict[int, str]
) -> None:
    stated = (image.height, image.width) if image.height and image.width else None
    sample = album.draw(path, file, drawings, partial(_region, names), stated=stated)
    if sample:
        split = SPLIT_BY_STEM.get(file.stem)
        album.keep(replace(sample, part=image.part, lot=image.lot, camera=image.camera, split=split))
        album.judge(path, file, f"image {image.id!r}", [image.label] if image.label else [])


def _folders(file: Path) -> tuple[str, ...]:
    """COCO's own images of ``instances_train2017.json`` lie in ``train2017``."""
    subset = file.stem.removeprefix("instances_")
    return (*IMAGE_FOLDERS, subset, f"images/{subset}")


def _names(album: Album, file: Path, categories: list[object]) -> dict[int, str]:
    names: dict[int, str] = {}
    for number, category in _each(album, file, "categories", categories, _Category):
        if names.setdefault(category.id, category.name) != category.name:
            message = f"categories[{number}]: the id {category.id} has two names; number them anew"
            album.fault("annotation", file, message)
    return names


def _each(
    album: Album, file: Path, key: str, raw: list[object], kind: type[EntryT]
) -> Iterator[tuple[int, EntryT]]:
    """Number and content of the entries that are as they should be; a fault for each other one."""
    for number, value in enumerate(raw):
        try:
            yield number, parsed(kind, value)
        except DataError as error:
            album.fault("annotation", file, f"{_place(key, number, value)}: {error}")


def _place(key: str, number: int, raw: object) -> str:
    named = isinstance(raw, dict) and isinstance(raw.get("id"), int)
    return f"{key}[{number}] (id {raw['id']})" if named and isinstance(raw, dict) else f"{key}[{number}]"


def _region(names: dict[int, str], raw: object, size: Size) -> Region:
    annotation = parsed(_Annotation, raw)
    if annotation.category_id not in names:
        known = ", ".join(map(str, sorted(names)))
        raise DataError(f"category_id {annotation.category_id} is not among the categories ({known})")
    return Region(names[annotation.category_id], _shape(annotation, size))


def _shape(annotation: _Annotation, size: Size) -> Shape:
    drawn = annotation.segmentation
    if isinstance(drawn, _Runs):
        return _runs(drawn, size)
    if drawn:
        return Polygon(tuple(ring(pairs(values), size) for values in drawn))
    if annotation.bbox is None or len(annotation.bbox) != 4:
        raise DataError("has neither a segmentation nor a bbox of x, y, width, height; draw it again")
    x, y, width, height = annotation.bbox
    return rectangle(x, y, x + width, y + height, size)


def _runs(runs: _Runs, size: Size) -> RunLengths:
    if tuple(runs.size) != size:
        raise DataError(f"the run lengths are for {runs.size} rows and columns, the image has {list(size)}")
    counts = run_counts(runs.counts) if isinstance(runs.counts, str) else runs.counts
    if min(counts, default=0) < 0:
        raise DataError("a run length is negative; export them again")
    if sum(counts) != size[0] * size[1]:
        raise DataError(f"the run lengths sum to {sum(counts)} pixels, the image has {size[0] * size[1]}")
    if not any(counts[1::2]):
        raise DataError("the run lengths cover no pixel; remove the annotation or draw it again")
    return RunLengths(*size, tuple(counts))
