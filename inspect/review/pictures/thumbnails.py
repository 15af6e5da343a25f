"""Small pictures on the disk, so that a page of fifty parts decodes none; the oldest go."""

from __future__ import annotations

import contextlib
import logging
import threading
from pathlib import Path

from taktsight.inspect.review.pictures.ids import short_digest
from taktsight.whole_files import whole_file

log = logging.getLogger(__name__)

FOLDER = "cache"
SIDE_PX = 320
JPEG_QUALITY = 82
MAX_BYTES = 512 << 20
_PRUNED_TO = 0.8
"""Share of the bound that is left when the oldest have gone."""


class Thumbnails:
    """A folder that may be deleted at any time."""

    def __init__(self, review_folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self._folder = review_folder / FOLDER / "thumbnails"
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._bytes: int | None = None

    def get(self, image_id: str) -> bytes | None:
        """What is there; None where nothing is."""
        try:
            return self._file(image_id).read_bytes() or None
        except OSError:
            return None

    def put(self, image_id: str, content: bytes) -> None:
        """Keeps one. A disk that takes none costs time, never a page."""
        try:
            with whole_file(self._file(image_id)) as file:
                file.write(content)
        except OSError as error:
            log.warning("thumbnails are not kept: %s", error)
            return
        with self._lock:
            self._bytes = (self._measured() if self._bytes is None else self._bytes) + len(content)
            if self._bytes > self._max_bytes:
                self._bytes = self._prune()

    def _file(self, image_id: str) -> Path:
        name = short_digest(image_id)
        return self._folder / name[:2] / f"{name}.jpg"

    def _measured(self) -> int:
        return sum(size for _, size, _ in self._all())

    def _prune(self) -> int:
        files = sorted(self._all())
        left = sum(size for _, size, _ in files)
        for _, size, path in files:
            if left <= self._max_bytes * _PRUNED_TO:
                break
            with contextlib.suppress(OSError):
                path.unlink()
            left -= size
        return left

    def _all(self) -> list[tuple[float, int, Path]]:
        """When written, bytes, file."""
        found = []
        for path in self._folder.glob("*/*.jpg"):
            with contextlib.suppress(OSError):
                said = path.stat()
                found.append((said.st_mtime, said.st_size, path))
        return found
