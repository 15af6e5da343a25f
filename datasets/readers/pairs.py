"""DeepPCB: each part photographed with its template, and a text file of boxes.

``G/NAME_test.jpg`` has the template ``G/NAME_temp.jpg`` and the boxes ``G_not/NAME.txt``, a line each:
``x0 y0 x1 y1 type`` with blanks or commas between. An empty file is a good part.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from taktsight.datasets.readers.album import Album
from taktsight.datasets.readers.documents import number, read_text, whole_number
from taktsight.datasets.readers.files import files_below
from taktsight.datasets.readers.outlines import rectangle
from taktsight.datasets.readers.sizes import Size
from taktsight.datasets.regions import Region
from taktsight.errors import DataError

LABELS = {1: "open", 2: "short", 3: "mousebite", 4: "spur", 5: "copper", 6: "pin-hole"}
"""The types, as the data set numbers them."""
TEST, TEMPLATE = "_test", "_temp"


def read_pairs(album: Album) -> None:
    """Takes every tested image with its template and its boxes."""
    templates = {image for image in album.images if image.stem.endswith(TEMPLATE)}
    used: set[Path] = set()
    album.leave_out(*templates)
    for image in album.images:
        if image.stem.endswith(TEST):
            template = image.with_name(f"{image.stem.removesuffix(TEST)}{TEMPLATE}{image.suffix}")
            boxes = (
                image.parent.with_name(f"{image.parent.name}_not") / f"{image.stem.removesuffix(TEST)}.txt"
            )
            used |= {template, boxes}
            _take(album, image, template if template in templates else None, boxes)
        elif image not in templates:
            message = (
                f"is neither a tested image (NAME{TEST}) nor a template (NAME{TEMPLATE}); move it away"
            )
            album.fault("misplaced", image, message, image=image)
    notes = [path for path in files_below(album.root, {".txt"}) if path.parent.name.endswith("_not")]
    for path in [*sorted(templates), *notes]:
        if path not in used:
            album.fault("orphan", path, "belongs to no tested image; add the image or remove the file")


def _take(album: Album, image: Path, template: Path | None, boxes: Path) -> None:
    if template is None:
        message = f"has no template {image.stem.removesuffix(TEST)}{TEMPLATE}{image.suffix}; add it"
        album.fault("orphan", image, message, image=image)
    elif boxes.is_file():
        try:
            lines = read_text(boxes).splitlines()
        except DataError as error:
            album.fault("annotation", boxes, error, image=image)
            return
        filled = [(f"line {place}", line) for place, line in enumerate(lines, start=1) if line.strip()]
        sample = album.draw(image, boxes, filled, _region)
        if sample:
            album.keep(replace(sample, references=(template,)))


def _region(line: str, size: Size) -> Region:
    fields = line.replace(",", " ").split()
    if len(fields) != 5:
        raise DataError(f"has {len(fields)} fields, wanted is 'x0 y0 x1 y1 type'")
    kind = whole_number(fields[4], "the type")
    if kind not in LABELS:
        raise DataError(f"the type {kind} has no name, wanted is 1 to {len(LABELS)}")
    x0, y0, x1, y1 = (number(field, f"field {place}") for place, field in enumerate(fields[:4], start=1))
    return Region(LABELS[kind], rectangle(x0, y0, x1, y1, size))
