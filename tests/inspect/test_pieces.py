"""The pieces of the line on their own: ring, meters, ledger, camera, engine, restarts."""

from __future__ import annotations

import os
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from taktsight.bundle import read_bundle
from taktsight.errors import BackendError, CameraError, LedgerError, LineError
from taktsight.image_files import encode_png
from taktsight.inspect.backends.ort import OnnxRuntimeBackend
from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.cameras.folder import FolderCamera
from taktsight.inspect.children import MAX_RESTARTS, RESTART_WINDOW_NS, RestartLimit
from taktsight.inspect.inspector import golden_mistakes, golden_part
from taktsight.inspect.ledger import FILE, Ledger
from taktsight.inspect.messages import Entry, Expose
from taktsight.inspect.meters import Meters, size_meters
from taktsight.inspect.ring import Ring, Slot, size_ring
from taktsight.inspect.triggers.timer import TimerTrigger
from taktsight.inspect.triggers.trigger import Arrival
from taktsight.records import Image

from .spots import GOOD, SIZE_PX, SPOT, draw_part, pair_bundle, spot_bundle, spot_model


def flat(value: int) -> Image:
    return np.full((300, 200, 3), value, np.uint8)


@pytest.fixture
def ring() -> Ring:
    descriptor = os.memfd_create("ring")
    size_ring(descriptor, 4)
    made = Ring(descriptor)
    os.close(descriptor)
    return made


def test_frame_comes_out_of_the_ring_as_it_went_in(ring: Ring) -> None:
    slot = ring.write(flat(7), "top")
    copy = ring.read(slot)
    assert copy is not None
    assert np.array_equal(copy, flat(7))


def test_overwritten_slot_is_a_lost_image_never_a_wrong_one(ring: Ring) -> None:
    first = ring.write(flat(1), "top")
    for value in (2, 3, 4, 5):
        last = ring.write(flat(value), "top")
    assert last.index == first.index
    assert ring.read(first) is None
    assert ring.read(last) is not None


def test_writer_that_died_in_a_slot_leaves_no_frame_behind(ring: Ring) -> None:
    slot = ring.write(flat(1), "top")
    ring._set_generation(slot.index, slot.generation + 1)
    assert ring.read(slot) is None
    ring._next = slot.index
    again = ring.write(flat(9), "top")
    assert again.generation % 2 == 0
    assert again.generation > slot.generation


def test_two_writers_in_one_slot_leave_one_frame_or_none(ring: Ring) -> None:
    """One was held up until the ring had gone round: the other's frame must not be taken for its own."""
    pixels = ring._pixels
    slots: list[Slot] = []

    def held_up(index: int, shape: tuple[int, int, int]) -> Image:
        ring._pixels = pixels  # type: ignore[method-assign]
        slots.extend(ring.write(flat(value), "side") for value in (2, 3, 4, 5))
        return pixels(index, shape)

    ring._pixels = held_up  # type: ignore[method-assign]
    slots.append(ring.write(flat(1), "top"))
    for slot, value in zip(slots, (2, 3, 4, 5, 1), strict=True):
        copy = ring.read(slot)
        assert copy is None or (copy == value).all(), f"the frame of {slot.camera} is another one's"
    assert ring.read(ring.write(flat(6), "top")) is not None


def test_frame_that_finds_every_slot_being_written_is_a_lost_image(ring: Ring) -> None:
    ring._busy.update(range(ring.frames))
    assert ring.read(ring.write(flat(1), "top")) is None


def test_reader_never_sees_half_a_frame(ring: Ring) -> None:
    slots = [ring.write(flat(0), "top")]
    done = threading.Event()

    def write() -> None:
        for value in range(1, 2000):
            slots[0] = ring.write(flat(value % 250), "top")
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    read = 0
    while not done.is_set():
        copy = ring.read(slots[0])
        if copy is not None:
            read += 1
            assert copy.min() == copy.max()
    writer.join()
    assert read


def test_frame_larger_than_a_slot_is_refused(ring: Ring) -> None:
    with pytest.raises(CameraError, match="at most"):
        ring.write(np.zeros((8000, 8000, 3), np.uint8), "top")


def test_percentiles_are_at_most_three_percent_high_and_never_low() -> None:
    descriptor = os.memfd_create("meters")
    size_meters(descriptor)
    meters = Meters(descriptor)
    os.close(descriptor)
    times = np.random.default_rng(1).lognormal(16, 1.5, 5003).astype(int)
    for time_ns in times.tolist():
        meters.record_cycle(time_ns)
    for percent in (50, 99, 99.9):
        exact = np.percentile(times, percent, method="inverted_cdf")
        assert exact <= meters.cycle_percentile_ns(percent) <= exact * 1.033
    assert meters.cycle_max_ns() == times.max()


