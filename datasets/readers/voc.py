"""Pascal VOC: an XML file per image, with a box for each object.

Pixels are counted from 1 and the last one belongs to the box, as the challenge counted them: a box from 1
to the image's width is as wide as the image. A file without objects is a good part.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

from taktsight.datasets.readers.album import IMAGE_FOLDERS, Album
from taktsight.datasets.readers.documents import documents_at, number, read_xml, whole_number
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
    box = drawn.find("bndbox")
    if box is None:
        raise DataError("has no <bndbox>; draw a box")
    x0, y0, x1, y1 = (number(box.findtext(key), key) for key in ("xmin", "ymin", "xmax", "ymax"))
    return Region(_text(drawn, "name"), rectangle(x0 - 1, y0 - 1, x1, y1, size))


def _text(element: Element, tag: str) -> str:
    text = (element.findtext(tag) or "").strip()
    if not text:
        raise DataError(f"<{element.tag}> has no <{tag}>")
    return text


def _stated_size(document: Element) -> Size | None:
    """Height and width; tools that do not know them write 0."""
    size = document.find("size")
    if size is None:
        return None
    height, width = (whole_number((size.findtext(key) or "").strip(), key) for key in ("height", "width"))
    return (height, width) if height and width else None
