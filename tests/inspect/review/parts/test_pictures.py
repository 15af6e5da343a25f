"""Pictures are what was judged, or say that they are not; nobody gets one by guessing, and none fills
memory."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from taktsight.errors import DataError, ReviewError
from taktsight.image_files import decode_image, encode_png, read_image
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.rows import PartRow
from taktsight.inspect.review.pictures.bundles import open_bundles
from taktsight.inspect.review.pictures.byte_cache import ByteCache
from taktsight.inspect.review.pictures.ids import FramePlace, GoldenPlace, ImageIds, read_secret
from taktsight.inspect.review.pictures.picture_files import decode_picture, path_of
from taktsight.inspect.review.pictures.pictures import Pictures
from taktsight.inspect.review.pictures.pyramid import make_pyramid, max_level, overview_tiles, tile_of
from taktsight.inspect.review.store.values import PartKey
from taktsight.records import Outcome

from ..records import PASS, REJECT, REVIEW, MadePart, MadeRecords, make_records
from .people import Bench


class Shelf:
    """Index and pictures of some records."""

    def __init__(self, made: MadeRecords, *, with_bundle: bool = True) -> None:
        self.made = made
        self.index = PartIndex.open(made.folder, made.folder / "review")
        self.index.follow()
        self.pictures = Pictures(self.index, open_bundles([made.bundle]) if with_bundle else ())

    def row(self, part: MadePart) -> PartRow:
        row = self.index.part(PartKey(part.run, part.trigger))
        assert row is not None
        return row

    def name(self, part: MadePart, view: str = "top") -> str:
        return self.row(part).frames[view].image_id

    def close(self) -> None:
        self.pictures.close()
        self.index.close()


@pytest.fixture
def shelf(made: MadeRecords) -> Iterator[Shelf]:
    """Of twelve parts, with their bundle."""
    opened = Shelf(made)
    yield opened
    opened.close()


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


def test_overlay_draws_what_the_bundle_sees(shelf: Shelf) -> None:
    part = shelf.made.of(REJECT)[0]
    overlay = shelf.pictures.overlay(shelf.name(part), 60)
    assert overlay.is_ready, overlay.why
    assert overlay.why == "", "recipe, bundle and scores are those of the ledger"
    assert overlay.scores == pytest.approx(shelf.row(part).scores["top"])
    (contour,) = overlay.contours
    image = read_image(shelf.made.file(part, "top"))[:, :, 0]
    rows, columns = np.nonzero(image >= 200)
    x0, y0, x1, y1 = int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1
    assert contour.box_px == (x0, y0, x1, y1)
    assert set(contour.points) == {(x0, y0), (x0, y1), (x1, y0), (x1, y1)}
    assert contour.area_mm2 == pytest.approx(10 * 12 * 0.1**2)
    drawn = decode_image(overlay.maps["spot"], "map")[:, :, 0]
    assert np.array_equal(drawn > 128, image >= 200)
    assert overlay.map_box_px == (0, 0, 128, 96)
    assert shelf.pictures.overlay(shelf.name(part)) is overlay


def test_passed_view_has_a_map_and_no_contour(shelf: Shelf) -> None:
    overlay = shelf.pictures.overlay(shelf.name(shelf.made.of(REVIEW)[0], "side"), 60)
    assert overlay.is_ready
    assert set(overlay.maps) == {"spot"}


def test_judging_again_yields_to_everyone_and_survives_its_end(shelf: Shelf) -> None:
    parts = shelf.made.of(REJECT)
    assert shelf.pictures.overlay(shelf.name(parts[0]), 60).is_ready
    process = shelf.pictures._judge.process_id
    assert process is not None
    assert os.sched_getscheduler(process) == os.SCHED_IDLE
    assert os.getpriority(os.PRIO_PROCESS, process) == 19
    os.kill(process, signal.SIGKILL)
    answers = [shelf.pictures.overlay(shelf.name(parts[1]), 60) for _ in range(2)]
    assert answers[-1].is_ready, "the next one starts it again"
    again = shelf.pictures._judge.process_id
    assert again != process
    shelf.pictures.close()
    assert shelf.pictures._judge.process_id is None


def test_without_the_bundle_the_picture_stays_and_says_so(made: MadeRecords) -> None:
    shelf = Shelf(made, with_bundle=False)
    name = shelf.name(made.parts[1])
    overlay = shelf.pictures.overlay(name)
    assert not overlay.is_ready
    assert "not at hand" in overlay.why
    assert shelf.pictures.describe(name).fault is None
    assert shelf.pictures.golden(name) == ()
    shelf.close()


def test_part_that_nobody_judged_has_nothing_to_draw(shelf: Shelf) -> None:
    overlay = shelf.pictures.overlay(shelf.name(shelf.made.of(Outcome.UNINSPECTED)[0]))
    assert (overlay.is_ready, overlay.why) == (False, "nobody judged it: there is nothing to draw")


def test_golden_samples_stand_beside_the_frame(shelf: Shelf) -> None:
    golden = shelf.pictures.golden(shelf.name(shelf.made.parts[1]))
    assert [example.truth for example in golden] == ["good", "spot"]
    described = shelf.pictures.describe(golden[1].image_id)
    assert (described.width, described.is_golden, described.fault) == (64, True, None)
    overlay = shelf.pictures.overlay(golden[1].image_id, 60)
    assert overlay.is_ready, overlay.why
    assert overlay.contours[0].box_px == (24, 20, 34, 30)


def test_nearest_examples_look_alike(made: MadeRecords) -> None:
    bench = Bench(made)
    rejects = made.of(REJECT)
    bench.decide("ann", PartKey(rejects[0].run, rejects[0].trigger), "spot")
    bench.decide("ann", PartKey(made.parts[0].run, made.parts[0].trigger), "good")
    bench.queue.page()
    shelf = Shelf(made)
    for part in rejects:
        assert shelf.pictures.overlay(shelf.name(part), 60).is_ready
    examples = shelf.pictures.nearest(shelf.name(rejects[1]))
    assert len(examples) == 4
    assert [example.distance for example in examples] == sorted(example.distance for example in examples)
    by_part = {example.image_id: example for example in examples}
    assert by_part[shelf.name(rejects[0])].truth == "spot"
    assert by_part[shelf.name(rejects[0])].distance < by_part[shelf.name(made.parts[0])].distance
    assert shelf.name(rejects[1]) not in by_part
    shelf.close()
    bench.close()


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
