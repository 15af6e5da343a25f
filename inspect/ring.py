"""Frames on their way from vision to the recorder: slots in shared memory, without a name on the disk.

Vision alone writes, round robin, and never waits. Each slot has a generation, odd while it is being
written: the recorder reads it before and after it copies, so a slot that was written again meanwhile
is a lost image, never a wrong one. The memory belongs to the open descriptors: it is gone with the
last process, however that one ended.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
from dataclasses import dataclass

from taktsight.errors import CameraError
from taktsight.records import Image

MAX_FRAME_BYTES = 1 << 26
"""Room in a slot, 20 MP of colour. Only what is written takes memory."""
HEADER_BYTES = 4096
NOWHERE = -1
"""Generation of a frame that found no slot; none ever has it."""
_GENERATION = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a frame lies."""

    index: int
    generation: int
    camera: str
    shape: tuple[int, int, int]
    """(H, W, C)."""


def size_ring(descriptor: int, frames: int) -> None:
    """Gives the anonymous memory of a ring its slots, before a process uses it."""
    os.ftruncate(descriptor, frames * (HEADER_BYTES + MAX_FRAME_BYTES))


class Ring:
    """A ring by its descriptor."""

    def __init__(self, descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        self.frames = size // (HEADER_BYTES + MAX_FRAME_BYTES)
        self._memory = mmap.mmap(descriptor, size)
        self._next = 0
        self._busy: set[int] = set()
        self._lock = threading.Lock()

    def write(self, image: Image, camera: str) -> Slot:
        """Copies a frame in, over the oldest one that nobody is writing; where there is none it is lost.

        Raises:
            CameraError: If the frame is larger than a slot.
        """
        if image.nbytes > MAX_FRAME_BYTES:
            raise CameraError(f"{camera}: a frame of {image.nbytes} bytes; at most {MAX_FRAME_BYTES} fit")
        height, width, channels = image.shape
        shape = (height, width, channels)
        index = self._take_slot()
        if index is None:
            return Slot(0, NOWHERE, camera, shape)
        # A writer that died in the middle left an odd generation behind.
        writing = self._generation(index) | 1
        self._set_generation(index, writing)
        self._pixels(index, shape)[:] = image
        self._set_generation(index, writing + 1)
        self._busy.discard(index)
        return Slot(index, writing + 1, camera, shape)

    def _take_slot(self) -> int | None:
        """The next slot that no other thread is writing: one may have been held up for a whole round."""
        with self._lock:
            for ahead in range(self.frames):
                index = (self._next + ahead) % self.frames
                if index not in self._busy:
                    self._next = (index + 1) % self.frames
                    self._busy.add(index)
                    return index
        return None

    def read(self, slot: Slot) -> Image | None:
        """A copy of the frame; None if it was overwritten, even in part."""
        if self._generation(slot.index) != slot.generation:
            return None
        copy = self._pixels(slot.index, slot.shape).copy()
        return copy if self._generation(slot.index) == slot.generation else None

    def _pixels(self, index: int, shape: tuple[int, int, int]) -> Image:
        import numpy as np  # not before a frame comes: the line process only makes the ring

        start = self._offset(index) + HEADER_BYTES
        return np.ndarray(shape, np.uint8, self._memory, start)

    def _generation(self, index: int) -> int:
        return int(_GENERATION.unpack_from(self._memory, self._offset(index))[0])

    def _set_generation(self, index: int, generation: int) -> None:
        _GENERATION.pack_into(self._memory, self._offset(index), generation)

    def _offset(self, index: int) -> int:
        return index * (HEADER_BYTES + MAX_FRAME_BYTES)
