"""One look at every file: decoded once, and everything the checks need kept as small values."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.datasets.checks.decoding import open_file
from taktsight.datasets.checks.findings import Finding
from taktsight.records import Image

SMALL_PX = 64
"""Rows and columns of the small picture that near copies are compared by."""
_HASHED_PX, _HASHED_WAVES = 32, 8
_BLANK_PX, _BLANK_RANGE = 16, 3.0
"""Rows and columns of block means, and the grey levels between the darkest and the brightest below which
the image shows nothing: the noise of a covered lens averages out, a bare surface has its shading."""

Small = NDArray[np.uint8]
"""(64, 64) mono, block means of the image."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one image shows, in few numbers."""

    height: int
    width: int
    channels: int
    mean: float
    """Of all pixels and channels, grey levels."""
    spread: float
    """Standard deviation of the pixels, grey levels."""
    is_blank: bool
    """Whether the image is one even grey."""
    pixels: str
    """SHA-256 of size and pixels: equal for a PNG and the same pixels saved as BMP."""
    fingerprint: int
    """64 bits: which of the 8 × 8 slowest waves are stronger than their median."""
    small: Small


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one mask holds."""

    height: int
    width: int
    marked: int
    """Pixels above 127: the defect."""
    lit: int
    """Pixels above 0."""
    between: int
    """Pixels that are neither 0 nor 255."""
    levels: int
    """Different grey levels among those."""
    highest: int


@dataclass(frozen=True, slots=True)
class Looked:
    """One file: what is wrong with it, or what it holds."""

    path: Path
    fault: Finding | None = None
    digest: str = ""
    """SHA-256 of the file."""
    seen: Seen | None = None
    """Of an image that is whole."""
    drawn: Drawn | None = None
    """Of a mask that is whole."""


@dataclass(frozen=True, slots=True)
class Looks:
    """Every file of a data set."""

    images: dict[Path, Looked]
    masks: dict[Path, Looked]

    def seen(self, path: Path) -> Seen | None:
        """What an image shows; None where it cannot be read."""
        looked = self.images.get(path)
        return looked.seen if looked else None

    def drawn(self, path: Path) -> Drawn | None:
        """What a mask holds; None where it cannot be read."""
        looked = self.masks.get(path)
        return looked.drawn if looked else None


Watch = Callable[[Iterator[Looked], int], Iterable[Looked]]
"""Passes on every look, and may tell a person how many of the total are done."""


def unwatched(looks: Iterator[Looked], total: int) -> Iterable[Looked]:
    """Tells nobody."""
    return looks


def look_at(images: Iterable[Path], masks: Iterable[Path], watch: Watch = unwatched) -> Looks:
    """Opens every file once, a thread per core."""
    pictures, drawings = list(dict.fromkeys(images)), list(dict.fromkeys(masks))
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        jobs = [(look_at_image, path) for path in pictures] + [(look_at_mask, path) for path in drawings]
        looks = list(watch(pool.map(lambda job: job[0](job[1]), jobs), len(jobs)))
    cut = len(pictures)
    return Looks(
        dict(zip(pictures, looks[:cut], strict=True)), dict(zip(drawings, looks[cut:], strict=True))
    )


def look_at_image(path: Path) -> Looked:
    """One image."""
    opened = open_file(path)
    if isinstance(opened, Finding):
        return Looked(path, fault=opened)
    return Looked(path, digest=opened.digest, seen=_see(opened.image))


def look_at_mask(path: Path) -> Looked:
    """One mask; colour counts as its luma, as everywhere."""
    opened = open_file(path)
    if isinstance(opened, Finding):
        return Looked(path, fault=opened)
    image = opened.image
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.shape[2] == 3 else image[:, :, 0]
    counts = cv2.calcHist([np.ascontiguousarray(grey)], [0], None, [256], [0, 256]).ravel().astype(np.int64)
    height, width = grey.shape
    drawn = Drawn(
        height,
        width,
        marked=int(counts[128:].sum()),
        lit=int(counts[1:].sum()),
        between=int(counts[1:255].sum()),
        levels=int(np.count_nonzero(counts[1:255])),
        highest=int(np.flatnonzero(counts)[-1]),
    )
    return Looked(path, digest=opened.digest, drawn=drawn)


def _see(image: Image) -> Seen:
    height, width, channels = image.shape
    means, spreads = cv2.meanStdDev(image)
    small = cv2.resize(image, (SMALL_PX, SMALL_PX), interpolation=cv2.INTER_AREA)
    if channels == 3:
        small = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    blocks = cv2.resize(small, (_BLANK_PX, _BLANK_PX), interpolation=cv2.INTER_AREA)
    digest = hashlib.sha256(f"{image.shape}".encode())
    digest.update(image.data)
    return Seen(
        height,
        width,
        channels,
        mean=float(means.mean()),
        spread=float(spreads.mean()),
        is_blank=bool(np.ptp(blocks) < _BLANK_RANGE),
        pixels=digest.hexdigest(),
        fingerprint=_fingerprint(np.asarray(small, np.uint8)),
        small=np.asarray(small, np.uint8),
    )


def _fingerprint(small: Small) -> int:
    """A perceptual hash: survives compression, scaling and a change of exposure."""
    shrunk = cv2.resize(small, (_HASHED_PX, _HASHED_PX), interpolation=cv2.INTER_AREA)
    waves = cv2.dct(shrunk.astype(np.float32))[:_HASHED_WAVES, :_HASHED_WAVES].ravel()
    return int.from_bytes(np.packbits(waves > np.median(waves[1:])).tobytes(), "big")