def test_timer_keeps_its_schedule_and_triggers_the_slots_it_missed() -> None:
    timer = TimerTrigger(20, 5)
    timer.arm(1000, parts=None)
    assert timer.fire(1000) == Arrival(1000)
    assert timer.fire(1019) is None
    assert [timer.fire(1065) for _ in range(3)] == [Arrival(1020), Arrival(1040), Arrival(1060)]
    assert timer.fire(1065) is None
    assert timer.next_due_ns() == 1080
    assert timer.fire(1080) == Arrival(1080)
    assert timer.exhausted


def test_sixth_restart_within_a_minute_is_one_too_many() -> None:
    limit = RestartLimit("vision")
    for second in range(MAX_RESTARTS):
        limit.count(second)
    with pytest.raises(LineError, match="vision ended 6 times"):
        limit.count(MAX_RESTARTS)
    limit.count(RESTART_WINDOW_NS + MAX_RESTARTS)


def entries(count: int) -> list[Entry]:
    scores: dict[str, tuple[float, ...]] = {"camera": (float(np.float32(0.1)), float(np.float32(1 / 3)))}
    return [
        Entry("verdict", trigger, f"s{trigger}", "PASS", cycle_ns=5, scores=scores, number=trigger)
        for trigger in range(1, count + 1)
    ]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger.create(tmp_path)
    made.append("run", entries(8), (), "2030-01-01")
    return made


def tamper(folder: Path, *statements: str) -> None:
    with sqlite3.connect(folder / FILE) as connection:
        for verb in ("update", "delete"):
            connection.execute(f"DROP TRIGGER entries_no_{verb}")
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_entries_sent_again_are_written_once(ledger: Ledger) -> None:
    ledger.append("run", entries(10), (), "2030-01-02")
    assert [row["trigger"] for row in ledger.rows()] == list(range(1, 11))
    assert ledger.verify().rows == 10


def test_text_that_is_no_unicode_is_written_readable_and_keeps_nobody_out(ledger: Ledger) -> None:
    """The name of a file in another encoding, as the serial of a part."""
    serial = os.fsdecode(b"T\xfcr.png")
    last = replace(entries(9)[-1], serial=serial, reasons=(f"{serial}: cannot be decoded",))
    ledger.append("run", [*entries(8), last], (), "2030-01-02")
    row = ledger.rows(1)[0]
    assert (row["serial"], row["trigger"]) == ("T\\udcfcr.png", 9)
    assert "cannot be decoded" in row["reasons"]
    assert ledger.verify().rows == 9


def test_scores_read_back_as_the_same_float32(ledger: Ledger) -> None:
    import json

    scores = np.asarray(json.loads(ledger.rows()[0]["scores"])["camera"], np.float32)
    assert scores.tobytes() == np.asarray([0.1, 1 / 3], np.float32).tobytes()


def test_database_itself_refuses_to_change_a_row(ledger: Ledger, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / FILE)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute("UPDATE entries SET outcome = 'PASS'")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute("DELETE FROM entries WHERE seq = 8")
    connection.close()


@pytest.mark.parametrize(
    ("statements", "named"),
    [
        (["UPDATE entries SET outcome = 'REJECT' WHERE seq = 3"], "row 3 was changed"),
        (["UPDATE entries SET serial = NULL WHERE seq = 8"], "row 8 was changed"),
        (["DELETE FROM entries WHERE seq = 5"], "row 5 is missing"),
        (
            ["DELETE FROM entries WHERE seq = 5", "UPDATE entries SET seq = seq - 1 WHERE seq > 5"],
            "row 5 does not follow row 4",
        ),
        (
            [
                "UPDATE entries SET seq = 100 WHERE seq = 2",
                "UPDATE entries SET seq = 2 WHERE seq = 4",
                "UPDATE entries SET seq = 4 WHERE seq = 100",
            ],
            "row 2 does not follow row 1",
        ),
    ],
)
def test_tampering_is_named_by_its_row(
    ledger: Ledger, tmp_path: Path, statements: list[str], named: str
) -> None:
    tamper(tmp_path, *statements)
    with pytest.raises(LedgerError, match=named):
        ledger.verify()


