"""GenTL producers of this process. A producer can be loaded once: cameras behind the same one share it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from taktsight.errors import CameraError

UPDATE_MS = 2000
"""How long a producer looks for cameras."""


class Producer:
    """A vendor's producer, loaded while a camera of it is open."""

    def __init__(self, harvester: Any, file: Path) -> None:
        self._harvester = harvester
        self._file = file
        self._lock = threading.Lock()
        self._open = 0

    def acquire(self, serial: str | None, config: Any) -> Any:
        """Opens a camera.

        Raises:
            CameraError: If there is none, or several and none was named.
        """
        with self._lock:
            try:
                self._look()
                acquirer = self._harvester.create({"serial_number": self._chosen(serial)}, config=config)
                self._open += 1
            finally:
                self._unload_unused()
            return acquirer

    def release(self, acquirer: Any) -> None:
        """Closes a camera; the last one unloads the producer."""
        with self._lock:
            self._open -= 1
            acquirer.destroy()
            self._harvester.image_acquirers.remove(acquirer)
            self._unload_unused()

    def _chosen(self, serial: str | None) -> str:
        found = [str(each.serial_number) for each in self._harvester.device_info_list]
        wanted = [number for number in found if serial in (None, number)]
        if len(wanted) != 1:
            asked = "" if serial is None else f" of serial {serial}"
            there = ", ".join(found) or "none at all"
            raise CameraError(f"{self._file} finds {len(wanted)} cameras{asked}; there are: {there}")
        return wanted[0]

    def _look(self) -> None:
        """For cameras. harvesters' own update would close those that are open."""
        if not self._open:
            self._harvester.add_file(str(self._file))
            self._harvester.update()
            return
        interfaces = {id(each.parent): each.parent for each in self._harvester.device_info_list}
        for interface in interfaces.values():
            interface.module.update_device_info_list(UPDATE_MS)

    def _unload_unused(self) -> None:
        if not self._open:
            self._harvester.reset()


_producers: dict[Path, Producer] = {}
_lock = threading.Lock()


def producer_of(file: Path) -> Producer:
    """The producer in a .cti file.

    Raises:
        CameraError: If there is no such file, or harvesters is not installed.
    """
    try:
        from harvesters.core import Harvester
    except ImportError as error:
        raise CameraError("kind: gentl needs harvesters; pip install 'taktsight[gentl]'") from error
    if not file.is_file():
        raise CameraError(f"{file}: there is no such producer; the camera's vendor installs it")
    with _lock:
        if file not in _producers:
            _producers[file] = Producer(Harvester(), file)
        return _producers[file]
