"""Alarms that stand: those of the line, and those of drift."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from taktsight.inspect.review.live.book import RunBook
from taktsight.inspect.review.live.metrics import Metrics
from taktsight.inspect.review.live.values import Standing


class Alarms:
    """Of one station, from look to look: the moment since when one stands must not waver."""

    def __init__(self) -> None:
        self._since: dict[str, str] = {}

    def of_line(self, book: RunBook, metrics: Metrics | None, now: datetime) -> list[Standing]:
        """As its meters have them; as its ledger has them where nobody reads meters."""
        if metrics is None:
            return [Standing(raised.name, raised.utc, raised.why) for raised in book.raised.values()]
        on = [labels.get("name", "") for labels, value in metrics.labelled("alarm") if value]
        self._since = {name: self._since_of(name, book, metrics, now) for name in on}
        whys = {name: book.raised[name].why if name in book.raised else "" for name in on}
        return [Standing(name, since, whys[name]) for name, since in self._since.items()]

    def _since_of(self, name: str, book: RunBook, metrics: Metrics, now: datetime) -> str:
        if name in self._since:
            return self._since[name]
        if name in book.raised:
            return book.raised[name].utc
        lasted_s = metrics.value("alarm_seconds", name=name) or 0.0
        return (now - timedelta(seconds=lasted_s)).isoformat(timespec="seconds")


def alarms_of_drift(records: Path) -> list[Standing]:
    """Those that nobody has cleared; a file that cannot be read is one."""
    from taktsight.quality.drift_records import suspensions  # only where there is a folder of drift

    if not (records / "drift").is_dir():
        return []
    return [Standing("drift", each.since, each.reason) for each in suspensions(records)]
