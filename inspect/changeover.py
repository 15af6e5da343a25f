"""A changeover while the line works: another bundle or recipe, between two parts, or not at all.

Vision gets ready beside its work. As soon as it is, the next part is judged by the new ones; where it is
not, nothing changes. Nothing in here waits.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from taktsight.inspect.config import Station, with_values
from taktsight.inspect.messages import NotPrepared, Prepare, Prepared

log = logging.getLogger(__name__)

CHANGING = ("bundle", "recipe", "backend", "allowed_keys", "rollback_to")
"""What a station file may say otherwise while its line works."""
PREPARE_LIMIT_NS = 600_000_000_000
"""An engine may have to be built; longer is a hang."""
State = Literal["none", "preparing", "done", "refused"]


class Changeovers:
    """Of one run, one at a time."""

    def __init__(
        self, station: Station, versions: Path | None, prepare: Callable[[Prepare], str | None]
    ) -> None:
        """``prepare`` asks vision, and says why not where it cannot be asked."""
        self.station = station
        """As it works now."""
        self.number = 0
        """Of the last changeover that was done; 0 before the first."""
        self._versions = versions
        self._prepare = prepare
        self._order: Prepare | None = None
        self._asked = self._asked_ns = 0
        self._state: State = "none"
        self._message = ""

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request: to change over, or how far it is."""
        if request.get("changeover") == "state":
            return self._told()
        if self._order is not None:
            return {"error": "a changeover is under way; wait until it is done"}
        try:
            station = Station.model_validate_json(json.dumps(request.get("station")))
        except ValidationError as error:
            return {"error": f"that is no station: {error}"}
        fixed = what_is_fixed(self.station, station)
        if fixed:
            return {"error": f"{', '.join(fixed)}: cannot change while the line works; start it anew"}
        return self._begin(station)

    def prepared(self, prepared: Prepared, first_trigger: int) -> Station | None:
        """Vision is ready: the station from this part on; None if nobody waits for it."""
        if self._order is None or prepared.number != self._order.number:
            return None
        self.station, self.number, self._order = self._order.station, prepared.number, None
        ready = prepared.ready
        judges = f"bundle {ready.bundle_digest:.12}, recipe {ready.recipe_digest:.12}"
        self._end("done", f"changed over before part {first_trigger}: {judges}")
        return self.station

    def refused(self, refused: NotPrepared) -> str:
        """The new ones are not as they must be: what is said of it."""
        if self._order is None or refused.number != self._order.number:
            return ""
        return self._give_up(refused.message)

    def gives_up_ns(self) -> int | None:
        """When :meth:`look` must be called; None while nothing is prepared."""
        return None if self._order is None else self._asked_ns + PREPARE_LIMIT_NS

    def look(self, now_ns: int) -> str:
        """Gives up what takes too long: what is said of it. Vision inspects on, and may be asked again."""
        gives_up_ns = self.gives_up_ns()
        if gives_up_ns is None or now_ns < gives_up_ns:
            return ""
        return self._give_up(f"vision was not ready after {PREPARE_LIMIT_NS / 1e9:g} s")

    def vision_lost(self) -> str:
        """Vision ended: if it was getting ready, what is said of it."""
        return self._give_up("vision ended while it got ready") if self._order is not None else ""

    def _begin(self, station: Station) -> dict[str, Any]:
        self._asked += 1
        order = Prepare(self._asked, station, datetime.now(timezone.utc).date(), self._versions)
        refused = self._prepare(order)
        if refused is not None:
            return {"error": f"{refused}: ask again"}
        self._asked_ns = time.monotonic_ns()
        self._order, self._state, self._message = order, "preparing", ""
        return self._told()

    def _give_up(self, why: str) -> str:
        self._order = None
        self._end("refused", f"not changed over, the line goes on as before: {why}")
        return self._message

    def _end(self, state: State, message: str) -> None:
        self._state, self._message = state, message
        log.log(logging.INFO if state == "done" else logging.WARNING, "%s", message)

    def _told(self) -> dict[str, Any]:
        return {"state": self._state, "number": self._asked, "message": self._message}


def what_is_fixed(old: Station, new: Station) -> list[str]:
    """Names of what the new station file says otherwise and a line that works cannot change."""
    if old.trigger.kind == new.trigger.kind == "timer":
        # 'run --parts' is of the run, not of the station.
        new = with_values(new, trigger=with_values(new.trigger, parts=old.trigger.parts))
    names = (name for name in Station.model_fields if name not in CHANGING)
    return [name for name in names if getattr(old, name) != getattr(new, name)]
