"""The size of an image from its header is the size it is decoded to."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from taktsight.datasets.readers.sizes import image_size
from taktsight.errors import DataError
from taktsight.image_files import IMAGE_SUFFIXES, read_image

from .annotated import photograph


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
def test_size_is_that_of_the_decoded_image(tmp_path: Path, suffix: str) -> None:
    image = photograph(tmp_path, f"1{suffix}", size=(41, 67)) / f"1{suffix}"
    assert image_size(image) == read_image(image).shape[:2] == (41, 67)


def test_image_that_is_stored_turned_is_refused(tmp_path: Path) -> None:
    """The person who drew on it saw it upright."""
    for orientation in (1, 6):
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(np.zeros((40, 60), np.uint8)).save(tmp_path / f"{orientation}.jpg", exif=exif)
    assert image_size(tmp_path / "1.jpg") == (40, 60)
    with pytest.raises(
        DataError, match=r"6\.jpg: is stored turned \(EXIF orientation 6\); save it upright"
    ):
        image_size(tmp_path / "6.jpg")


def test_image_larger_than_its_reader_trusts_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = photograph(tmp_path, "1.png") / "1.png"
    for pixels in (2000, 1000):  # above the limit a warning, above twice the limit an error
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pixels)
        assert image_size(image) == (40, 60)


def test_file_that_is_no_image_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"1\.png: is empty"):
        image_size(tmp_path / "1.png")
    with pytest.raises(DataError, match=r"2\.png: cannot be read"):
        image_size(tmp_path / "2.png")


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
def test_damaged_header_never_ends_in_another_error(tmp_path: Path, suffix: str) -> None:
    image, draw = photograph(tmp_path, f"1{suffix}") / f"1{suffix}", Random(3)
    whole = image.read_bytes()
    for _ in range(60):
        garbled = bytearray(whole[: draw.choice((draw.randrange(len(whole)), len(whole)))])
        for _ in range(min(len(garbled), 3)):
            garbled[draw.randrange(min(len(garbled), 120))] = draw.randrange(256)
        image.write_bytes(bytes(garbled))
        complaint = ""
        try:
            image_size(image)
        except DataError as error:
            complaint = str(error)
        assert not complaint or complaint.startswith(str(image))
