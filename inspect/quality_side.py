"""The quality watch in the line's loop: listened to, started anew when it ends, and never waited for.

What it said stands until it says otherwise: where it ends, an alarm does not end with it.
"""

from __future__ import annotations

import logging
import selectors
import time
from collections.abc import Callable
from pathlib import Path

from taktsight.errors import LineError, TaktsightError
from taktsight.inspect.children import Child
from taktsight.inspect.messages import Refused, Standing, StartWatch, Stop
from taktsight.inspect.meters import Meters
from taktsight.inspect.quality_settings import QualitySettings
from taktsight.inspect.realtime import stop_yielding
from taktsight.inspect.vision_port import refusal
from taktsight.quality.quality_hold import HELD

log = logging.getLogger(__name__)

RETRY_NS = 1_000_000_000
MAX_RETRY_NS = 60_000_000_000
"""Before it is started anew: twice as long each time, unless it has worked for so long."""
KNOWN_WITHIN_NS = 60_000_000_000
"""To say what stands, before a line that is to hold begins."""
END_S = 2.0
_MEND = "its last messages above say why; 'taktsight check STATION.yaml' reads the same files"
METERS = {"drift": "drift", "process_shift": "spc"}
"""Name of an alarm → what its meters begin with."""


class QualitySide:
    """Without ``quality`` in the station it does nothing."""

    def __init__(
        self,
        settings: QualitySettings | None,
        records: Path,
        meters: Meters,
        selector: selectors.BaseSelector,
        fail: Callable[[TaktsightError], None],
    ) -> None:
        """``fail``: told that a line that must hold cannot know whether it must."""
        self._settings = settings
        self._records = records
        self._meters = meters
        self._selector = selector
        self._fail = fail
        self._child: Child | None = None
        self._is_heard = self._is_known = False
        self._heard_ns = self._started_ns = 0
        self._give_up_ns: int | None = None
        self._restart_ns: int | None = None
        self._wait_ns = RETRY_NS
        self._why: dict[str, str] = {}
        self._unwatched = ""

    @property
    def is_ready(self) -> bool:
        """Whether parts may come: a line that is to hold wants to know first whether it must."""
        return self._settings is None or self._settings.on_alarm == "show" or self._is_known

    @property
    def held(self) -> str:
        """Why no part passes, as its verdict says it; "" where parts may pass."""
        if self._settings is None or self._settings.on_alarm == "show":
            return ""
        return next((f"{HELD}{why}" for why in self._why.values() if why), "")

    def alarms(self, now_ns: int) -> dict[str, str]:
        """Name → why, in words; "" where it is off."""
        return {**self._why, "unwatched": self._missing(now_ns)}

    def start(self) -> None:
        """Starts the process."""
        if self._settings is not None:
            self._child = Child("quality_watch", ())
            self._give_up_ns = None if self.is_ready else time.monotonic_ns() + KNOWN_WITHIN_NS
            self._begin(self._child)

    def next_due_ns(self) -> int | None:
        """When :meth:`look` must be called, if nothing is heard before."""
        moments = (self._restart_ns, self._give_up_ns)
        return min((moment for moment in moments if moment is not None), default=None)

    def look(self, now_ns: int) -> None:
        """Starts it anew, once that is due."""
        if self._give_up_ns is not None and now_ns >= self._give_up_ns:
            self._give_up_ns = None
            self._fail(LineError(f"quality.on_alarm: hold, and nobody says whether one stands: {_MEND}"))
        if self._child is None or self._restart_ns is None or now_ns < self._restart_ns:
            return
        self._restart_ns = None
        try:
            self._child.restart(now_ns)
        except LineError as error:
            log.warning("%s", error)
            self._restart_ns = now_ns + MAX_RETRY_NS
        else:
            self._begin(self._child)

    def close(self) -> None:
        """Ends it; what it has not read yet it reads in the next run."""
        child, self._child = self._child, None
        if child is None:
            return
        if self._is_heard:
            self._selector.unregister(child.channel)
            child.channel.try_send(Stop())
            stop_yielding(child.process_id)  # nobody waits for a verdict any more
        child.end(END_S)

    def _begin(self, child: Child) -> None:
        if self._settings is None:
            return
        self._started_ns = self._heard_ns = time.monotonic_ns()
        self._selector.register(child.channel, selectors.EVENT_READ, self._read)
        self._is_heard = True
        is_waited_for = not self.is_ready
        child.channel.try_send(
            StartWatch(self._records, self._settings.drift, self._settings.spc, is_waited_for)
        )

    def _missing(self, now_ns: int) -> str:
        """Why nobody watches."""
        if self._settings is None or self._unwatched:
            return self._unwatched
        silent_s = (now_ns - self._heard_ns) / 1e9
        if silent_s < self._settings.silent_s:
            return ""
        return f"who watches has said nothing for {silent_s:.0f} s: it hangs, or gets no processor"

    def _read(self) -> None:
        child = self._child
        if child is None:
            return
        messages, alive = child.channel.receive_all()
        for message in messages:
            if isinstance(message, Standing):
                self._note(message)
            elif isinstance(message, Refused):
                self._refuse(child, message)
                return
            else:
                raise TypeError(f"the quality watch sent {type(message).__name__}")
        if not alive:
            self._lose(child)

    def _note(self, said: Standing) -> None:
        self._heard_ns, self._is_known, self._give_up_ns = time.monotonic_ns(), True, None
        self._why, self._unwatched = dict(said.why), said.blind
        for name, meter in METERS.items():
            self._meters[f"{meter}_standing"] = said.count[name]
            self._meters.add(f"{meter}_alarms", said.found[name])
        self._meters["quality_held"] = int(bool(self.held))

    def _lose(self, child: Child) -> None:
        self._forget(child)
        now_ns = time.monotonic_ns()
        if now_ns - self._started_ns > MAX_RETRY_NS:
            self._wait_ns = RETRY_NS
        self._restart_ns = now_ns + self._wait_ns
        self._unwatched = "the process that watches has ended, and is started anew"
        log.warning("quality: who watches ended; it is started anew in %g s", self._wait_ns / 1e9)
        self._wait_ns = min(2 * self._wait_ns, MAX_RETRY_NS)

    def _refuse(self, child: Child, said: Refused) -> None:
        """It would refuse again: somebody must mend its files."""
        self._forget(child)
        self._unwatched = said.message
        log.error("quality: nobody watches: %s", said.message)
        if not self.is_ready:
            self._fail(refusal(said, restarted=False))

    def _forget(self, child: Child) -> None:
        self._selector.unregister(child.channel)
        self._is_heard = False
