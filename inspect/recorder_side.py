"""The recorder in the line's loop: listened to, and started anew when it ends."""

from __future__ import annotations

import logging
import selectors
import time
from collections.abc import Callable

from taktsight.errors import LineError, TaktsightError
from taktsight.inspect.messages import StartRecorder
from taktsight.inspect.meters import Meters
from taktsight.inspect.patience import Patience, RunUntil
from taktsight.inspect.recorder_port import START_LIMIT_NS, RecorderPort

log = logging.getLogger(__name__)

RECORDER_STOP_NS = 30_000_000_000
"""How long the line waits for a disk that takes none of its last entries."""


class RecorderSide:
    """Nothing in here waits for a disk."""

    def __init__(
        self,
        port: RecorderPort,
        meters: Meters,
        selector: selectors.BaseSelector,
        fail: Callable[[TaktsightError], None],
    ) -> None:
        """``fail``: told that there will be no record any more."""
        self._port = port
        self._meters = meters
        self._selector = selector
        self._fail = fail

    def start(self, start: StartRecorder) -> None:
        """Tells it where to write."""
        self._port.start(start)
        self._listen()

    def look(self, now_ns: int) -> None:
        """Without a ledger no line begins: it says so instead of waiting."""
        gives_up_ns = self._port.gives_up_ns()
        if gives_up_ns is None or now_ns < gives_up_ns:
            return
        self._selector.unregister(self._port.child.channel)
        self._port.end()
        self._fail(
            LineError(
                f"the recorder has not opened its ledger within {START_LIMIT_NS / 1e9:g} s: does the disk "
                "of records.folder answer? 'taktsight check STATION.yaml' writes there too"
            )
        )

    def finish(self, run_until: RunUntil) -> None:
        """The last entries, and its end."""
        port = self._port
        patience = Patience(RECORDER_STOP_NS, lambda: port.acknowledged)
        run_until(lambda: port.ended or not port.unrecorded, patience)
        port.stop()  # it ends with what it was sent, whatever still waits here
        run_until(lambda: port.ended, Patience(RECORDER_STOP_NS))
        if port.unrecorded:
            self._fail(LineError(f"{port.unrecorded} entries could not be written to the ledger"))

    def _listen(self) -> None:
        self._selector.register(self._port.child.channel, selectors.EVENT_READ, self._read)

    def _read(self) -> None:
        port = self._port
        try:
            alive = port.receive()
        except TaktsightError as error:  # it refuses to take up service
            self._selector.unregister(port.child.channel)
            port.end()
            self._fail(error)
            return
        if alive:
            return
        self._selector.unregister(port.child.channel)
        if port.stopping:
            port.end()
            return
        log.warning("recorder stopped; it is started anew, %d entries wait", port.unrecorded)
        self._meters.add("recorder_restarts")
        try:
            port.restart(time.monotonic_ns())
        except LineError as error:
            port.end()
            self._fail(error)
            return
        self._listen()
