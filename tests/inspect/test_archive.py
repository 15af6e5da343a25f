"""Kept images: which are shed, which go first when room or age runs out, and what a start finds there."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil  # type: ignore[import-untyped]  # its stubs are not installed
import pytest

from taktsight.image_files import decode_image, encode_png
from taktsight.inspect import image_store
from taktsight.inspect.archive_port import ArchivePort
from taktsight.inspect.backlog import Backlog, Picture
from taktsight.inspect.frame_files import file_of, pixels_digest
from taktsight.inspect.image_store import ImageStore
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.ledger_rows import Row
from taktsight.inspect.messages import ImageRules, StartArchive, StoreImage
from taktsight.inspect.realtime import stop_yielding
from taktsight.inspect.retention import Shelf
from taktsight.inspect.ring import Slot
from taktsight.records import Image, Outcome

MB = 1_000_000
NOW = datetime(2030, 1, 1, tzinfo=timezone.utc)
PASS, REJECT, REVIEW, UNINSPECTED = Outcome.PASS, Outcome.REJECT, Outcome.REVIEW, Outcome.UNINSPECTED
NOISE = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
PNG = encode_png(NOISE)


def picture(trigger: int, outcome: Outcome, image: Image = NOISE) -> Picture:
    return Picture("run", trigger, "top", outcome.value, image, pixels_digest(image))


def sent(trigger: int, outcome: Outcome, image: Image = NOISE) -> StoreImage:
    height, width, channels = image.shape
    slot = Slot(0, 2, "top", (height, width, channels))
    return StoreImage("run", trigger, outcome.value, pixels_digest(image), slot)


def image_rules(
    *,
    max_mb: float = 1000,
    reserve_mb: float = 0,
    days: float = 90,
    days_of: dict[Outcome, float] | None = None,
) -> ImageRules:
    return ImageRules((REJECT,), 0, max_mb, days, reserve_mb, days_of or {})


def kept(trigger: int, outcome: Outcome, *, days: float = 0, size: int = 100) -> Row:
    """A row of an image that is so many days old."""
    return {
        "run": "run",
        "trigger": trigger,
        "camera": "top",
        "file": file_of("run", trigger, "top", outcome.value),
        "sha256": "",
        "outcome": outcome.value,
        "bytes": size,
        "utc": (NOW - timedelta(days=days)).isoformat(timespec="milliseconds"),
        "removed": None,
    }


def lay(folder: Path, rows: Sequence[Row]) -> None:
    for row in rows:
        file = folder / row["file"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(row["bytes"]))


def left(folder: Path) -> list[str]:
    return sorted(file.name for file in (folder / "images" / "run").iterdir())


def ticking() -> Callable[[], datetime]:
    seconds = iter(range(10_000))
    return lambda: NOW + timedelta(seconds=next(seconds))


def shelf_of(rules: ImageRules, *rows: Row) -> Shelf:
    shelf = Shelf(rules)
    for row in rows:
        shelf.add(row)
    return shelf


def test_full_backlog_sheds_passes_then_uninspected_and_gives_rejects_and_reviews_first() -> None:
    backlog = Backlog(max_bytes=4 * NOISE.nbytes)
    arriving = [PASS, UNINSPECTED, PASS, PASS, PASS, REJECT, REVIEW, REJECT, REVIEW, UNINSPECTED, REJECT]
    shed = [backlog.put(picture(trigger, outcome)) for trigger, outcome in enumerate(arriving, start=1)]
    assert shed == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1]
    taken = []
    while (next_one := backlog.take()) is not None:
        taken.append(next_one.trigger)
    assert taken == [6, 7, 8, 9]
    assert len(backlog) == 0


def test_oldest_passes_make_room_first(tmp_path: Path) -> None:
    store = ImageStore(tmp_path, image_rules(max_mb=3.5 * len(PNG) / MB), ticking())
    for trigger, outcome in enumerate([REJECT, PASS, PASS, REJECT, REJECT, REJECT], start=1):
        assert store.keep(sent(trigger, outcome), PNG)
        store.make_room()
    assert left(tmp_path) == [f"00000000{trigger}_top_REJECT.png" for trigger in (4, 5, 6)]
    rows = store.take_rows()
    assert [row["trigger"] for row in rows if row["removed"] is None] == [1, 2, 3, 4, 5, 6]
    assert [row["trigger"] for row in rows if row["removed"] is not None] == [2, 3, 1]


def test_order_of_removal_is_pass_uninspected_then_the_oldest_review_or_reject() -> None:
    shelf = shelf_of(
        image_rules(),
        kept(1, REJECT, days=9),
        kept(2, REVIEW, days=8),
        kept(3, UNINSPECTED, days=7),
        kept(4, REJECT, days=6),
        kept(5, PASS, days=2),
        kept(6, PASS, days=1),
    )
    gone = []
    while (row := shelf.first_out()) is not None:
        gone.append(row["trigger"])
    assert gone == [5, 6, 3, 1, 2, 4]
    assert shelf.bytes == 0


def test_each_outcome_has_its_own_age() -> None:
    outcomes = [PASS, REJECT, REVIEW, UNINSPECTED]
    rows = [
        kept(10 * days + number, outcome, days=days)
        for days in (400, 100, 40, 8, 3)
        for number, outcome in enumerate(outcomes)
    ]
    shelf = shelf_of(image_rules(days=30, days_of={PASS: 7, REJECT: 365}), *rows)
    gone = sorted(row["trigger"] for row in shelf.too_old(NOW))
    assert gone == sorted([4000, 4001, 4002, 4003, 1000, 1002, 1003, 400, 402, 403, 80])
    assert list(shelf.too_old(NOW)) == []


def test_image_that_is_written_again_counts_once() -> None:
    assert shelf_of(image_rules(), kept(1, REJECT, size=100), kept(1, REJECT, size=70)).bytes == 70


def test_images_beyond_their_age_are_removed_although_no_new_one_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started_s = time.monotonic()
    rows = [kept(1, REJECT), kept(2, PASS)]
    lay(tmp_path, rows)
    clock = SimpleNamespace(now=NOW)
    store = ImageStore(tmp_path, image_rules(days_of={PASS: 7}), lambda: clock.now)
    store.take_stock(rows)
    store.make_room()
    assert len(left(tmp_path)) == 2
    clock.now += timedelta(days=8)
    monkeypatch.setattr(time, "monotonic", lambda: started_s + 8 * 86_400)
    store.make_room()
    assert left(tmp_path) == ["000000001_top_REJECT.png"]
    assert [(row["trigger"], row["removed"]) for row in store.take_rows()] == [
        (2, "2030-01-09T00:00:00.000+00:00")
    ]


def test_clock_that_is_years_ahead_at_the_start_removes_nothing(tmp_path: Path) -> None:
    rows = [kept(2, REJECT, days=95), kept(1, REJECT, days=80)]
    lay(tmp_path, rows)
    ahead = NOW + timedelta(days=3650)
    store = ImageStore(tmp_path, image_rules(days=90), lambda: ahead, NOW)
    store.take_stock(rows)
    store.make_room()
    assert left(tmp_path) == ["000000001_top_REJECT.png"]  # the other was too old by the records' own time


def test_images_leave_the_ledger_its_reserve(tmp_path: Path) -> None:
    store = ImageStore(tmp_path, image_rules(reserve_mb=1e12), lambda: NOW)
    assert not store.keep(sent(1, REJECT), PNG)
    assert left(tmp_path) == []
    assert store.take_rows() == []


def test_full_disk_takes_images_away_only_once_the_ledger_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [kept(1, REJECT, days=3), kept(2, PASS, days=2), kept(3, REJECT, days=1)]
    lay(tmp_path, rows)

    def disk_usage(_folder: Path) -> SimpleNamespace:
        return SimpleNamespace(free=image_store.LEDGER_ROOM_BYTES + 1 - len(left(tmp_path)))

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    store = ImageStore(tmp_path, image_rules(), lambda: NOW)
    store.take_stock(rows)
    store.make_room()
    assert len(left(tmp_path)) == 3
    store.make_way()
    assert left(tmp_path) == ["000000003_top_REJECT.png"]
    assert [row["trigger"] for row in store.take_rows()] == [2, 1]


def test_what_a_killed_recorder_did_not_list_is_listed_at_the_next_start(tmp_path: Path) -> None:
    listed, unlisted = file_of("run", 1, "top", "REJECT"), file_of("run", 2, "side_2", "REVIEW")
    (tmp_path / "images" / "run").mkdir(parents=True)
    for name in (listed, unlisted):
        (tmp_path / name).write_bytes(PNG)
    (tmp_path / file_of("run", 3, "top", "PASS")).write_bytes(PNG[:-50])
    (tmp_path / file_of("run", 4, "top", "PASS")).with_suffix(".part").write_bytes(b"half")
    (tmp_path / "images" / "run" / "notes.txt").write_text("of a person, and nobody else's business")
    store = ImageStore(tmp_path, image_rules(), lambda: NOW)
    store.take_stock([kept(1, REJECT, size=len(PNG)), kept(9, REJECT)])
    gone, found = store.take_rows()
    assert (gone["trigger"], gone["removed"] is not None) == (9, True)
    assert [found[key] for key in ("run", "trigger", "camera", "outcome")] == ["run", 2, "side_2", "REVIEW"]
    assert (found["file"], found["sha256"], found["bytes"]) == (unlisted, pixels_digest(NOISE), len(PNG))
    assert left(tmp_path) == ["000000001_top_REJECT.png", "000000002_side_2_REVIEW.png", "notes.txt"]


def test_disk_that_cannot_be_written_sheds_images_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "images").symlink_to("/dev/null/nothing")
    store = ImageStore(tmp_path, image_rules(), lambda: NOW)
    assert not any(store.keep(sent(trigger, REJECT), PNG) for trigger in range(1, 4))
    assert store.take_rows() == []


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[ArchivePort]:
    """The real process behind it."""
    Ledger.create(tmp_path).close()
    port = ArchivePort(StartArchive(tmp_path, image_rules()))
    yield port
    port.close(0)


def test_kept_frame_is_lossless_and_has_the_digest_of_its_pixels(
    archive: ArchivePort, tmp_path: Path
) -> None:
    images = [NOISE, NOISE[:, :, :1].copy(), NOISE[::2]]
    for trigger, image in enumerate(images, start=1):
        archive.put(picture(trigger, REJECT, image))
    assert archive.close(60)
    rows = archive.take_rows()
    assert [row["trigger"] for row in rows] == [1, 2, 3]
    for row, image in zip(rows, images, strict=True):
        stored = decode_image((tmp_path / row["file"]).read_bytes(), "kept")
        assert np.array_equal(stored, image)
        assert pixels_digest(stored) == row["sha256"]
    assert (archive.stored, archive.shed, archive.removed) == (3, 0, 0)


def archive_process() -> int:
    found = [
        int(child.pid)
        for child in psutil.Process().children()
        if any("taktsight.inspect.archive " in part for part in child.cmdline())
    ]
    assert len(found) == 1
    return found[0]


def receive_until(archive: ArchivePort, true: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until_s, "it did not happen in time"
        stop_yielding(archive._child.process_id)  # on a busy machine it would get no core for minutes
        archive.receive()
        time.sleep(0.01)


def test_archive_that_was_killed_costs_one_image_and_is_started_anew(archive: ArchivePort) -> None:
    archive.put(picture(1, REJECT))
    receive_until(archive, lambda: archive.stored == 1)
    killed = archive_process()
    os.kill(killed, signal.SIGSTOP)
    archive.put(picture(2, REJECT))
    archive.put(picture(3, REJECT))
    os.kill(killed, signal.SIGKILL)
    receive_until(archive, lambda: archive.stored == 2)
    assert archive_process() != killed
    assert archive.close(60)
    assert (archive.stored, archive.shed) == (2, 1)
    assert {row["trigger"] for row in archive.take_rows()} == {1, 3}


def test_archive_that_ends_again_and_again_sheds_images_and_harms_nobody(archive: ArchivePort) -> None:
    for _ in range(6):
        killed = archive_process()
        os.kill(killed, signal.SIGKILL)
        receive_until(archive, lambda killed=killed: not psutil.pid_exists(killed))  # type: ignore[misc]
    assert archive.fileno() < 0
    archive.put(picture(1, REJECT))
    archive.give_way()
    assert archive.close(1)
    assert (archive.stored, archive.shed) == (0, 1)
