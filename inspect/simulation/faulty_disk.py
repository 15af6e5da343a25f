"""A disk that fails: mounted, told what to do wrong, and looked at when the power is back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CAN_MOUNT = os.geteuid() == 0 and Path("/dev/fuse").exists()
NEEDED = "a disk that can be cut off needs root and /dev/fuse"


class FaultyDisk:
    """A mounted :mod:`powercut_fs`."""

    def __init__(self, mountpoint: Path, store: Path) -> None:
        self.store = store
        mountpoint.mkdir(parents=True, exist_ok=True)
        store.mkdir(parents=True, exist_ok=True)
        self._server = subprocess.Popen(
            [sys.executable, "-m", "taktsight.inspect.simulation.powercut_fs", str(mountpoint), str(store)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._heard("ready")

    def order(self, word: str, number: int) -> None:
        """An order of :mod:`powercut_fs`; it is carried out when this returns."""
        assert self._server.stdin is not None
        self._server.stdin.write(f"{word} {number}\n")
        self._server.stdin.flush()
        self._heard("done")

    def close(self) -> None:
        """Unmounts; what a machine would find lies in the store then."""
        self._server.communicate()
        assert self._server.returncode == 0, "the disk itself broke"

    def _heard(self, wanted: str) -> None:
        assert self._server.stdout is not None
        said = self._server.stdout.readline().strip()
        assert said == wanted, f"the disk said {said!r}, not {wanted!r}"


@contextmanager
def faulty_disk(mountpoint: Path, store: Path) -> Iterator[FaultyDisk]:
    """Mounted until it is left."""
    disk = FaultyDisk(mountpoint, store)
    try:
        yield disk
    finally:
        disk.close()
