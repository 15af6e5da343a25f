"""What one view of a labelled part is judged from: its image, and its golden template."""

from __future__ import annotations

from collections.abc import Sequence

from taktsight.datasets.samples import Sample
from taktsight.errors import DataError
from taktsight.image_files import read_image
from taktsight.imaging import Canvas
from taktsight.records import Image


def read_view(sample: Sample, canvas: Canvas) -> tuple[Image, Image | None]:
    """The image (H, W, C) uint8 of a view, and the golden template of a paired canvas, likewise.

    Args:
        sample: of one view.
        canvas: whose channels they get, and which says whether there is a template.

    Raises:
        DataError: If a file is not an image, or the template is missing or of another size.
    """
    (file,) = sample.images
    image = read_image(file, canvas.channels)
    if not canvas.paired:
        return image, None
    path = sample.references[0] if sample.references else None
    if path is None:
        raise DataError(f"{file}: has no golden template to compare with; name one, or leave the part out")
    reference = read_image(path, canvas.channels)
    if reference.shape != image.shape:
        (height, width), (tall, wide) = image.shape[:2], reference.shape[:2]
        raise DataError(
            f"{path}: is {wide}×{tall} pixels, its image {file} {width}×{height}; "
            "a golden template lies on its image pixel by pixel"
        )
    return image, reference


def check_references(samples: Sequence[Sample]) -> None:
    """Every view of every sample has a golden template.

    Raises:
        DataError: If one has none.
    """
    without = [
        view.images[0] for sample in samples for view in sample.each_view() if not any(view.references)
    ]
    if without:
        raise DataError(
            f"data.canvas.paired compares each image with a golden template, and {len(without)} have none, "
            f"the first is {without[0]}; the layout deeppcb brings them, data.reference_column names them"
        )
