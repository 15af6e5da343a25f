"""A station: how it is doing, what it is set up with, and what happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from taktsight.errors import LedgerError
from taktsight.inspect.review.live.configuration import rows_of_file
from taktsight.inspect.review.live.disk import DiskUse
from taktsight.inspect.review.live.events import RUNS, history_of
from taktsight.inspect.review.live.live import Live
from taktsight.inspect.review.live.series import (
    Bar,
    Series,
    cycle_bars,
    cycle_bars_of_run,
    health_series,
    last_rows,
)
from taktsight.inspect.review.live.values import Tile, ViewHealth
from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.web.live_said import MEASURES, SAID, short_time
from taktsight.inspect.review.web.routes import get
from taktsight.inspect.review.web.station_counters import counters_of
from taktsight.inspect.review.web.visit import Visit
from taktsight.inspect.review.web.wall_bar import bar_of
from taktsight.inspect.review.web.words import Words
from taktsight.records import Outcome


def first(visit: Visit) -> Response:
    """The only station of this bench."""
    return visit.go(f"/stations/{_live(visit).look().tiles[0].slug}")


def show(visit: Visit) -> Response:
    """One station."""
    live = _live(visit)
    tile = next((tile for tile in live.look().tiles if tile.slug == visit.path("id")), None)
    if tile is None:
        raise HTTPException(404)
    files, metrics = live.files, live.metrics()
    rows = last_rows(live.ledger)
    of_run = metrics if metrics is not None and metrics.run == tile.run else None
    bars = cycle_bars_of_run(of_run) if of_run is not None else ()
    return visit.page(
        "station.html",
        tile=tile,
        bar=bar_of(tile.cycle),
        told=SAID,
        outcomes=tuple(Outcome),
        when=lambda utc: short_time(visit.words, utc),
        cycle=_histogram(visit.words, bars or cycle_bars(rows, tile.run, tile.cycle.deadline_ms)),
        is_of_run=bool(bars),
        charts=[_chart(visit.words, each, tile) for each in health_series(rows, tile.run)],
        history=history_of(live.ledger, _runs(visit, tile)),
        files=files,
        settings=rows_of_file(files.path) if files.path else (),
        book=live.judging,
        counters=counters_of(of_run) if of_run is not None else (),
        golden_due_s=of_run.value("golden_due_seconds") if of_run is not None else None,
        disk=_disk(live),
        images=files.station.records.images if files.station is not None else None,
    )


def _live(visit: Visit) -> Live:
    live: Live | None = visit.bench.live
    if live is None:
        raise HTTPException(404)
    return live


def _runs(visit: Visit, tile: Tile) -> list[str]:
    """Names of the last runs, the newest first: the index may not know yet of the one that goes on."""
    names = [tile.run, *visit.bench.index.runs(RUNS)]
    return [name for name in dict.fromkeys(names) if name]


def _disk(live: Live) -> DiskUse | None:
    try:
        return live.disk.use()
    except LedgerError:  # the state says it: the page shows what can be shown
        return None


def _histogram(words: Words, bars: Sequence[Bar]) -> dict[str, Any]:
    """For the chart: labels below, and one series."""
    digits = 0 if all(bar.from_ms == int(bar.from_ms) for bar in bars) else 1
    labels = [
        f"{words.number(bar.from_ms, digits)}–{words.number(bar.until_ms, digits)}"
        if bar.until_ms != float("inf")
        else f"≥ {words.number(bar.from_ms, digits)}"
        for bar in bars
    ]
    return {"x": labels, "values": [bar.parts for bar in bars], "parts": sum(bar.parts for bar in bars)}


def _chart(words: Words, series: Series, tile: Tile) -> dict[str, Any]:
    """One measure against its band, for the chart."""
    view: ViewHealth | None = next((each for each in tile.health.views if each.view == series.view), None)
    low, high = (view.bands or {}).get(series.measure, (None, None)) if view is not None else (None, None)
    points, gettext = series.points, words.gettext
    lines = [
        {"label": gettext("median"), "values": [point.middle for point in points], "kind": "line"},
        {"label": gettext("lowest"), "values": [point.low for point in points], "kind": "points"},
        {"label": gettext("highest"), "values": [point.high for point in points], "kind": "points"},
    ]
    for label, edge in ((gettext("band from"), low), (gettext("band to"), high)):
        lines += (
            [{"label": label, "values": [edge] * len(points), "kind": "limit"}] if edge is not None else []
        )
    if len(points) == sum(point.parts for point in points):  # each point is one part
        lines[:3] = [{"label": gettext("value"), "values": lines[0]["values"], "kind": "line"}]
    name = gettext(MEASURES[series.measure]) if series.measure in MEASURES else series.measure
    return {
        "id": f"health-{series.view}-{series.measure}",
        "title": f"{series.view}: {name}",
        "x": [words.clock(point.utc) for point in points],
        "series": lines,
        "digits": 4 if max(abs(point.high) for point in points) < 10 else 1,
        "has_band": low is not None or high is not None,
        "out": view.out.get(series.measure, "") if view is not None else "",
    }


routes = [get("/stations", May.SEE, first), get("/stations/{id}", May.SEE, show)]
