"""Images of a folder that come on their own, as from a camera that a sensor triggers."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from taktsight.errors import CameraError
from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.cameras.folder import FolderCamera
from taktsight.inspect.messages import Expose
from taktsight.records import Image

ROOM = 64
"""Exposures that wait to be asked for; one more, and the oldest is forgotten."""


class PacedFolderCamera:
    """Exposure n shows image n, whether anybody asks for it or not."""

    def __init__(self, images: FolderCamera, takt_ns: int) -> None:
        self.name = images.name
        self._images = images
        self._takt_ns = takt_ns
        self._exposed: OrderedDict[int, int] = OrderedDict()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def parts(self) -> int | None:
        """Without end."""
        return None

    def tell_exposures(self, tell: Callable[[int, int], object]) -> None:
        """The sensor sees its first part one takt from now."""
        name = f"sensor-{self.name}"
        self._thread = threading.Thread(target=self._expose, args=(tell,), name=name, daemon=True)
        self._thread.start()

    def outage(self) -> str:
        """A folder is always there."""
        return ""

    def rehearsal(self) -> Image:
        """The first image."""
        return self._images.rehearsal()

    def grab(self, expose: Expose) -> Exposure:
        """The frame that was exposed at the part's moment.

        Raises:
            CameraError: If none was, or it cannot be decoded.
        """
        with self._lock:
            counter = self._exposed.pop(expose.captured_ns, None)
        if counter is None:
            raise CameraError(f"{self.name}: no frame was exposed at the part's trigger")
        exposure = self._images.grab(replace(expose, trigger=counter))
        return replace(exposure, counter=counter)

    def close(self) -> None:
        """No part comes any more."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        self._images.close()

    def _expose(self, tell: Callable[[int, int], object]) -> None:
        due_ns, counter = time.monotonic_ns(), 0
        while True:
            due_ns += self._takt_ns
            if self._ended.wait(max(0, due_ns - time.monotonic_ns()) / 1e9):
                return
            counter += 1
            captured_ns = time.monotonic_ns()
            with self._lock:
                self._exposed[captured_ns] = counter
                if len(self._exposed) > ROOM:
                    self._exposed.popitem(last=False)
            tell(counter, captured_ns)
