"""A power cut: what was written and not synced is lost, in part, in any order."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

from taktsight.errors import DataError, LedgerError
from taktsight.image_files import read_image
from taktsight.inspect.frame_files import pixels_digest
from taktsight.inspect.ledger import FILE, Ledger
from taktsight.inspect.ledger_rows import Row
from taktsight.inspect.simulation.fault_table import FaultRow, Tally
from taktsight.inspect.simulation.faulty_disk import faulty_disk
from taktsight.inspect.simulation.line_faults.rig import (
    Rig,
    count_ledger,
    count_uncommitted,
    until_armed,
    was_ready,
)
from taktsight.inspect.simulation.running_line import RunningLine

IMAGES, IMAGES_S = 4, 5.0


def power_cut(rig: Rig, times: int, mode: str) -> FaultRow:
    """At random moments, some of them before the first part; each start finds what the disk kept."""
    tally, known = Tally(), 0
    store = rig.place.folder / "store"
    for moment in range(times):
        with faulty_disk(rig.place.records, store) as disk:
            line = rig.line(mode)
            if moment % 5:
                until_armed(line)
            if moment % 5 == 1:
                _await_images(line)
            time.sleep(rig.chance.uniform(0, 0.5))
            disk.order("cut", rig.chance.randrange(1 << 30))
            line.kill_all()
        tally.injected += 1
        gate = rig.count_gate(tally, line)
        try:
            rows, images = _read(store)
        except LedgerError as error:
            tally.broken.append(f"cut {moment}: {error}")
            break
        new, known = rows[known:], len(rows)
        count_ledger(tally, gate, new, acknowledged=line.meters["acknowledged"])
        tally.lost += _spoilt(store, images)
        if mode == "strict":
            count_uncommitted(tally, gate, new)
        was_ready(tally, line)
    return tally.row(f"power cut, {mode}")


def _await_images(line: RunningLine) -> None:
    """Some images on the disk, if there come any: on a busy machine the archive gets no core."""
    until_s = time.monotonic() + IMAGES_S
    while line.meters["images_stored"] < IMAGES and time.monotonic() < until_s:
        time.sleep(0.01)


def _read(store: Path) -> tuple[list[Row], list[Row]]:
    """Entries, of a chain that was found whole, and kept images."""
    if not _has_tables(store / FILE):
        return [], []
    ledger = Ledger.open(store)
    try:
        ledger.verify()
        return list(ledger.rows()), list(ledger.image_rows(kept=True))
    finally:
        ledger.close()


def _has_tables(file: Path) -> bool:
    """Before the first commit there may be a file without any."""
    if not file.is_file():
        return False
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return bool(connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0])


def _spoilt(store: Path, images: list[Row]) -> int:
    """How many images the ledger lists that are not there, or not as they were."""
    spoilt = 0
    for row in images:
        try:
            spoilt += pixels_digest(read_image(store / row["file"])) != row["sha256"]
        except DataError:
            spoilt += 1
    return spoilt
