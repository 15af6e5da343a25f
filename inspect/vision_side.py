"""Vision in the line's loop: listened to, and started anew when it ends or hangs."""

from __future__ import annotations

import logging
import selectors
import time
from collections.abc import Callable

from taktsight.errors import LineError, TaktsightError
from taktsight.inspect.messages import StartVision
from taktsight.inspect.meters import Meters
from taktsight.inspect.patience import Patience, RunUntil
from taktsight.inspect.vision_port import Said, VisionPort

log = logging.getLogger(__name__)

VISION_STOP_NS = 5_000_000_000
"""How long late results are waited for when the line stops."""


class VisionSide:
    """What becomes of parts when vision is lost, the line says."""

    def __init__(
        self,
        port: VisionPort,
        meters: Meters,
        selector: selectors.BaseSelector,
        *,
        take: Callable[[Said], object],
        lost: Callable[[str], object],
        begins_anew: Callable[[str], object],
        fail: Callable[[TaktsightError], None],
    ) -> None:
        """Each is called in the line's loop.

        Args:
            port: to vision.
            meters: of the run.
            selector: of the line's loop.
            take: gets what vision says.
            lost: told why no answer to an open part will come any more.
            begins_anew: told why another process takes its place.
            fail: told that there will be no vision any more.
        """
        self._port = port
        self._meters = meters
        self._selector = selector
        self._take = take
        self._lost = lost
        self._begins_anew = begins_anew
        self._fail = fail

    def start(self, start: StartVision) -> None:
        """Tells it what to work with."""
        self._port.start(start, time.monotonic_ns())
        self._listen()

    def look(self, now_ns: int) -> None:
        """Starts it anew where it hangs."""
        gives_up_ns = self._port.gives_up_ns()
        if gives_up_ns is not None and now_ns >= gives_up_ns:
            self._lose(self._port.hung())

    def finish(self, run_until: RunUntil) -> None:
        """Late results, and its end."""
        self._port.stop()
        run_until(lambda: self._port.ended, Patience(VISION_STOP_NS))

    def _listen(self) -> None:
        self._selector.register(self._port.child.channel, selectors.EVENT_READ, self._read)

    def _read(self) -> None:
        try:
            messages, alive = self._port.receive()
        except TaktsightError as error:  # it refuses to take up service, or is not what it was
            self._selector.unregister(self._port.child.channel)
            self._end(error)
            self._lost(str(error))
            return
        for message in messages:
            self._take(message)
        if not alive:
            self._lose("vision stopped")

    def _lose(self, reason: str) -> None:
        """Its open parts are UNINSPECTED; it is started anew, unless that happened too often."""
        self._selector.unregister(self._port.child.channel)
        self._lost(reason)
        if self._port.stopping:
            self._port.end()
            return
        log.warning("%s; it is started anew", reason)
        self._begins_anew(reason)
        self._meters.add("vision_restarts")
        try:
            self._port.restart(time.monotonic_ns())
        except LineError as error:
            self._end(error)
            return
        self._listen()

    def _end(self, error: TaktsightError) -> None:
        self._port.end()
        self._fail(error)
