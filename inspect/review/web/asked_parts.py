"""Which parts of the queue an address asks for: the same words on its page, at the bench and in the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlencode

from taktsight.inspect.review.parts.rows import Filters
from taktsight.inspect.review.store.values import Why
from taktsight.inspect.review.web.offers import BLIND
from taktsight.records import Outcome

TEXTS = ("station", "label", "lot", "serial")
TIMES = ("since", "until")
MAX_TEXT = 200
_E = TypeVar("_E", Outcome, Why)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, as it was written and as it is meant."""

    values: Mapping[str, str]
    """Only those that say something; an address is made of them again."""
    filters: Filters

    @property
    def query(self) -> str:
        """For an address, without ``?``."""
        return urlencode(self.values)


def asked_parts(values: Mapping[str, str]) -> Asked:
    """Of the values of an address; what says nothing that is known restricts nothing."""
    said = {name: values.get(name, "").strip()[:MAX_TEXT] for name in (*TEXTS, *TIMES, "outcome", "why")}
    times = {name: _time(said[name]) for name in TIMES}
    outcome, why = _member(Outcome, said["outcome"]), _member(Why, said["why"])
    if why in BLIND:
        why = None
    filters = Filters(
        outcomes=frozenset({outcome} if outcome else ()),
        label=said["label"] or None,
        lot=said["lot"] or None,
        station=said["station"] or None,
        serial=said["serial"],
        since=times["since"],
        until=times["until"],
        whys=frozenset({why} if why else ()),
    )
    known = {name: bool(said[name]) for name in TEXTS} | {name: bool(times[name]) for name in TIMES}
    known |= {"outcome": outcome is not None, "why": why is not None}
    kept = {name: said[name] for name, is_known in known.items() if is_known}
    return Asked(kept, filters)


def _time(text: str) -> datetime | None:
    """A day or a moment; on this plant's clock where it names no zone."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone() if text else None
    except (ValueError, OverflowError):
        return None


def _member(kind: type[_E], text: str) -> _E | None:
    return next((each for each in kind if each.value == text), None)
