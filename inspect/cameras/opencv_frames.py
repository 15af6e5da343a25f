"""What OpenCV reads, as the images of a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from taktsight.errors import CameraError
from taktsight.image_files import with_channels
from taktsight.records import Image

if TYPE_CHECKING:  # an OpenCV that comes with a system may be too old to have it
    from cv2.typing import MatLike


def from_opencv(image: MatLike, channels: int) -> Image:
    """An image in BGR, or in grey, with 1 channel (ITU-R BT.601 luma, rounded) or 3 (RGB).

    The memory may be OpenCV's own where nothing had to be changed.

    Raises:
        CameraError: If it is neither.
    """
    if image.dtype != np.uint8 or (image.ndim == 3 and image.shape[2] not in (1, 3)):
        raise CameraError(f"OpenCV gave {image.shape} {image.dtype}; 8 bits of grey or BGR are wanted")
    if image.ndim == 2 or image.shape[2] == 1:
        return with_channels(np.asarray(image, np.uint8).reshape(*image.shape[:2], 1), channels)
    code = cv2.COLOR_BGR2GRAY if channels == 1 else cv2.COLOR_BGR2RGB
    converted = np.asarray(cv2.cvtColor(image, code), np.uint8)
    return converted.reshape(*converted.shape[:2], channels)
