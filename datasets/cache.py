"""Decode once: every sample prepared exactly as on the line, kept as uint8 on disk.

Training then reads 1,000 crops a second where decoding and resizing would give it 80.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from taktsight.datasets.samples import Sample
from taktsight.errors import DataError
from taktsight.image_files import read_image
from taktsight.imaging import Canvas, prepare
from taktsight.records import Image

UNKNOWN = 255
"""Mask value: this pixel may or may not be defective; no loss looks at it."""
FULL = 254
"""Mask value: wholly defective. Down-scaled masks hold the covered share, 0 to FULL."""
_VERSION = 2


@dataclass(frozen=True, slots=True)
class Cache:
    """All tiles of all samples, in order."""

    images: NDArray[np.uint8]
    """(T, H, W, C) memory-mapped."""
    masks: NDArray[np.uint8]
    """(T, H, W) memory-mapped: share of each pixel that is defective, 0–FULL, or UNKNOWN."""
    sizes: NDArray[np.int32]
    """(T, 2) height and width of the tile that is not padding."""
    owners: NDArray[np.int32]
    """(T,) index of the sample a tile belongs to."""
    data_digest: str
    """SHA-256 over the content of every image and mask file and its label, in order."""


def open_cache(samples: Sequence[Sample], canvas: Canvas, folder: Path) -> Cache:
    """The prepared samples, from disk where they have been prepared before.

    The key is every file's path, size and modification time, the labels and the canvas: a changed
    file is a new cache. Only the first view of a part is prepared.

    Args:
        samples: what to prepare.
        canvas: the network's input.
        folder: where caches live; it may be deleted at any time.

    Raises:
        DataError: If there is no sample, a file is not an image, a mask is not its image's size, or the
            disk is full.
    """
    if not samples:
        raise DataError("there is no sample to prepare: the data set or the split is empty")
    home = folder / _key(samples, canvas)
    if not (home / "done.json").is_file():
        try:
            home.mkdir(parents=True, exist_ok=True)
            _build(samples, canvas, home)
        except OSError as error:
            shutil.rmtree(home, ignore_errors=True)
            raise DataError(
                f"{home}: prepared images cannot be kept there ({error}); make room, "
                "or set data.cache_dir to another disk"
            ) from error
    done = json.loads((home / "done.json").read_text())
    return Cache(
        np.load(home / "images.npy", mmap_mode="r"),
        np.load(home / "masks.npy", mmap_mode="r"),
        np.load(home / "sizes.npy"),
        np.load(home / "owners.npy"),
        done["data_digest"],
    )


def read_mask(sample: Sample, size: tuple[int, int], view: int = 0) -> NDArray[np.uint8] | None:
    """(H, W) uint8, FULL where the part is defective, or None where the pixels are not known.

    A defective sample whose mask is empty has a defect that nobody drew: its pixels are unknown,
    not good.

    Raises:
        DataError: If the mask is not ``size`` (height, width) of its image.
    """
    path = sample.masks[view] if sample.masks else None
    if path is None:
        return np.zeros(size, np.uint8) if not sample.is_defective else None
    grey = read_image(path, channels=1)[:, :, 0]
    if grey.shape != size:
        raise DataError(
            f"{path}: is {grey.shape[1]}×{grey.shape[0]} pixels, its image {sample.images[view]} "
            f"{size[1]}×{size[0]}; a mask lies on its image pixel by pixel"
        )
    mask = np.where(grey > 127, np.uint8(FULL), np.uint8(0))
    return mask if mask.any() or not sample.is_defective else None


def _build(samples: Sequence[Sample], canvas: Canvas, home: Path) -> None:
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        prepared = list(pool.map(lambda sample: _prepare_sample(sample, canvas), samples))
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(f"{sample.label}\0".encode())
        for path in _files(sample):
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    _save(home / "images.npy", np.concatenate([images for images, _, _ in prepared]))
    _save(home / "masks.npy", np.concatenate([masks for _, masks, _ in prepared]))
    _save(home / "sizes.npy", np.concatenate([sizes for _, _, sizes in prepared]))
    owners = [np.full(len(images), index, np.int32) for index, (images, _, _) in enumerate(prepared)]
    _save(home / "owners.npy", np.concatenate(owners))
    # Written last: a cache that was cut short has no done.json and is made again.
    partial = home / f"done.json.{os.getpid()}"
    partial.write_text(json.dumps({"data_digest": digest.hexdigest()}))
    os.replace(partial, home / "done.json")


def _save(path: Path, values: NDArray[np.generic]) -> None:
    """Replaces the file whole: another training may have the old one mapped."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    with partial.open("wb") as file:
        np.save(file, values)
    os.replace(partial, path)


def _prepare_sample(sample: Sample, canvas: Canvas) -> tuple[Image, NDArray[np.uint8], NDArray[np.int32]]:
    image = read_image(sample.images[0], canvas.channels)
    tiles, layout = prepare(image, None, canvas)
    mask = read_mask(sample, image.shape[:2])
    if mask is None:
        masks = np.full(tiles.shape[:3], UNKNOWN, np.uint8)
    else:
        mono = Canvas(canvas.height, canvas.width, 1, canvas.factor, canvas.overlap)
        masks = prepare(np.ascontiguousarray(mask[:, :, np.newaxis]), None, mono)[0][:, :, :, 0]
    height, width = (-(-side // canvas.factor) for side in image.shape[:2])
    sizes = [(min(canvas.height, height - y), min(canvas.width, width - x)) for y, x in layout.starts]
    return tiles, masks, np.array(sizes, np.int32)


def _files(sample: Sample) -> list[Path]:
    return [sample.images[0], *(mask for mask in sample.masks[:1] if mask)]


def _key(samples: Sequence[Sample], canvas: Canvas) -> str:
    digest = hashlib.sha256(json.dumps([_VERSION, asdict(canvas)], sort_keys=True).encode())
    for sample in samples:
        digest.update(f"\n{sample.label}".encode())  # an image and its mask are not two images
        for path in _files(sample):
            try:
                status = path.stat()
            except OSError as error:
                raise DataError(f"{path}: cannot be read: {error.strerror}") from error
            digest.update(f"\0{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}".encode())
    return digest.hexdigest()[:24]
