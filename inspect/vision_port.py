"""The line's side of vision: what it was asked, whether it answers, and its restarts."""

from __future__ import annotations

import logging
from collections import OrderedDict

from taktsight import errors
from taktsight.errors import LineError, TaktsightError
from taktsight.inspect.children import Child
from taktsight.inspect.messages import Expose, Message, Refused, Result, StartVision, Stop, VisionReady

log = logging.getLogger(__name__)

MAX_ASKED = 64
"""Parts in vision at once; one more is not asked for."""
START_LIMIT_NS = 120_000_000_000
"""An engine may have to be built; longer is a hang."""


class VisionPort:
    """Vision as the line sees it."""

    def __init__(self, child: Child, hang_limit_ns: int) -> None:
        self.child = child
        self.ready: VisionReady | None = None
        self.was_ready = self.stopping = self.ended = False
        self._hang_limit_ns = hang_limit_ns
        self._start: StartVision | None = None
        self._started_ns = 0
        self._asked: OrderedDict[int, int] = OrderedDict()

    def start(self, start: StartVision, now_ns: int) -> None:
        """Tells it what to work with."""
        self._start = start
        self._started_ns = now_ns
        self.child.channel.try_send(start)

    def expose(self, expose: Expose, now_ns: int) -> str | None:
        """Asks for a part; says why not where it cannot be asked. Never waits."""
        if self.ended:
            return "vision has ended"
        if self.ready is None:
            return "vision is starting"
        if len(self._asked) >= MAX_ASKED or not self.child.channel.try_send(expose):
            return f"vision is busy: {len(self._asked)} parts wait for it"
        self._asked[expose.trigger] = now_ns
        return None

    def receive(self) -> tuple[list[Result], bool]:
        """The results that are there, and whether vision still lives.

        Raises:
            TaktsightError: If vision refuses to take up service.
        """
        messages, alive = self.child.channel.receive_all()
        results = [self._note(message) for message in messages]
        return [result for result in results if result is not None], alive

    def gives_up_ns(self) -> int | None:
        """When it counts as hung, unless it answers first."""
        if self.ended or self.stopping:
            return None
        if self.ready is None:
            return self._started_ns + START_LIMIT_NS
        oldest = next(iter(self._asked.values()), None)
        return None if oldest is None else oldest + self._hang_limit_ns

    def restart(self, now_ns: int) -> None:
        """A new process; it is in service once it has replayed the golden samples.

        Raises:
            LineError: If it was started too often.
        """
        self.ready = None
        self._asked.clear()
        self.child.restart(now_ns)
        if self._start is None:
            raise LineError("vision ended before it was told what to do")
        self.start(self._start, now_ns)

    def stop(self) -> None:
        """Lets it finish what it was asked; its end is not a fault then."""
        self.stopping = True
        if not self.ended:
            self.child.channel.try_send(Stop())

    def end(self) -> None:
        """It is out of service for good."""
        self.ended, self.ready = True, None
        self.child.kill()

    def _note(self, message: Message) -> Result | None:
        if isinstance(message, Result):
            self._asked.pop(message.trigger, None)
            return message
        if isinstance(message, VisionReady):
            self.ready, self.was_ready = message, True
            return None
        if isinstance(message, Refused):
            raise refusal(message, restarted=self.was_ready)
        raise ValueError(f"vision sent {type(message).__name__}")


def refusal(refused: Refused, *, restarted: bool) -> TaktsightError:
    """What a process refused with, as the error it was; once the line ran, a reason to stop it."""
    if restarted:
        return LineError(f"the line cannot go on: {refused.message}")
    error = getattr(errors, refused.error, LineError)
    return error(refused.message)
