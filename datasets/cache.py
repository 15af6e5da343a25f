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

from taktsight.datasets.masks import prepare_masks
from taktsight.datasets.samples import Sample, defect_labels
from taktsight.datasets.view_files import read_view
from taktsight.errors import DataError
from taktsight.imaging import Canvas, prepare
from taktsight.records import Image

_VERSION = 4


@dataclass(frozen=True, slots=True)
class Cache:
    """All tiles of all samples, in order."""

    images: NDArray[np.uint8]
    """(T, H, W, C) memory-mapped; of a paired canvas with the golden template's channels behind."""
    masks: NDArray[np.uint8]
    """(T, H, W) memory-mapped: share of each pixel that is defective, 0–FULL, or UNKNOWN."""
    kinds: NDArray[np.uint8] | None
    """(T, H, W) memory-mapped: which label most of the pixel's defect has, 0 to K − 1. None where no
    part of the data set has several labels."""
    sizes: NDArray[np.int32]
    """(T, 2) height and width of the tile that is not padding."""
    owners: NDArray[np.int32]
    """(T,) index of the sample a tile belongs to."""
    views: NDArray[np.int32]
    """(T,) index of the sample's view that it was cut from."""
    data_digest: str
    """SHA-256 over the content of every image, template and mask file, its label and its drawings, in
    order."""


def open_cache(
    samples: Sequence[Sample], canvas: Canvas, folder: Path, labels: Sequence[str] | None = None
) -> Cache:
    """The prepared samples, from disk where they have been prepared before.

    The key is every file's path, size and modification time, the labels and the canvas: a changed
    file is a new cache.

    Args:
        samples: what to prepare.
        canvas: the network's input.
        folder: where caches live; it may be deleted at any time.
        labels: K defect labels of the whole data set; those of ``samples`` where it is left out.

    Raises:
        DataError: If there is no sample, a file is not an image, a mask or template is not its image's
            size, or the disk is full.
    """
    if not samples:
        raise DataError("there is no sample to prepare: the data set or the split is empty")
    labels = defect_labels(samples) if labels is None else tuple(labels)
    home = folder / _key(samples, canvas, labels)
    if not (home / "done.json").is_file():
        try:
            home.mkdir(parents=True, exist_ok=True)
            _build(samples, canvas, labels, home)
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
        np.load(home / "kinds.npy", mmap_mode="r") if (home / "kinds.npy").is_file() else None,
        np.load(home / "sizes.npy"),
        np.load(home / "owners.npy"),
        np.load(home / "views.npy"),
        done["data_digest"],
    )


def _build(samples: Sequence[Sample], canvas: Canvas, labels: Sequence[str], home: Path) -> None:
    views = [
        (owner, view, seen)
        for owner, sample in enumerate(samples)
        for view, seen in enumerate(sample.each_view())
    ]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        prepared = list(pool.map(lambda view: _prepare_view(view[2], canvas, labels), views))
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(_labelled(sample))
        for path in _files(sample, canvas):
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    _save(home / "images.npy", np.concatenate([each.images for each in prepared]))
    _save(home / "masks.npy", np.concatenate([each.masks for each in prepared]))
    if any(len(seen.labels) > 1 for _, _, seen in views):
        _save(home / "kinds.npy", np.concatenate([each.kinds for each in prepared]))
    _save(home / "sizes.npy", np.concatenate([each.sizes for each in prepared]))
    tiles = [len(each.images) for each in prepared]
    _save(home / "owners.npy", np.repeat(np.array([owner for owner, _, _ in views], np.int32), tiles))
    _save(home / "views.npy", np.repeat(np.array([view for _, view, _ in views], np.int32), tiles))
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


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The tiles of one view; fields as in :class:`Cache`."""

    images: Image
    masks: NDArray[np.uint8]
    kinds: NDArray[np.uint8]
    sizes: NDArray[np.int32]


def _prepare_view(sample: Sample, canvas: Canvas, labels: Sequence[str]) -> _Prepared:
    image, reference = read_view(sample, canvas)
    tiles, layout = prepare(image, None, canvas, reference)
    masks, kinds = prepare_masks(sample, image.shape[:2], canvas, labels)
    height, width = (-(-side // canvas.factor) for side in image.shape[:2])
    sizes = [(min(canvas.height, height - y), min(canvas.width, width - x)) for y, x in layout.starts]
    return _Prepared(tiles, masks, kinds, np.array(sizes, np.int32))


def _files(sample: Sample, canvas: Canvas) -> list[Path]:
    references = sample.references if canvas.paired else ()
    return [*sample.images, *(path for path in (*sample.masks, *references) if path)]


def _labelled(sample: Sample) -> bytes:
    """What people said of the sample, as bytes."""
    seen = f"\0{sample.view_labels}" if sample.view_labels else ""
    return f"{sample.label}\0{sample.regions or ''}{seen}".encode()


def _key(samples: Sequence[Sample], canvas: Canvas, labels: Sequence[str]) -> str:
    fixed = json.dumps([_VERSION, asdict(canvas), list(labels)], sort_keys=True)
    digest = hashlib.sha256(fixed.encode())
    for sample in samples:
        digest.update(b"\n" + _labelled(sample))  # an image and its mask are not two images
        for path in _files(sample, canvas):
            try:
                status = path.stat()
            except OSError as error:
                raise DataError(f"{path}: cannot be read: {error.strerror}") from error
            digest.update(f"\0{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}".encode())
    return digest.hexdigest()[:24]
