"""The wall and the page of a station beside a real line: what they show, and what the stream gives whom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from taktsight.inspect.review.web.pages.live import MOST_OF_ONE

from ...place import Place, make_place
from ...running_line import RunningLine
from ..records import MadeRecords, make_records
from ..waiting import wait_until
from .running_bench import RunningBench, make_admin, running_bench


def events(client: httpx.Client, **headers: str) -> Iterator[dict[str, str]]:
    """Of the live stream, as they come."""
    with client.stream("GET", "/live", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        said: dict[str, str] = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if line:
                said[name] = value
            elif said:
                yield said
                said = {}


def next_wall(stream: Iterator[dict[str, str]]) -> dict[str, str]:
    return next(event for event in stream if event.get("event") == "wall")


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, RunningLine]]:
    """A line that runs, at two parts a second."""
    place = make_place(tmp_path_factory.mktemp("wall"))
    running = RunningLine(place.endless(500, deadline_ms=450), "--no-live")
    try:
        running.wait_until(lambda: running.meters["acknowledged"] >= 3)
        yield place, running
    finally:
        if running.process.poll() is None:
            running.kill_all()


@pytest.fixture(scope="module")
def wall(line: tuple[Place, RunningLine]) -> Iterator[RunningBench]:
    """A bench beside the line, started with its station file."""
    with running_bench(line[0].folder / "station.yaml") as running:
        make_admin(running)
        yield running


@pytest.fixture(scope="module")
def client(wall: RunningBench) -> Iterator[httpx.Client]:
    with wall.signed_in() as signed_in:
        yield signed_in


def test_wall_shows_a_line_at_work(client: httpx.Client) -> None:
    page = client.get("/").text
    assert "Armed" in page
    for said in ("press 4", "REJECT", "UNINSPECTED", "500 ms", "450 ms", "Not measured"):
        assert said in page
    assert '<noscript><meta http-equiv="refresh"' in page


def test_parts_come_by_the_stream(client: httpx.Client, line: tuple[Place, RunningLine]) -> None:
    stream = events(client)
    first = next_wall(stream)
    second = next_wall(stream)
    assert first["id"] != second["id"]
    newest = int(json.loads(second["data"]).partition('data-key="')[2].partition('"')[0])
    assert newest > int(json.loads(first["data"]).partition('data-key="')[2].partition('"')[0])
    stream.close()  # type: ignore[attr-defined]


def test_stream_is_for_whoever_is_signed_in(wall: RunningBench) -> None:
    with wall.client() as stranger:
        assert stranger.get("/live", headers={"accept": "text/event-stream"}).status_code == 401
        assert stranger.get("/").status_code == 303
        assert stranger.get("/stations/press-4").status_code == 303


def test_one_account_has_so_many_streams_and_no_more(client: httpx.Client) -> None:
    def opened() -> Iterator[dict[str, str]]:
        stream = events(client)
        assert next(stream)["event"] == "beat"
        return stream

    def is_free() -> bool:
        stream = events(client)
        first = next(stream)
        stream.close()  # type: ignore[attr-defined]
        return first["event"] == "beat"

    wait_until(is_free)
    streams: list[Iterator[dict[str, str]]] = []
    while len(streams) < MOST_OF_ONE:  # those of the tests before may just be ending
        stream = events(client)
        if next(stream)["event"] == "beat":
            streams.append(stream)
    refused = next(events(client))
    assert refused["event"] == "busy"
    assert int(refused["retry"]) >= 30_000
    for stream in streams:
        stream.close()  # type: ignore[attr-defined]
    wait_until(is_free)


def test_page_of_the_station_has_everything(client: httpx.Client) -> None:
    answer = client.get("/stations")
    assert answer.headers["location"] == "/stations/press-4"
    page = client.get("/stations/press-4").text
    for heading in (
        "Cycle time",
        "Image health",
        "Golden checks",
        "Runs and restarts",
        "Changeovers",
        "Disk",
    ):
        assert heading in page
    assert "trigger.takt_ms" in page
    assert "the one that judges" not in page  # there is no recipe file
    assert client.get("/stations/another").status_code == 404


def test_pages_say_no_place_on_the_disk(client: httpx.Client, line: tuple[Place, RunningLine]) -> None:
    for path in ("/", "/stations/press-4"):
        assert str(line[0].folder) not in client.get(path).text


def test_stopped_line_says_so_and_since_when(tmp_path: Path) -> None:
    place = make_place(tmp_path)
    line = RunningLine(place.endless(200), "--no-live")
    try:
        line.wait_until(lambda: line.meters["acknowledged"] >= 3)
        with running_bench(tmp_path / "station.yaml") as bench:
            make_admin(bench)
            with bench.signed_in() as client:
                assert "Armed" in client.get("/").text
                line.stop()
                wait_until(lambda: "The line was stopped and closed its records." in client.get("/").text)
                page = client.get("/").text
                assert "Armed" not in page
                assert 'class="tile idle old"' in page
                again = RunningLine(place.endless(200), "--no-live")
                wait_until(lambda: "Armed" in client.get("/").text)
                again.kill_all()
                wait_until(lambda: "ended without closing its records" in client.get("/").text)
    finally:
        if line.process.poll() is None:
            line.kill_all()


def test_browser_that_comes_again_gets_only_what_it_has_not(tmp_path: Path) -> None:
    """Over records that nobody writes any more nothing changes."""
    with running_bench(make_records(tmp_path).folder) as bench:
        make_admin(bench)
        with bench.signed_in() as client:
            stream = events(client)
            seen = next_wall(stream)["id"]
            stream.close()  # type: ignore[attr-defined]
            later = events(client, **{"last-event-id": seen})
            assert [next(later)["event"], next(later)["event"]] == ["beat", "beat"]
            later.close()  # type: ignore[attr-defined]
            other = events(client, **{"last-event-id": "en-of-another-day"})
            assert next_wall(other)["id"] == seen
            other.close()  # type: ignore[attr-defined]


def test_records_alone_say_what_they_do_not_know(own_bench: RunningBench) -> None:
    with own_bench.signed_in() as client:
        page = client.get("/").text
        assert "Stopped" in page
        assert "not known" in page  # takt and deadline stand in the station's file
        assert "no meters of a running line are read" in page
        station = client.get("/stations/press-4").text
        assert "Bands are not known here" in station


def test_stop_of_the_bench_ends_its_streams(made: MadeRecords) -> None:
    with running_bench(made.folder) as bench:
        make_admin(bench)
        with bench.signed_in() as client:
            stream = events(client)
            next_wall(stream)
            bench.process.terminate()
            assert [event for event in stream if event.get("event") == "wall"] == []
        bench.process.wait(60)
        assert "Traceback" not in "".join(bench.said)
