"""Images in files: RGB as seen, or refused with a sentence that says what the file is."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from taktsight.errors import DataError
from taktsight.image_files import decode_image, encode_png, read_image
from taktsight.records import Image

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def stripes() -> Image:
    """Red, green and blue, each 16 columns wide."""
    image = np.zeros((24, 48, 3), np.uint8)
    image[:, :16], image[:, 16:32], image[:, 32:] = RED, GREEN, BLUE
    return image


def noise(channels: int) -> Image:
    return np.random.default_rng(1).integers(0, 256, (40, 30, channels), dtype=np.uint8)


def encoded(suffix: str, image: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def written(folder: Path, content: bytes) -> Path:
    path = folder / "part-1.png"
    path.write_bytes(content)
    return path


def test_red_is_the_first_channel(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\0" + bytes(RED))
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")
    assert read_image(written(tmp_path, png)).tolist() == [[list(RED)]]


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_colours_stay_in_place_through_lossy_files(suffix: str) -> None:
    shown = decode_image(encoded(suffix, np.ascontiguousarray(stripes()[:, :, ::-1])), "stripes")
    for column, colour in ((8, RED), (24, GREEN), (40, BLUE)):
        assert int(np.argmax(shown[12, column])) == int(np.argmax(colour))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("compression", [0, 1, 9])
def test_png_gives_back_every_pixel(channels: int, compression: int) -> None:
    image = noise(channels)
    assert np.array_equal(decode_image(encode_png(image, compression), "noise"), image)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_mono_stays_one_channel(suffix: str) -> None:
    image = noise(1)
    assert np.array_equal(decode_image(encoded(suffix, image), "noise"), image)


def test_channels_are_made_as_asked(tmp_path: Path) -> None:
    colour = written(tmp_path, encode_png(stripes()))
    assert read_image(colour, 3).shape == (24, 48, 3)
    luma = read_image(colour, 1)
    assert luma.shape == (24, 48, 1)
    assert luma[0, [8, 24, 40], 0].tolist() == [76, 150, 29]  # BT.601: 0.299, 0.587, 0.114 of 255
    mono = written(tmp_path, encode_png(noise(1)))
    grey = read_image(mono, 3)
    assert grey.shape == (40, 30, 3)
    assert (grey == grey[:, :, :1]).all()


def test_absent_file_and_folder_are_data_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.png", tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            read_image(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "git lfs pull"),
        (b"GIF89a is not among them", "not an image"),
        (b"\xff\xd8\xff\xe0 no jpeg", "not an image"),
        (encoded(".png", np.zeros((8, 8), np.uint16)), "uint16 pixels; 8 bits"),
        (encoded(".tif", np.zeros((8, 8), np.uint16)), "uint16 pixels; 8 bits"),
        (encoded(".png", np.zeros((8, 8, 4), np.uint8)), "without alpha"),
    ],
)
def test_what_is_no_8_bit_image_says_what_it_is(tmp_path: Path, content: bytes, says: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(DataError, match=says) as caught:
        read_image(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif", ".webp"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_file_that_was_cut_short_is_no_image(suffix: str, share: float) -> None:
    whole = encoded(suffix, noise(3))
    with pytest.raises(DataError, match="cut short"):
        decode_image(whole[: int(len(whole) * share)], "cut")


def test_header_that_promises_more_pixels_than_memory_is_a_data_error() -> None:
    header = struct.pack(">IIBBBBB", 1 << 16, 1 << 16, 8, 0, 0, 0, 0)
    png = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(DataError, match="bomb: cannot be decoded"):
        decode_image(png, "bomb")
