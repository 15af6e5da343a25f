"""How large an image is, without decoding it.

Pillow reads the header alone, a thousand times faster than OpenCV decodes; training brings it anyway.
"""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from taktsight.errors import DataError
from taktsight.image_files import read_image

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

Size = tuple[int, int]
"""Height and width, pixels."""

_ORIENTATION = 0x0112


def image_size(path: Path) -> Size:
    """Height and width of the pixels as stored.

    What Pillow does not take (a damaged header, an image larger than it trusts) is decoded, so the answer
    is always that of :func:`read_image`, and so is the complaint.

    Raises:
        DataError: If the file is not an image, or is stored turned: a drawing made on the upright image
            would lie elsewhere.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(path) as image:
                width, height = image.size
                turned = _orientation(image)
    except (OSError, ValueError, SyntaxError, TypeError, LookupError, ArithmeticError, struct.error):
        return _decoded_size(path)
    except (Warning, Image.DecompressionBombError):
        return _decoded_size(path)
    if turned:
        raise DataError(f"{path}: is stored turned (EXIF orientation {turned}); save it upright")
    return height, width


def _decoded_size(path: Path) -> Size:
    height, width, _ = read_image(path).shape
    return height, width


def _orientation(image: ImageFile) -> int:
    """EXIF orientation, 0 where the image is upright."""
    stored = image.getexif().get(_ORIENTATION, 1)
    return stored if stored in range(2, 9) else 0
