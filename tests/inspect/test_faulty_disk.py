"""The disk that tests are made on loses what a disk may lose, and nothing else."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from taktsight.inspect.simulation.faulty_disk import CAN_MOUNT, NEEDED, FaultyDisk

pytestmark = pytest.mark.skipif(not CAN_MOUNT, reason=NEEDED)


@pytest.fixture
def at(tmp_path: Path) -> Path:
    return tmp_path / "mounted"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def write(path: Path, content: bytes, *, sync: bool = False, sync_folder: bool = False) -> None:
    with path.open("wb") as file:
        file.write(content)
        if sync:
            file.flush()
            os.fsync(file.fileno())
    if sync_folder:
        descriptor = os.open(path.parent, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def test_files_and_folders_are_what_they_are_on_any_disk(at: Path, store: Path) -> None:
    disk = FaultyDisk(at, store)
    (at / "a" / "b").mkdir(parents=True)
    write(at / "a" / "b" / "one", b"1" * 300_000)
    with (at / "a" / "b" / "one").open("r+b") as file:
        file.seek(100_000)
        file.write(b"2" * 10)
        file.truncate(200_000)
    (at / "a" / "b" / "one").replace(at / "a" / "two")
    assert sorted(path.name for path in at.rglob("*")) == ["a", "b", "two"]
    content = b"1" * 100_000 + b"2" * 10 + b"1" * 99_990
    assert (at / "a" / "two").read_bytes() == content
    (at / "a" / "b").rmdir()
    with pytest.raises(FileNotFoundError):
        (at / "a" / "b" / "one").read_bytes()
    disk.close()
    assert [path.name for path in (store / "a").iterdir()] == ["two"]
    assert (store / "a" / "two").read_bytes() == content


def test_what_was_synced_survives_a_cut_and_the_rest_in_part(at: Path, store: Path) -> None:
    survived = set()
    for seed in range(12):
        disk = FaultyDisk(at, store)
        write(at / f"synced-{seed}", b"s" * 5000, sync=True, sync_folder=True)
        write(at / f"unsynced-{seed}", b"u" * 5000)
        write(at / f"nameless-{seed}", b"n" * 5000, sync=True)
        disk.order("cut", seed)
        with pytest.raises(OSError, match="Input/output error"):
            write(at / "after", b"")
        disk.close()
        assert (store / f"synced-{seed}").read_bytes() == b"s" * 5000
        for name in ("unsynced", "nameless"):
            file = store / f"{name}-{seed}"
            survived.add((name, file.read_bytes().count(name[0].encode()) if file.exists() else None))
    assert ("nameless", None) in survived, "a name that was not synced must be able to be lost"
    counts = {count for name, count in survived if name == "unsynced"}
    assert len(counts) > 2, "content that was not synced must be able to be lost, whole or in part"


def test_data_base_that_does_not_sync_loses_rows_and_one_that_does_loses_none(
    at: Path, store: Path
) -> None:
    """Without this the power cuts of the other tests would prove nothing."""
    lost = {"NORMAL": 0, "FULL": 0}
    for synchronous in lost:
        for seed in range(6):
            disk = FaultyDisk(at, store / synchronous / str(seed))
            connection = sqlite3.connect(at / "rows.sqlite", isolation_level=None)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={synchronous}")
            connection.execute("CREATE TABLE rows (number INTEGER)")
            for number in range(50):
                connection.execute("INSERT INTO rows VALUES (?)", (number,))
            disk.order("cut", seed)
            connection.close()
            disk.close()
            lost[synchronous] += 50 - _rows(disk.store / "rows.sqlite")
    assert lost["FULL"] == 0
    assert lost["NORMAL"] > 0


def _rows(file: Path) -> int:
    connection = sqlite3.connect(file)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return int(connection.execute("SELECT COUNT(*) FROM rows").fetchone()[0])
    except sqlite3.OperationalError:  # the table itself was not there yet
        return 0
    finally:
        connection.close()


def test_full_and_failing_disks_say_so_and_recover(at: Path, store: Path) -> None:
    disk = FaultyDisk(at, store)
    disk.order("free_kb", 4)
    with pytest.raises(OSError, match="No space left") as full:
        write(at / "large", bytes(100_000))
    assert full.value.errno == errno.ENOSPC
    assert os.statvfs(at).f_bavail <= 1
    disk.order("free_kb", 1000)
    disk.order("fail_syncs", 1)
    with pytest.raises(OSError, match="Input/output error"):
        write(at / "large", bytes(100_000), sync=True)
    write(at / "large", bytes(100_000), sync=True)
    disk.close()
    assert (store / "large").stat().st_size == 100_000
