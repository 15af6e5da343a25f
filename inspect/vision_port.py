"""The line's side of vision: what it was asked, whether it answers, and its restarts."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

from taktsight import errors
from taktsight.errors import LineError, TaktsightError
from taktsight.inspect.children import MAX_RESTARTS, Child
from taktsight.inspect.messages import (
    Expose,
    Exposed,
    Message,
    NotPrepared,
    Prepare,
    Prepared,
    Refused,
    Result,
    StartVision,
    Stop,
    VisionReady,
    Watched,
)
from taktsight.records import Outcome

if TYPE_CHECKING:
    from taktsight.inspect.config import Station

Said = Result | Exposed | Watched | Prepared | NotPrepared
log = logging.getLogger(__name__)

MAX_ASKED = 64
"""Parts in vision at once; one more is not asked for."""
START_LIMIT_NS = 120_000_000_000
"""An engine may have to be built; longer is a hang."""
MAX_HUNG_STARTS = 2
"""In a row: what takes so long twice takes so long again, and nobody is looking at parts meanwhile."""


class VisionPort:
    """Vision as the line sees it."""

    def __init__(self, child: Child, hang_limit_ns: int) -> None:
        self.child = child
        self.ready: VisionReady | None = None
        self.stopping = self.ended = False
        self._hang_limit_ns = hang_limit_ns
        self._first: VisionReady | None = None
        self._start: StartVision | None = None
        self._started_ns = 0
        self._hung_starts = 0
        self._restarts_in_vain = 0
        self._asked: OrderedDict[int, int] = OrderedDict()
        self._watched_ns: int | None = None

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

    def prepare(self, order: Prepare) -> str | None:
        """Asks it to get ready for a changeover; says why not where it cannot be asked. Never waits."""
        if self.ended or self.ready is None:
            return "vision is not in service"
        if not self.child.channel.try_send(order):
            return "vision is busy"
        return None

    def change_over(self, station: Station, prepared: Prepared) -> None:
        """From now on it looks with these: a process that is started anew must find them again."""
        if self._start is None or self.ready is None:
            raise ValueError("only a vision that is in service changes over")
        self._first = self.ready = prepared.ready
        self._start = replace(self._start, station=station, outlook=prepared.number)

    def receive(self) -> tuple[list[Said], bool]:
        """What it said that the line must act on, and whether it still lives.

        Raises:
            TaktsightError: If vision refuses to take up service, or looks with something else than before.
        """
        messages, alive = self.child.channel.receive_all()
        noted = [self._note(message) for message in messages]
        return [message for message in noted if message is not None], alive

    def gives_up_ns(self) -> int | None:
        """When it counts as hung, unless it answers first."""
        if self.ended or self.stopping:
            return None
        if self.ready is None:
            return self._started_ns + START_LIMIT_NS
        # Where a camera is the trigger, a vision that hangs is never asked for a part.
        moments = (next(iter(self._asked.values()), None), self._watched_ns)
        oldest = min((moment for moment in moments if moment is not None), default=None)
        return None if oldest is None else oldest + self._hang_limit_ns

    def hung(self) -> str:
        """Notes that it hangs, and says so."""
        if self.ready is not None:
            return "vision hung"
        self._hung_starts += 1
        return "vision hung while it started"

    def restart(self, now_ns: int) -> None:
        """A new process; it is in service once it has replayed the golden samples.

        Raises:
            LineError: If it was started too often, or there is no hope in starting it again.
        """
        self.ready = self._watched_ns = None
        self._asked.clear()
        self._restarts_in_vain += 1
        self._check_hope()
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

    def _note(self, message: Message) -> Said | None:
        if isinstance(message, Watched):
            self._watched_ns = time.monotonic_ns()
            return message
        if isinstance(message, Exposed | Prepared | NotPrepared):
            return message
        if isinstance(message, Result):
            self._asked.pop(message.trigger, None)
            if message.verdict.outcome is not Outcome.UNINSPECTED:
                self._restarts_in_vain = 0
            return message
        if isinstance(message, VisionReady):
            self._take_up(message)
            return None
        if isinstance(message, Refused):
            raise refusal(message, restarted=self._first is not None)
        raise ValueError(f"vision sent {type(message).__name__}")

    def _take_up(self, ready: VisionReady) -> None:
        self._first = first = self._first or ready
        changed = what_changed(first, ready)
        if changed:
            raise LineError(
                f"the line cannot go on: vision was started anew and found {' and '.join(changed)}. "
                "Put back what the line was armed with, or start the line again to run what lies there now"
            )
        self.ready, self._hung_starts = ready, 0

    def _check_hope(self) -> None:
        if self._hung_starts >= MAX_HUNG_STARTS:
            raise LineError(
                f"vision was not ready {START_LIMIT_NS / 1e9:g} s after its start, {MAX_HUNG_STARTS} times "
                "in a row. Where it builds an engine, build it before, 'taktsight engine --station "
                "STATION.yaml' has no limit; else see how far 'taktsight check STATION.yaml' gets"
            )
        # Beside the limit within a minute: a slow start or a long takt keeps below that for ever.
        if self._restarts_in_vain > MAX_RESTARTS:
            raise LineError(
                f"vision ended {MAX_RESTARTS + 1} times and judged no part in between; its last messages "
                "above say why"
            )


def what_changed(armed: VisionReady, ready: VisionReady) -> list[str]:
    """What vision looks with and the line was not armed with, in words; empty where all is the same."""
    changed = []
    if ready.bundle_digest != armed.bundle_digest:
        changed.append(f"another bundle ({ready.bundle_digest:.12}, it was {armed.bundle_digest:.12})")
    was, now = armed.template_digests, ready.template_digests
    views = [view for view in was | now if was.get(view) != now.get(view)]
    if views:
        changed.append(f"another golden template of view {', '.join(views)}")
    elif ready.recipe_digest != armed.recipe_digest:
        changed.append(f"another recipe ({ready.recipe_digest:.12}, it was {armed.recipe_digest:.12})")
    return changed


def refusal(refused: Refused, *, restarted: bool) -> TaktsightError:
    """What a process refused with, as the error it was; once the line ran, a reason to stop it."""
    if restarted:
        return LineError(f"the line cannot go on: {refused.message}")
    error = getattr(errors, refused.error, LineError)
    return error(refused.message)
