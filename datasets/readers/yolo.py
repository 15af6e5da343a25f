"""YOLO: a text file per image, a line per defect, in shares of the image's width and height.

``images/…/x.jpg`` has ``labels/…/x.txt``, or x.txt beside it. A line is ``class x y width height`` (the
centre of a box) or ``class x1 y1 x2 y2 x3 y3 …`` (a polygon). An empty file is a good part. ``data.yaml``
or ``classes.txt`` names the classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import yaml

from taktsight.datasets.readers.album import Album
from taktsight.datasets.readers.documents import number, read_text, whole_number
from taktsight.datasets.readers.files import files_below
from taktsight.datasets.readers.outlines import pairs, polygon, rectangle
from taktsight.datasets.readers.sizes import Size
from taktsight.datasets.regions import Region, Shape
from taktsight.errors import ConfigError, DataError

NAMES_FILES = ("data.yaml", "data.yml", "classes.txt", "labels/classes.txt")
NOT_LABELS = frozenset({"classes.txt", "readme.txt", "license.txt"})
"""Text files, in lower case, that may lie among the labels."""


def read_yolo(album: Album, annotations: Path | None) -> None:
    """Takes every image that has a text file.

    Args:
        album: the images.
        annotations: the names of the classes; ``data.yaml`` or ``classes.txt`` below the root where it is
            left out.
    """
    region_of = partial(_region, _names(annotations or _names_file(album.root)))
    owners: dict[Path, Path] = {}
    for image in album.images:
        labels = _labels_of(album, image)
        if labels in owners:
            message = f"is the text file of {owners[labels].name} and {image.name}; rename one of the two"
            album.fault("annotation", labels, message, image=image)
            album.leave_out(owners[labels])
        elif labels:
            owners[labels] = image
            _take(album, image, labels, region_of)
    _report_orphans(album, owners)


def _labels_of(album: Album, image: Path) -> Path | None:
    """The image's text file, where it has one."""
    folders = list(image.relative_to(album.root).parts)
    beside = image.with_suffix(".txt")
    mirrored = beside
    if "images" in folders[:-1]:
        last = len(folders) - 1 - folders[::-1].index("images")
        mirrored = album.root.joinpath(*folders[:last], "labels", *folders[last + 1 :]).with_suffix(".txt")
    found = [path for path in dict.fromkeys((mirrored, beside)) if path.is_file()]
    if len(found) > 1:
        album.fault(
            "annotation", image, f"has two text files, {found[0]} and {found[1]}; keep one", image=image
        )
        return None
    return found[0] if found else None


def _take(album: Album, image: Path, labels: Path, region_of: partial[Region]) -> None:
    try:
        lines = read_text(labels).splitlines()
    except DataError as error:
        album.fault("annotation", labels, error, image=image)
        return
    filled = [(f"line {place}", line) for place, line in enumerate(lines, start=1) if line.strip()]
    album.draw(image, labels, filled, region_of)


def _report_orphans(album: Album, owners: Mapping[Path, Path]) -> None:
    """A text file that no image has: below a folder ``labels``, or among those of other images."""
    homes = {labels.parent for labels in owners}
    for path in files_below(album.root, {".txt"}):
        among = path.parent in homes or "labels" in path.relative_to(album.root).parts[:-1]
        if among and path not in owners and path.name.lower() not in NOT_LABELS:
            album.fault("orphan", path, "has no image; add the image or remove the file")


def _names_file(root: Path) -> Path:
    found = [root / name for name in NAMES_FILES if (root / name).is_file()]
    if not found:
        raise ConfigError(
            f"{root}: has no data.yaml or classes.txt; write classes.txt with the name of class 0 in its "
            "first line, or say with 'annotations' where it lies"
        )
    return found[0]


def _names(path: Path) -> dict[int, str]:
    try:
        text = read_text(path)
    except DataError as error:
        raise ConfigError(f"{path}: {error}") from error
    if path.suffix.lower() in {".yaml", ".yml"}:
        return _names_in_yaml(path, text)
    names = dict(enumerate(line.strip() for line in text.rstrip().splitlines()))
    if not names or not all(names.values()):
        raise ConfigError(f"{path}: wanted is the name of one class in each line, and no empty line")
    return names


class _UniqueKeys(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys in silence: a class under the name of another."""


def _unique(loader: _UniqueKeys, node: yaml.MappingNode) -> dict[object, object]:
    own = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
    keys = [loader.construct_object(key, deep=True) for key in own]
    twice = [key for key in keys if keys.count(key) > 1]
    if twice:
        raise ValueError(f"the key {twice[0]!r} stands twice")
    return loader.construct_mapping(node, deep=True)


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique)


def _names_in_yaml(path: Path, text: str) -> dict[int, str]:
    """``names`` as a list, or as a table of number and name."""
    try:
        content: object = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506  # a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: is not YAML: {error}") from error
    named = content.get("names") if isinstance(content, dict) else None
    names = dict(enumerate(named)) if isinstance(named, list) else named
    if not isinstance(names, dict) or not names:
        raise ConfigError(f"{path}: wanted is 'names', a list of the names of the classes")
    if not all(isinstance(key, int) and isinstance(name, str) for key, name in names.items()):
        raise ConfigError(
            f"{path}: a name is not text, or its class is no whole number; put names in quotes"
        )
    return names


def _region(names: Mapping[int, str], line: str, size: Size) -> Region:
    fields = line.split()
    kind = whole_number(fields[0], "the class")
    if kind not in names:
        raise DataError(f"class {kind} has no name (named are {', '.join(map(str, names))}); add it")
    if len(fields) < 5 or len(fields) % 2 == 0:
        raise DataError(
            f"has {len(fields)} fields, wanted is 'class x y width height' or 'class x1 y1 x2 y2 x3 y3 …'"
        )
    values = [number(field, f"field {place}") for place, field in enumerate(fields[1:], start=2)]
    return Region(names[kind], _shape(values, size))


def _shape(values: list[float], size: Size) -> Shape:
    rows, columns = size
    if len(values) > 4:
        return polygon([(x * columns, y * rows) for x, y in pairs(values)], size)
    x, y, width, height = values
    return rectangle(
        (x - width / 2) * columns,
        (y - height / 2) * rows,
        (x + width / 2) * columns,
        (y + height / 2) * rows,
        size,
    )
