"""No image fills the memory or the disk, and none crashes what opens it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from taktsight.errors import DataError, ReviewError
from taktsight.image_files import encode_png
from taktsight.inspect.review.pictures.byte_cache import ByteCache
from taktsight.inspect.review.pictures.picture_files import decode_picture
from taktsight.inspect.review.pictures.pyramid import make_pyramid, tile_of

from .shelf import Shelf


def test_image_that_would_fill_the_memory_is_not_decoded(shelf: Shelf) -> None:
    part = shelf.made.parts[0]
    name = shelf.name(part)
    file = shelf.made.file(part, "top")
    content = bytearray(file.read_bytes())
    content[16:24] = (60_000).to_bytes(4, "big") * 2
    file.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"no longer kept|no PNG"):
        shelf.pictures.describe(name)
    with pytest.raises(DataError, match="no PNG"):
        decode_picture(bytes(content), "bomb.png")


def mutated(seed: bytes, rng: np.random.Generator) -> bytes:
    """The same file with some bytes changed, cut, doubled or put in."""
    content = bytearray(seed)
    for _ in range(int(rng.integers(1, 6))):
        if not content:
            break
        place, length = int(rng.integers(0, len(content))), int(rng.integers(1, 40))
        how = int(rng.integers(0, 5))
        if how == 0:
            content[place] ^= 1 << int(rng.integers(0, 8))
        elif how == 1:
            content[place : place + length] = rng.bytes(length)
        elif how == 2:
            del content[place : place + length]
        elif how == 3:
            content[place:place] = content[place : place + length]
        else:
            content = content[: place + 1]
    return bytes(content)


def test_ten_thousand_mutated_images_crash_nothing() -> None:
    rng = np.random.default_rng(11)
    colour = rng.integers(0, 255, (40, 50, 3)).astype(np.uint8)
    colour[10:30] = 90
    jpeg = cv2.imencode(".jpg", colour)[1].tobytes()
    seeds = [encode_png(colour), encode_png(colour[:, :, :1].copy()), encode_png(colour, 9), jpeg]
    decoded = 0
    for number in range(10_000):
        content = mutated(seeds[number % 4], rng)
        try:
            picture = decode_picture(content, "mutated.png")
        except DataError:
            continue
        decoded += 1
        assert picture.image.dtype == np.uint8
        assert tile_of(make_pyramid(picture.image), 0, 0, 0)
    assert 0 < decoded < 10_000


def test_mutated_files_crash_no_page(shelf: Shelf) -> None:
    rng = np.random.default_rng(12)
    part = shelf.made.parts[0]
    name, file = shelf.name(part), shelf.made.file(part, "top")
    seed = file.read_bytes()
    refused = 0
    for _ in range(300):
        file.write_bytes(mutated(seed, rng))
        shelf.pictures._decoded.__init__(1, lambda decoded: decoded.pyramid.bytes)  # type: ignore[misc]
        assert shelf.row(part).key.trigger == 1
        try:
            assert shelf.pictures.describe(name).fault is not None or file.read_bytes() != seed
        except (DataError, ReviewError):
            refused += 1
    assert refused > 100


def test_cache_holds_no_more_bytes_than_it_may() -> None:
    cache = ByteCache[bytes](1000, len)
    for number in range(100):
        cache.put(number, bytes(100))
    assert cache.bytes == 1000
    assert cache.get(99) is not None
    assert cache.get(0) is None
    cache.put("large", bytes(2000))
    assert cache.get("large") is None
    with pytest.raises(ZeroDivisionError):
        cache.get_or_make("error", lambda: bytes(1 // 0))
    assert cache.get_or_make("error", lambda: b"well") == b"well"


def test_thumbnails_on_the_disk_are_bounded(tmp_path: Path) -> None:
    from taktsight.inspect.review.pictures.thumbnails import Thumbnails

    kept = Thumbnails(tmp_path, max_bytes=10_000)
    for number in range(50):
        kept.put(str(number), bytes([number]) * 1000)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert 0 < sum(path.stat().st_size for path in files) <= 10_000
    assert kept.get("49") == bytes([49]) * 1000
    assert Thumbnails(tmp_path / "none").get("1") is None
