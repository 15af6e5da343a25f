"""Which parts the address of a search asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from taktsight.inspect.review.parts.rows import Filters
from taktsight.inspect.review.web.visit import Visit
from taktsight.records import Outcome

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}


@dataclass(frozen=True, slots=True)
class Asked:
    """The fields of the form as they were sent; what is no value of theirs is left out."""

    text: str = ""
    outcome: str = ""
    label: str = ""
    lot: str = ""
    station: str = ""
    run: str = ""
    since: str = ""
    """A day on this plant's calendar, the first that is shown."""
    until: str = ""
    """The last day that is shown."""

    @property
    def filters(self) -> Filters:
        """As the index takes them."""
        return Filters(
            outcomes=frozenset({_OUTCOMES[self.outcome]} if self.outcome else ()),
            label=self.label or None,
            lot=self.lot or None,
            station=self.station or None,
            run=self.run or None,
            since=_begin(self.since),
            until=_begin(self.until, days=1),
        )

    @property
    def is_text_alone(self) -> bool:
        """Whether nothing but a serial or a name was asked for."""
        return bool(self.text) and self == Asked(text=self.text)


def asked_filters(visit: Visit) -> Asked:
    """Of the visit's address."""
    return Asked(
        text=visit.asked("text"),
        outcome=outcome if (outcome := visit.asked("outcome", 20)) in _OUTCOMES else "",
        label=visit.asked("label"),
        lot=visit.asked("lot"),
        station=visit.asked("station"),
        run=visit.asked("run"),
        since=_day(visit.asked("since", 10)),
        until=_day(visit.asked("until", 10)),
    )


def _day(text: str) -> str:
    return text if _begin(text) else ""


def _begin(day: str, days: int = 0) -> datetime | None:
    """When a day begins on this plant's clock; None of a text that is no day."""
    if not _DAY.fullmatch(day):
        return None
    try:
        return (datetime.strptime(day, "%Y-%m-%d") + timedelta(days=days)).astimezone()
    except (ValueError, OverflowError, OSError):  # the 31st of February, the year 0 or 9999
        return None
