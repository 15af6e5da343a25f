"""Training images beside the frame: a folder ``images/LABEL/x.png`` with ``masks/LABEL/x.png``.

``taktsight data convert --to mask_folder`` writes it from every layout. Only some of each label are looked
at, the same ones each time: a strip shows six.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from taktsight.errors import ConfigError, DataError
from taktsight.image_files import IMAGE_SUFFIXES, read_image
from taktsight.records import Box, Image

MOST = 400
"""Of all labels together."""
MAX_FILE_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """One labelled image."""

    number: int
    """The first 8 bytes of the SHA-256 of its path in the folder."""
    truth: str
    """"good" or a label."""
    image: Path
    mask: Path | None

    def read(self) -> Image:
        """Its pixels.

        Raises:
            DataError: If it is gone, or no image.
        """
        _check_size(self.image)
        return read_image(self.image)

    def box_px(self) -> Box | None:
        """Around the largest region of its mask; None where nothing is marked.

        Raises:
            DataError: If the mask is no image.
        """
        if self.mask is None:
            return None
        _check_size(self.mask)
        marked = np.asarray(read_image(self.mask, channels=1)[:, :, 0] > 127, np.uint8)
        count, _, regions, _ = cv2.connectedComponentsWithStats(marked, connectivity=8)
        if count < 2:
            return None
        largest = max(range(1, count), key=lambda region: int(regions[region, cv2.CC_STAT_AREA]))
        x, y, width, height = (int(value) for value in regions[largest, :4])
        return (x, y, x + width, y + height)


def open_examples(folder: Path | None) -> tuple[TrainingExample, ...]:
    """As many of each label as there is room for, evenly out of the sorted names; none without a folder.

    Raises:
        ConfigError: If the folder holds no labelled image.
    """
    if folder is None:
        return ()
    images, by_label = folder / "images", defaultdict[str, list[Path]](list)
    for path in sorted(images.glob("*/**/*")):
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
            by_label[path.relative_to(images).parts[0]].append(path)
    if not by_label:
        raise ConfigError(
            f"{folder}: holds no images/LABEL/x.png; 'taktsight data convert --to mask_folder' writes them"
        )
    most = max(1, MOST // len(by_label))
    chosen = [(label, path) for label in sorted(by_label) for path in _evenly(by_label[label], most)]
    return tuple(_example(folder, label, path) for label, path in chosen)


def _example(folder: Path, label: str, path: Path) -> TrainingExample:
    within = path.relative_to(folder / "images")
    mask = (folder / "masks" / within).with_suffix(".png")
    digest = hashlib.sha256(within.as_posix().encode("utf-8", "surrogateescape")).digest()
    return TrainingExample(int.from_bytes(digest[:8], "big"), label, path, mask if mask.is_file() else None)


def _evenly(paths: list[Path], most: int) -> list[Path]:
    if len(paths) <= most:
        return paths
    return [paths[place * len(paths) // most] for place in range(most)]


def _check_size(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DataError(f"{path.name}: cannot be read: {error.strerror}") from error
    if size > MAX_FILE_BYTES:
        raise DataError(f"{path.name}: {size >> 20} MiB are more than a frame has")
