"""A camera that exposes when a part is there, because it is told to."""

from __future__ import annotations

import queue
import time
from dataclasses import dataclass, replace
from typing import Protocol

from taktsight.errors import CameraError
from taktsight.inspect.cameras.receiver import Frame, Source
from taktsight.inspect.cameras.stream import Broken

LONGEST_WAIT_NS = 2_000_000_000
"""For a frame that the camera was told to make."""


class TriggeredSource(Source, Protocol):
    """A connection over which a camera can be told to expose."""

    def trigger(self) -> int:
        """Exposes once; when the camera was told to, monotonic ns.

        Raises:
            CameraError: If the camera does not take the command.
        """


@dataclass(frozen=True, slots=True)
class Order:
    """An exposure that a part needs."""

    not_after_ns: int
    """Monotonic: what is exposed later may show the next part."""
    until_ns: int
    """Monotonic: nobody waits for the frame any longer."""


class OnDemand:
    """A source that gives one frame for each order."""

    def __init__(self, source: TriggeredSource, orders: queue.Queue[Order]) -> None:
        self._source = source
        self._orders = orders
        try:
            while source.receive(time.monotonic_ns()) is not None:
                pass  # made before it was opened: nobody's
        except CameraError:
            source.close()
            raise

    def receive(self, until_ns: int) -> Frame | None:
        """The frame of the next order, with the time of the command as its own; None if nobody orders.

        Raises:
            CameraError: If the camera is gone, or sends what nobody asked for, or nothing: which frame is
                whose is sure again when it has been opened anew.
        """
        try:
            order = self._orders.get(timeout=max(0.0, (until_ns - time.monotonic_ns()) / 1e9))
        except queue.Empty:
            self._expect_nothing()
            return None
        self._expect_nothing()
        if time.monotonic_ns() > order.not_after_ns:
            return Broken("the camera was busy until it was too late for this part", order.not_after_ns)
        commanded_ns = self._source.trigger()
        frame = self._source.receive(min(order.until_ns, commanded_ns + LONGEST_WAIT_NS))
        if frame is None:
            raise CameraError("no frame came for a trigger; opened anew, lest it come for the next part")
        return replace(frame, captured_ns=commanded_ns)

    def close(self) -> None:
        """Lets go of the camera."""
        self._source.close()

    def _expect_nothing(self) -> None:
        if self._source.receive(time.monotonic_ns()) is not None:
            raise CameraError("a frame came that no part asked for")
