"""Small annotated data sets for the readers' tests, and ways to damage them."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np
import pytest

from taktsight.datasets.masks import read_mask
from taktsight.datasets.readers import Layout, read_samples
from taktsight.datasets.readers.faults import Fault
from taktsight.datasets.regions import Cover, Region
from taktsight.datasets.samples import Sample
from taktsight.errors import ConfigError, DataError

HEIGHT, WIDTH = SIZE = (40, 60)
"""Of every image here, pixels."""
SOURCES = Path(__file__).parents[3] / "shared" / "data"
"""Public data sets, where they lie beside the repository."""


def source(name: str) -> Path:
    if not (SOURCES / name / "index.csv").is_file():
        pytest.skip(f"the public data set {name} does not lie beside the repository")
    return SOURCES / name


def photograph(root: Path, *names: str, size: tuple[int, int] = SIZE) -> Path:
    """Grey images at these places below ``root``."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(cv2.imencode(Path(name).suffix, np.full(size, 90, np.uint8))[1].tobytes())
    return root


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def regions(sample: Sample) -> tuple[Region, ...]:
    assert len(sample.regions) == 1
    return sample.regions[0] or ()


def covered(sample: Sample) -> Cover:
    """(H, W) True on every defect of the part."""
    mask = read_mask(sample, SIZE)
    assert mask is not None
    return np.asarray(mask > 0)


def box(x0: int, y0: int, x1: int, y1: int) -> Cover:
    """(H, W) True from x0 to x1 − 1 and y0 to y1 − 1."""
    pixels = np.zeros(SIZE, np.bool_)
    pixels[y0:y1, x0:x1] = True
    return pixels


def blob(seed: int, size: tuple[int, int] = SIZE) -> Cover:
    """(H, W) a lump of discs in one piece and without holes."""
    draw = np.random.default_rng(seed)
    mask = np.zeros(size, np.uint8)
    for _ in range(4):
        x, y = int(draw.integers(size[1] // 3, size[1])), int(draw.integers(size[0] // 3, size[0]))
        cv2.line(mask, (size[1] // 2, size[0] // 2), (x, y), (1,), int(draw.integers(2, 9)))
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(mask, outlines, -1, (1,), cv2.FILLED) > 0)


def faults(layout: Layout, root: Path, **options: Any) -> list[Fault]:
    """Everything that is wrong, one after the other."""
    found: list[Fault] = []
    complaint = ""
    try:
        read_samples(layout, root, on_fault=found.append, **options)
    except DataError as error:
        complaint = str(error)
    assert not complaint or "holds no image" in complaint
    return found


def assert_refused(layout: Layout, root: Path, document: Path, says: str, **options: Any) -> None:
    """One fault, which names the file; and training stops at it."""
    found = faults(layout, root, **options)
    assert [fault.path for fault in found] == [document], [str(fault) for fault in found]
    with pytest.raises(DataError, match=says) as caught:
        read_samples(layout, root, **options)
    assert str(caught.value).count(str(document)) == 1


def assert_survives_damage(layout: Layout, root: Path, document: Path, **options: Any) -> None:
    """However the file is cut or garbled, the answer is samples or an error of ours that names a file."""
    whole, draw, refused = document.read_bytes(), Random(7), 0
    for _ in range(150):
        document.write_bytes(_damaged(whole, draw))
        complaint = ""
        try:
            read_samples(layout, root, **options)
        except (DataError, ConfigError) as error:
            complaint = str(error)
        refused += bool(complaint)
        assert not complaint or str(root) in complaint
    assert refused > 20


def _damaged(content: bytes, draw: Random) -> bytes:
    place = draw.randrange(len(content))
    if draw.random() < 0.3:
        return content[:place]
    garbled = bytearray(content)
    for _ in range(draw.choice((1, 1, 3, 20))):
        place = draw.randrange(len(garbled))
        garbled[place] = draw.choice((draw.randrange(256), *b'09-.,:;"<>[]{}eE\x00\xff\n '))
    return bytes(garbled)
