"""CVAT for images 1.1: one XML file of images, each with its boxes, polygons, masks and tags.

A tag is the label of the whole part. An image that the file lists with nothing in it is a good part.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from taktsight.datasets.readers.album import Album
from taktsight.datasets.readers.documents import (
    attribute,
    documents_at,
    number,
    only_document,
    read_xml,
    whole_number,
)
from taktsight.datasets.readers.outlines import polygon, rectangle
from taktsight.datasets.readers.sizes import Size
from taktsight.datasets.regions import Region, RunLengths, Shape, run_lengths
from taktsight.errors import DataError


def read_cvat(album: Album, annotations: Path | None) -> None:
    """Takes every image that the files list.

    Args:
        album: the images.
        annotations: the XML file, or a folder to read every XML file in it; the one below the root where
            it is left out.
    """
    for file in documents_at(annotations, ".xml") if annotations else only_document(album.root, ".xml"):
        try:
            document = read_xml(file, "annotations")
            _check_elements(document)
        except DataError as error:
            album.unread(file, error)
            continue
        for place, listed in enumerate(document.findall("image"), start=1):
            _take(album, file, f"image {listed.get('id', place)}", listed)


def _check_elements(document: Element) -> None:
    """What is not read must not hold a defect: tracks of a video, or a name that nobody knows."""
    strange = {child.tag for child in document} - {"version", "meta", "image"}
    if strange or document.find("image") is None:
        held = f"holds <{min(strange)}>" if strange else "lists no <image>"
        raise DataError(f"{held}; export the task as 'CVAT for images 1.1'")


def _take(album: Album, file: Path, entry: str, listed: Element) -> None:
    try:
        name = attribute(listed, "name")
        stated = (_whole(listed, "height"), _whole(listed, "width"))
    except DataError as error:
        album.fault("annotation", file, f"{entry}: {error}")
        return
    image = album.find(name, file, entry)
    if image:
        shapes = [
            (f"{entry}, {each.tag} {place}", each)
            for place, each in enumerate(listed, 1)
            if each.tag != "tag"
        ]
        album.draw(image, file, shapes, _region, stated=stated)
        album.judge(image, file, entry, [tag.get("label", "") for tag in listed.findall("tag")])


def _region(drawn: Element, size: Size) -> Region:
    return Region(attribute(drawn, "label"), _shape(drawn, size))


def _shape(drawn: Element, size: Size) -> Shape:
    if drawn.tag == "box":
        if number(drawn.get("rotation", "0"), "rotation"):
            raise DataError("is a turned box, which cannot be read; draw a polygon")
        x0, y0, x1, y1 = (number(attribute(drawn, key), key) for key in ("xtl", "ytl", "xbr", "ybr"))
        return rectangle(x0, y0, x1, y1, size)
    if drawn.tag == "polygon":
        corners = [corner.split(",") for corner in attribute(drawn, "points").split(";")]
        return polygon([[number(value, "a corner") for value in corner] for corner in corners], size)
    if drawn.tag == "mask":
        return _mask(drawn, size)
    raise DataError(f"is a {drawn.tag!r}, which cannot be read; draw a box, a polygon or a mask")


def _mask(drawn: Element, size: Size) -> RunLengths:
    """Runs of 0 and 1 in turn, row by row, within a box."""
    left, top, width, height = (_whole(drawn, key) for key in ("left", "top", "width", "height"))
    if not (width and height and left + width <= size[1] and top + height <= size[0]):
        raise DataError(
            f"the mask of {width}×{height} pixels at {left}, {top} does not lie on the image of "
            f"{size[1]}×{size[0]} pixels"
        )
    counts = [whole_number(count.strip(), "a run length") for count in attribute(drawn, "rle").split(",")]
    if sum(counts) != width * height:
        raise DataError(f"the run lengths sum to {sum(counts)} pixels, the mask has {width * height}")
    if not any(counts[1::2]):
        raise DataError("the mask covers no pixel; remove it or draw it again")
    covered = np.zeros(size, np.bool_)
    values = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    covered[top : top + height, left : left + width] = values.reshape(height, width)
    return run_lengths(covered)


def _whole(element: Element, name: str) -> int:
    return whole_number(attribute(element, name), name)
