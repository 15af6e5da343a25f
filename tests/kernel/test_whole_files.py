"""A file is the old one or the whole new one, also when the writer is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from taktsight.whole_files import remove_partial, whole_file

SIZE = 8_000_000
WRITER = f"""
import itertools, sys
from pathlib import Path
from taktsight.whole_files import whole_file
for letter in itertools.cycle((b"a", b"b")):
    with whole_file(Path(sys.argv[1])) as file:
        for _ in range(8):
            file.write(letter * {SIZE // 8})
"""


def test_new_content_takes_the_place_of_the_old(tmp_path: Path) -> None:
    file = tmp_path / "new" / "last.ckpt"
    for content in (b"old", b"new"):
        with whole_file(file) as opened:
            opened.write(content)
    assert file.read_bytes() == b"new"
    assert [path.name for path in file.parent.iterdir()] == ["last.ckpt"]


def test_writer_that_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "last.ckpt"
    file.write_bytes(b"old")

    def write_half() -> None:
        with whole_file(file) as opened:
            opened.write(b"ne")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_half()
    assert file.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]


def written_ns(file: Path) -> int | None:
    return file.stat().st_mtime_ns if file.is_file() else None


def test_writer_that_is_killed_leaves_a_whole_file(tmp_path: Path) -> None:
    file, left = tmp_path / "last.ckpt", 0
    for turn in range(12):
        before = written_ns(file)
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(file)])
        while written_ns(file) == before:
            assert writer.poll() is None
            time.sleep(0.001)
        time.sleep(0.0037 * turn)  # somewhere within one of its writings
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        content = file.read_bytes()
        assert len(content) == SIZE
        assert content in (b"a" * SIZE, b"b" * SIZE)
        left += len(list(tmp_path.iterdir())) - 1
        remove_partial(file)
        assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]
    assert left > 0  # at least one of them was killed while it wrote
