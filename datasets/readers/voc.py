"""Pascal VOC: an XML file per image, with a box for each object.

Pixels are counted from 1 and the last one belongs to the box, as the challenge counted them: a box from 1
to the image's width is as wide as the image. A file without objects is a good part.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

from taktsight.datasets.readers.album import IMAGE_FOLDERS, Album
from taktsight.datasets.readers.documents import (
    documents_at,
    number,
    only_child,
    read_xml,
    text_within,
    whole_number,
)
from taktsight.datasets.readers.outlines import rectangle
from taktsight.datasets.readers.sizes import Size
from taktsight.datasets.regions import Region
from taktsight.errors import DataError


def read_voc(album: Album, annotations: Path | None) -> None:
    """Takes every image that an XML file names.

    Args:
        album: the images.
        annotations: the folder of the XML files, or one of them; ``Annotations`` below the root where it
            is left out, or else the root.
    """
    usual = album.root / "Annotations"
    for file in documents_at(annotations or (usual if usual.is_dir() else album.root), ".xml"):
        try:
            document = read_xml(file, "annotation")
            name, stated = _text(document, "filename"), _stated_size(document)
            _check_boxes(document)
        except DataError as error:
            album.unread(file, error)
        else:
            _take(album, file, document, name, stated)


def _take(album: Album, file: Path, document: Element, name: str, stated: Size | None) -> None:
    image = album.find(name, file, folders=(*IMAGE_FOLDERS, "JPEGImages"))
    if image:
        objects = [(f"object {place}", found) for place, found in enumerate(document.findall("object"), 1)]
        album.draw(image, file, objects, _region, stated=stated)


def _region(drawn: Element, size: Size) -> Region:
    box = only_child(drawn, "bndbox")
    if box is None:
        raise DataError("has no <bndbox>; draw a box")
    x0, y0, x1, y1 = (number(text_within(box, key), key) for key in ("xmin", "ymin", "xmax", "ymax"))
    return Region(_text(drawn, "name"), rectangle(x0 - 1, y0 - 1, x1, y1, size))


def _check_boxes(document: Element) -> None:
    """A box in an element of another name would be a defect that nobody reads."""
    for child in document:
        if child.tag != "object" and child.find(".//bndbox") is not None:
            raise DataError(f"has a <bndbox> within <{child.tag}>, wanted is <object>")


def _text(element: Element, tag: str) -> str:
    text = text_within(element, tag)
    if not text:
        raise DataError(f"<{element.tag}> has no <{tag}>")
    return text


def _stated_size(document: Element) -> Size | None:
    """Height and width; tools that do not know them write 0."""
    size = only_child(document, "size")
    if size is None:
        return None
    height, width = (whole_number(text_within(size, key), key) for key in ("height", "width"))
    return (height, width) if height and width else None
