"""Pictures are what was judged, or say that they are not, and nobody gets one by guessing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from taktsight.errors import DataError, ReviewError
from taktsight.image_files import decode_image, encode_png, read_image
from taktsight.inspect.review.pictures.ids import FramePlace, GoldenPlace, ImageIds, read_secret
from taktsight.inspect.review.pictures.picture_files import path_of
from taktsight.inspect.review.pictures.pyramid import make_pyramid, max_level, overview_tiles, tile_of
from taktsight.records import Outcome

from ..records import PASS, MadeRecords, make_records
from .people import Bench
from .shelf import Shelf


def test_tiles_at_one_to_one_are_the_pixels_that_were_judged(tmp_path: Path) -> None:
    made = make_records(tmp_path, [PASS], views=("top",), size_px=(700, 1200))
    shelf = Shelf(made)
    name = shelf.name(made.parts[0])
    described = shelf.pictures.describe(name)
    assert (described.width, described.height, described.tile_px, described.max_level) == (
        1200,
        700,
        1024,
        11,
    )
    assert described.fault is None
    whole = np.vstack(
        [
            np.hstack(
                [decode_image(shelf.pictures.tile(name, 11, column, row), "tile") for column in range(2)]
            )
            for row in range(1)
        ]
    )
    assert np.array_equal(whole, read_image(made.file(made.parts[0], "top")))
    assert decode_image(shelf.pictures.tile(name, 10, 0, 0), "tile").shape == (350, 600, 1)
    assert decode_image(shelf.pictures.tile(name, 0, 0, 0), "tile").shape == (1, 1, 1)
    for level, column, row in ((12, 0, 0), (-1, 0, 0), (11, 2, 0), (11, 0, 1), (11, -1, 0), (99, 0, 0)):
        with pytest.raises(ReviewError):
            shelf.pictures.tile(name, level, column, row)
    shelf.close()


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (512, 512), (1024, 1024), (1025, 1024), (3000, 4000)])
def test_every_tile_of_every_level_is_there(size: tuple[int, int]) -> None:
    pyramid = make_pyramid(np.zeros((*size, 1), np.uint8))
    for level, column, row in overview_tiles(pyramid.width, pyramid.height):
        assert tile_of(pyramid, level, column, row)
    assert tile_of(pyramid, max_level(pyramid.width, pyramid.height), 0, 0).startswith(b"\x89PNG")


def test_frame_is_decoded_once(shelf: Shelf) -> None:
    name = shelf.name(shelf.made.parts[0])
    for _ in range(3):
        shelf.pictures.describe(name)
        shelf.pictures.tile(name, 7, 0, 0)
        shelf.pictures.thumbnail(name)
    assert shelf.pictures._decoded.made == 1


def test_prepared_frame_waits_decoded_with_its_tiles(shelf: Shelf) -> None:
    names = [shelf.name(part) for part in shelf.made.parts[:3]]
    shelf.pictures.prepare([*names, "x" * 34])
    for _ in range(500):
        if all(shelf.pictures._thumbnails.get(name) for name in names):
            break
        shelf.pictures._stopping.wait(0.02)
    assert all(shelf.pictures._tiles.get((name, 7, 0, 0)) for name in names)
    shelf.pictures.prepare(f"{number:034d}" for number in range(10_000))
    assert len(shelf.pictures._ahead) <= 32


def test_names_are_opaque_and_only_those_that_were_given_open_anything(shelf: Shelf) -> None:
    name = shelf.name(shelf.made.parts[0])
    assert name == shelf.name(shelf.made.parts[0])
    assert name != shelf.name(shelf.made.parts[0], "side") != shelf.name(shelf.made.parts[1])
    rng = np.random.default_rng(5)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    guesses = ["".join(rng.choice(list(letters), 34)) for _ in range(200)]
    for place in range(34):  # the last letter has bits that say nothing
        other = letters[(letters.index(name[place]) + 16) % 64]
        guesses.append(name[:place] + other + name[place + 1 :])
    guesses += ["", name[:-1], name + "A", "../../../etc/passwd", "a" * 100_000, "é" * 34, f"{name}\n"]
    for guess in guesses:
        for ask in (shelf.pictures.describe, shelf.pictures.thumbnail, shelf.pictures.overlay):
            with pytest.raises(ReviewError):
                ask(guess)


def test_names_say_back_what_they_are_of() -> None:
    ids = ImageIds(b"k" * 32)
    for place in (FramePlace(1, 2), FramePlace(2**62, 2**32 - 1), GoldenPlace(2**64 - 1, 7)):
        assert ids.place(ids.name(place)) == place
    with pytest.raises(ReviewError):
        ImageIds(b"l" * 32).place(ids.name(FramePlace(1, 2)))


def test_secret_of_a_folder_is_the_stores_too(made: MadeRecords) -> None:
    bench = Bench(made)
    secret = read_secret(made.folder / "review")
    assert secret == bench.store.book.secret()
    assert (made.folder / "review" / "secret.key").stat().st_mode & 0o077 == 0
    bench.close()


def test_file_that_was_replaced_is_not_the_frame_that_was_judged(shelf: Shelf) -> None:
    part = shelf.made.of(Outcome.REJECT)[0]
    other = shelf.made.of(Outcome.PASS)[0]
    shelf.made.file(part, "top").write_bytes(shelf.made.file(other, "top").read_bytes())
    name = shelf.name(part)
    assert shelf.pictures.describe(name).fault == "the file is not the frame that was judged"
    honest = shelf.pictures.thumbnail(shelf.name(other))
    assert shelf.pictures.thumbnail(name) != honest, "it is crossed out"
    overlay = shelf.pictures.overlay(name, 60)
    assert not overlay.is_ready
    assert "not the frame that was judged" in overlay.why
    shelf.pictures.close()


def test_same_pixels_in_another_file_are_the_frame_that_was_judged(shelf: Shelf) -> None:
    part = shelf.made.parts[0]
    file = shelf.made.file(part, "top")
    file.write_bytes(encode_png(read_image(file), 9))
    assert shelf.pictures.describe(shelf.name(part)).fault is None


def test_frame_that_is_gone_or_leads_elsewhere_is_said(shelf: Shelf, tmp_path: Path) -> None:
    part, other = shelf.made.parts[0], shelf.made.parts[1]
    name, linked = shelf.name(part), shelf.name(other)
    shelf.made.file(part, "top").unlink()
    for ask in (shelf.pictures.describe, shelf.pictures.thumbnail):
        with pytest.raises(DataError, match="no longer kept"):
            ask(name)
    assert not shelf.pictures.overlay(name).is_ready
    outside = tmp_path / "outside.png"
    outside.write_bytes(encode_png(np.zeros((32, 32, 1), np.uint8)))
    shelf.made.file(other, "top").unlink()
    shelf.made.file(other, "top").symlink_to(outside)
    with pytest.raises(DataError):
        shelf.pictures.describe(linked)


def test_listed_name_never_leads_out_of_the_images(tmp_path: Path) -> None:
    for name in (
        "../secret",
        "/etc/passwd",
        "images/../../x",
        "images",
        "review/secret.key",
        "images/../ledger.sqlite",
    ):
        assert path_of(tmp_path, name) is None
    assert path_of(tmp_path, "images/R/1.png") == tmp_path / "images" / "R" / "1.png"
