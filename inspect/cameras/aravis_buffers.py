"""Memory that frames are received into, lent to images without a copy and used again after that."""

from __future__ import annotations

import ctypes as c
import weakref
from collections import deque

from taktsight.inspect.cameras.aravis_library import Aravis
from taktsight.inspect.cameras.pixel_formats import Buffer


class AravisBuffers:
    """The buffers of one stream. What an image looks into goes back when no image is left, not before."""

    def __init__(self, arv: Aravis, stream: int, count: int, size: int) -> None:
        self._arv, self._stream = arv, stream
        # Images end in any thread, at any moment: all that happens then is one append.
        self._back: deque[int] = deque()
        self._is_closed = False
        for _ in range(count):
            self.put_back(arv.call("arv_buffer_new_allocate", size))

    def lend(self, buffer: int) -> Buffer:
        """What was received in a buffer. The buffer comes back once nothing refers to it."""
        size = c.c_size_t()
        address = self._arv.call("arv_buffer_get_data", buffer, c.byref(size))
        memory = (c.c_uint8 * size.value).from_address(address)
        weakref.finalize(memory, self._take_back, buffer).atexit = False
        return memoryview(memory).cast("B")

    def put_back(self, buffer: int) -> None:
        """It may be filled again, without its last number and times: half a frame would have those."""
        self._arv.call("arv_buffer_set_frame_id", buffer, 0)
        self._arv.call("arv_buffer_set_timestamp", buffer, 0)
        self._arv.call("arv_buffer_set_system_timestamp", buffer, 0)
        self._arv.call("arv_stream_push_buffer", self._stream, buffer)

    def put_back_returned(self) -> None:
        """Those that images have let go of."""
        while self._back:
            self.put_back(self._back.popleft())

    def close(self) -> None:
        """The stream is gone; buffers that images still look into go with the last of these."""
        self._is_closed = True
        self._free()

    def _take_back(self, buffer: int) -> None:
        self._back.append(buffer)
        if self._is_closed:
            self._free()

    def _free(self) -> None:
        while True:
            try:
                buffer = self._back.popleft()
            except IndexError:
                return
            self._arv.call("g_object_unref", buffer)
