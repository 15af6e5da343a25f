"""How long pages take while fifty people use the bench, every GET route among them."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import httpx
import numpy as np

from taktsight.benchmarks.review_speed.plant import Place, Plant
from taktsight.benchmarks.review_speed.users import hammer

FILE_ROUNDS = 5


def measure_pages(
    plant: Plant, users: int = 50, pause_s: float = 2.0, for_s: float = 60.0
) -> dict[str, Any]:
    """Times, ms, at so many users.

    Args:
        plant: the bench, asked on its own before the users come: a bench runs for weeks.
        users: each in turn asks for a page, an answer for a script or a picture.
        pause_s: between two pages of one of them, on average.
        for_s: how long.
    """
    seen = [place for place in plant.places if not place.is_file]
    _ask_each(plant, seen)
    visits = _mixed(seen)
    asked = {"url": plant.url, "visits": visits, "users": users, "pause_s": pause_s}
    found = hammer(asked, threading.Event(), for_s)
    route_of = {place.path: place for place in seen}
    times: dict[str, list[float]] = defaultdict(list)
    pages: list[float] = []
    for path, time_ms in found["pages_ms"]:
        times[route_of[path].route].append(time_ms)
        if route_of[path].is_page:
            pages.append(time_ms)
    return {
        "users": users,
        "pause_s": pause_s,
        "answers": len(found["pages_ms"]),
        "failures": found["failures"],
        "pages_ms": _percentiles(pages),
        "all_ms": _percentiles([time_ms for each in times.values() for time_ms in each]),
        "routes_ms": {route: _percentiles(each) for route, each in sorted(times.items())},
        "files_ms": _files(plant),
    }


def _mixed(places: Iterable[Place]) -> list[tuple[str, str]]:
    """Every route as often as any other, whatever the number of its addresses."""
    of_route: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        of_route[place.route].append(place)
    most = max(map(len, of_route.values()))
    return [
        (each[number % len(each)].path, each[number % len(each)].cookie)
        for each in of_route.values()
        for number in range(most)
    ]


def _ask_each(plant: Plant, places: Sequence[Place]) -> None:
    with _client(plant) as client:
        for place in places:
            answer = client.get(place.path, headers={"cookie": place.cookie})
            is_right = answer.status_code < 400 or place.route == "/link/{token}"  # of no account: 404
            if not is_right:
                raise RuntimeError(f"{place.path}: {answer.status_code}: {answer.text[-300:]}")


def _files(plant: Plant) -> dict[str, Any]:
    """What people take along, one after the other: it is not a page, and nobody waits for a click."""
    found = {}
    with _client(plant) as client:
        for route in sorted({place.route for place in plant.places if place.is_file}):
            places = [place for place in plant.places if place.route == route][: FILE_ROUNDS + 1]
            times = []
            for place in places * (1 if len(places) > 1 else FILE_ROUNDS):
                began_s = time.perf_counter()
                client.get(place.path, headers={"cookie": place.cookie}).raise_for_status()
                times.append((time.perf_counter() - began_s) * 1000)
            found[route] = _percentiles(times)
    return found


def _client(plant: Plant) -> httpx.Client:
    headers = {"accept": "text/html"}
    return httpx.Client(base_url=plant.url, headers=headers, trust_env=False, timeout=60)


def _percentiles(times_ms: Sequence[float]) -> dict[str, float]:
    if not times_ms:
        return {"count": 0}
    p50, p99 = np.percentile(times_ms, (50, 99))
    return {
        "count": len(times_ms),
        "p50": round(float(p50), 1),
        "p99": round(float(p99), 1),
        "max": round(max(times_ms), 1),
    }