def test_ledger_of_another_version_is_refused_as_such(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("CREATE TABLE entries (seq INTEGER PRIMARY KEY, run TEXT, digest TEXT)")
    connection.close()
    with pytest.raises(
        LedgerError, match="another version of Taktsight; keep it, and give the station a new"
    ):
        Ledger.create(tmp_path)


def test_locked_ledger_is_an_error_and_nothing_is_half_written(ledger: Ledger, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError, match="locked"):
        ledger.append("run", entries(9), (), "2030-01-02")
    other.execute("ROLLBACK")
    other.close()
    ledger.append("run", entries(9), (), "2030-01-02")
    assert ledger.verify().rows == 9


def grab(camera: FolderCamera, trigger: int) -> Exposure:
    return camera.grab(Expose(trigger, 0, 0))


def folder_camera(folder: Path, *, repeat: bool = False) -> FolderCamera:
    return FolderCamera("top", folder, repeat=repeat, channels=1)


def write_parts(folder: Path, count: int) -> None:
    for number in range(1, count + 1):
        (folder / f"part_{number}.png").write_bytes(encode_png(draw_part(number)))


def test_part_n_is_image_n_in_natural_order(tmp_path: Path) -> None:
    write_parts(tmp_path, 11)
    camera = folder_camera(tmp_path)
    grabbed = [grab(camera, trigger) for trigger in range(1, 12)]
    assert [exposure.serial for exposure in grabbed] == [f"part_{number}.png" for number in range(1, 12)]
    assert [int(exposure.image[25, 28, 0]) for exposure in grabbed] == list(range(1, 12))
    with pytest.raises(CameraError, match="none for part 12"):
        grab(camera, 12)
    camera.close()


def test_repeating_folder_begins_again_and_triggers_may_be_skipped(tmp_path: Path) -> None:
    write_parts(tmp_path, 3)
    camera = folder_camera(tmp_path, repeat=True)
    assert [grab(camera, trigger).serial for trigger in (1, 3, 4, 9)] == [
        f"part_{number}.png" for number in (1, 3, 1, 3)
    ]
    assert camera.parts is None
    camera.close()


def test_list_file_names_the_images(tmp_path: Path) -> None:
    write_parts(tmp_path, 3)
    (tmp_path / "some.txt").write_text("part_3.png\npart_1.png\n")
    camera = folder_camera(tmp_path / "some.txt")
    assert [grab(camera, 1).serial, grab(camera, 2).serial, camera.parts] == ["part_3.png", "part_1.png", 2]
    camera.close()


def test_folder_without_an_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match=str(tmp_path)):
        folder_camera(tmp_path)


def test_engine_gives_the_bits_of_a_plain_session() -> None:
    model = spot_model()
    batch = np.random.default_rng(0).integers(0, 255, (3, SIZE_PX, SIZE_PX, 1), np.uint8)
    maps, scores = OnnxRuntimeBackend(model).infer(batch)
    plain = ort.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"image": batch})
    assert maps.tobytes() == plain[0].tobytes()
    assert scores.tobytes() == plain[1].tobytes()


def test_bytes_that_are_no_model_are_refused() -> None:
    with pytest.raises(BackendError, match="refuses the model"):
        OnnxRuntimeBackend(b"not a model")


def test_wrong_batch_is_the_engines_error() -> None:
    with pytest.raises(BackendError, match="failed on a batch"):
        OnnxRuntimeBackend(spot_model()).infer(np.zeros((1, 8, 8, 3), np.uint8))


def test_golden_sample_that_scores_otherwise_is_named(tmp_path: Path) -> None:
    backend = OnnxRuntimeBackend(spot_model())
    whole = read_bundle(spot_bundle(tmp_path / "whole.takt"))
    wrong = read_bundle(spot_bundle(tmp_path / "wrong.takt", spot_scores=0.99))
    assert golden_mistakes(backend, whole) == []
    assert [mistake.split()[0] for mistake in golden_mistakes(backend, wrong)] == ["golden/spot.png"]


def test_golden_sample_is_a_part_with_a_frame_of_each_view(tmp_path: Path) -> None:
    bundle = read_bundle(spot_bundle(tmp_path / "sides.takt", views=("top", "side")))
    part, templates = golden_part(bundle, bundle.card.golden[1])
    assert [frame.camera for frame in part.frames] == ["top", "side"]
    assert np.array_equal(part.frames[0].image, draw_part(SPOT))
    assert np.array_equal(part.frames[1].image, draw_part(GOOD))
    assert templates == {}


def test_golden_sample_of_a_bundle_that_compares_brings_its_template(tmp_path: Path) -> None:
    bundle = read_bundle(pair_bundle(tmp_path / "pairs.takt"))
    part, templates = golden_part(bundle, bundle.card.golden[1])
    assert np.array_equal(part.frames[0].image, draw_part(SPOT))
    assert np.array_equal(templates["camera"], draw_part(GOOD))


def test_bundle_without_golden_samples_proves_nothing(tmp_path: Path) -> None:
    whole = read_bundle(spot_bundle(tmp_path / "whole.takt"))
    bare = replace(whole, card=whole.card.model_copy(update={"golden": ()}))
    assert golden_mistakes(OnnxRuntimeBackend(spot_model()), bare) == ["the bundle has none to replay"]
