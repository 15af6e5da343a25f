"""Which images are almost the same exposure, among thousands of parts that all look alike.

Two looks must agree. The fingerprint sees the coarse shape and is the same for half of all parts of one
product. The detail is the small picture without what is blurred: surface and noise, which two parts never
share, and which compression, scaling and brightness hardly change. Both are compared as matrix products,
a block of images against a block, so that 20,000 images take seconds and not hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.datasets.checks.look import Small

FINGERPRINT_BITS = 8
"""Most bits of 64 in which near copies differ."""
DETAIL_LIKENESS = 0.965
"""Least correlation of the detail. 4.5 million pairs of different synthetic flanges reach 0.936; the same
exposure compressed (JPEG 60), halved or brightened stays above 0.98 from 256 px on."""
_COARSE_LIKENESS = 0.94
"""The same at half the resolution, where it is always higher: a cheap first sieve."""
_BLOCK = 512
_DENSE_SHARE = 1 / 64
"""Share of a block from which one matrix product is cheaper than its pairs one by one."""
_CHUNK = 1024

Vectors = NDArray[np.float32]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Images that are near copies of each other."""

    first: Indices
    second: Indices
    """(P,) indices, ``first`` < ``second``."""
    likeness: Vectors
    """(P,) correlation of the detail, up to 1."""


def near_pairs(fingerprints: Sequence[int], smalls: Sequence[Small]) -> Pairs:
    """Every pair of near copies.

    Args:
        fingerprints: N of 64 bits.
        smalls: N pictures of (64, 64).
    """
    found = list(_search(fingerprints, smalls)) if len(smalls) > 1 else []
    if not found:
        none = np.zeros(0, np.intp)
        return Pairs(none, none, np.zeros(0, np.float32))
    return Pairs(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _search(
    fingerprints: Sequence[int], smalls: Sequence[Small]
) -> Iterator[tuple[Indices, Indices, Vectors]]:
    packed = np.array([list(value.to_bytes(8, "big")) for value in fingerprints], np.uint8)
    bits = np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1
    fine = np.stack([_detail(small) for small in smalls])
    coarse = np.stack([_detail(_halved(small)) for small in smalls]).astype(np.float32)
    least_agreeing = bits.shape[1] - 2 * FINGERPRINT_BITS  # bits that agree minus bits that differ
    for top in range(0, len(bits), _BLOCK):
        rows = slice(top, top + _BLOCK)
        for left in range(top, len(bits), _BLOCK):
            columns = slice(left, left + _BLOCK)
            likely = bits[rows] @ bits[columns].T >= least_agreeing
            if left == top:
                likely = np.triu(likely, 1)
            if likely.any():
                likely &= coarse[rows] @ coarse[columns].T >= _COARSE_LIKENESS
            first, second = np.nonzero(likely)
            if len(first):
                likeness = _likeness(fine[rows], fine[columns], first, second)
                near = likeness >= DETAIL_LIKENESS
                yield first[near] + top, second[near] + left, likeness[near]


def _likeness(
    above: NDArray[np.float16], beside: NDArray[np.float16], first: Indices, second: Indices
) -> Vectors:
    """Correlation of the chosen pairs of two blocks."""
    if len(first) > _DENSE_SHARE * len(above) * len(beside):
        return np.asarray((above.astype(np.float32) @ beside.astype(np.float32).T)[first, second])
    chunks = [
        np.einsum("ij,ij->i", above[first[at]].astype(np.float32), beside[second[at]].astype(np.float32))
        for at in (slice(start, start + _CHUNK) for start in range(0, len(first), _CHUNK))
    ]
    return np.concatenate(chunks)


def _halved(small: Small) -> Small:
    half = (small.shape[1] // 2, small.shape[0] // 2)
    return np.asarray(cv2.resize(small, half, interpolation=cv2.INTER_AREA), np.uint8)


def _detail(small: Small) -> NDArray[np.float16]:
    """What blurring takes away, with length 1: independent of brightness and contrast."""
    levels = small.astype(np.float32)
    detail = levels - cv2.GaussianBlur(levels, (0, 0), 2)
    detail -= detail.mean()
    return np.asarray((detail / max(float(np.linalg.norm(detail)), 1e-6)).ravel(), np.float16)
