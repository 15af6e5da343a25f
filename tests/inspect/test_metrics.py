"""The metrics endpoint of a running line: what it says, and what becomes of it and of the line."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from taktsight.errors import ConfigError
from taktsight.inspect.config import load_station
from taktsight.inspect.endpoint_port import why_unheard
from taktsight.inspect.exposition import Identity, exposition
from taktsight.inspect.meters import ALARMS, STAGES, Meters, size_meters

from .place import Place
from .running_line import StartLine
from .scraping import Scrape, scrape


def child_of(process: int) -> int:
    """The one process that this one has started."""
    (only,) = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return int(only)


def is_asleep(watcher: int | None) -> bool:
    """Whether the process that serves waits for something, and did a moment before."""
    states = []
    for _ in range(5):
        children = Path(f"/proc/{watcher}/task/{watcher}/children")
        only = children.read_text().split() if children.exists() else []
        states.append(
            Path(f"/proc/{only[0]}/stat").read_text().rpartition(")")[2].split()[0] if only else ""
        )
        time.sleep(0.1)
    return set(states) == {"S"}


def test_scrape_says_what_the_line_did(place: Place, start_line: StartLine, port: int) -> None:
    line = start_line(place.endless(metrics={"port": port}), "--no-live")
    line.wait_until(lambda: line.meters["UNINSPECTED"] + line.meters["PASS"] >= 20)
    said = scrape(line, port)
    assert said.kind == "text/plain; version=0.0.4; charset=utf-8"
    assert said.value("state", state="armed") == 1
    assert said.value("parts_total", outcome="REJECT") >= 3
    assert said.value("triggers_total") >= said.value("cycle_seconds_count")
    assert said.value("deadline_seconds") == 0.4
    assert said.types["taktsight_cycle_seconds"] == "histogram"
    status, out, err = line.stop()
    assert status == 0, err
    row = place.rows("verdict")[0]
    identity = said.labels("build_info")
    assert (identity["bundle"], identity["recipe"]) == (row["bundle"], row["recipe"])
    assert (identity["station"], identity["run"]) == ("press 4", row["run"])
    assert re.search(r"stages\W+grab +[\d.]+ ms, p99 [\d.]+ ms", out)
    with pytest.raises(urllib.error.URLError):  # it ends with its line
        Scrape(port)


def test_histograms_count_each_part_in_each_stage(place: Place, start_line: StartLine, port: int) -> None:
    line = start_line(place.endless(metrics={"port": port}), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 20)
    said = scrape(line, port)
    for stage in STAGES:
        buckets = [s for s in said.samples if s.name == "taktsight_stage_seconds_bucket"]
        counts = [s.value for s in buckets if s.labels["stage"] == stage]
        assert counts == sorted(counts)
        assert counts[-1] == said.value("stage_seconds_count", stage=stage)
    assert said.value("stage_seconds_count", stage="infer") >= 20
    assert said.value("stage_seconds_count", stage="health") == 0  # the recipe asks for nothing
    assert said.value("stage_seconds_sum", stage="infer") < said.value("cycle_seconds_sum")
    line.stop()


def test_every_meter_is_shown(place: Place, start_line: StartLine, port: int) -> None:
    line = start_line(place.endless(metrics={"port": port}), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 1)
    said = scrape(line, port)
    line.stop()
    names = {sample.name for sample in said.samples}
    for field in line.meters.snapshot():
        if "_ns" in field or "alarm_" in field or "_digest_" in field or field.isupper():
            continue  # times, alarms, digests and outcomes carry labels or units of their own
        stem = field.replace("missing_in_a_row", "missing_frames_in_a_row")
        wanted = {
            f"taktsight_{prefix}{stem}{suffix}" for prefix in ("", "ledger_") for suffix in ("", "_total")
        }
        assert wanted & names, field
    assert {s.labels["name"] for s in said.samples if s.name == "taktsight_alarm"} == set(ALARMS)


def test_endpoint_that_is_killed_is_started_anew_and_no_part_suffers(
    place: Place, start_line: StartLine, port: int
) -> None:
    line = start_line(place.endless(metrics={"port": port}), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 1)
    scrape(line, port)
    watcher = line.child("endpoint")
    assert watcher is not None
    os.kill(child_of(watcher), signal.SIGKILL)
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        Scrape(port)
    assert scrape(line, port).value("state", state="armed") == 1
    line.kill("endpoint")
    parts = line.meters["PASS"]
    line.wait_until(lambda: line.meters["PASS"] >= parts + 5)
    status, _, err = line.stop()
    assert status == 0, err
    assert "the endpoint ended (-9); it is started anew" in err
    assert "nobody served them any more" in err
    assert line.meters["vision_restarts"] == line.meters["recorder_restarts"] == 0


def test_port_that_is_taken_is_said_and_tried_again(place: Place, start_line: StartLine, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        line = start_line(place.endless(metrics={"port": port}), "--no-live")
        line.wait_until(lambda: line.meters["PASS"] >= 5 and is_asleep(line.child("endpoint")))
    assert scrape(line, port).value("state", state="armed") == 1
    status, _, err = line.stop()
    assert status == 0, err
    assert f"127.0.0.1 port {port} cannot be listened at: Address already in use" in err


def test_readers_that_say_nothing_hold_up_nobody_else(
    place: Place, start_line: StartLine, port: int
) -> None:
    line = start_line(place.endless(metrics={"port": port}), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 1)
    scrape(line, port)
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
    assert Scrape(port).value("state", state="armed") == 1
    more = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    scrape(line, port)  # once they were let go of
    for end in silent + more:
        end.close()
    assert line.stop()[0] == 0


def test_nothing_but_the_meters_is_there(place: Place, start_line: StartLine, port: int) -> None:
    line = start_line(place.endless(metrics={"port": port}), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 1)
    scrape(line, port)
    with pytest.raises(urllib.error.HTTPError, match="the meters are at /metrics"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/../station.yaml", timeout=10)
    line.stop()


def test_without_metrics_in_the_station_nothing_listens(place: Place, start_line: StartLine) -> None:
    line = start_line(place.endless(), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 1)
    assert line.child("endpoint") is None
    line.stop()


def test_endpoint_listens_at_the_address_that_is_named(
    place: Place, start_line: StartLine, port: int
) -> None:
    if not Path("/proc/net/if_inet6").exists():
        pytest.skip("this machine has no IPv6")
    line = start_line(place.endless(metrics={"port": port, "address": "::1"}), "--no-live")
    line.wait_until(lambda: is_asleep(line.child("endpoint")))
    with urllib.request.urlopen(f"http://[::1]:{port}/metrics", timeout=10) as answer:
        assert b"taktsight_build_info" in answer.read()
    with pytest.raises(urllib.error.URLError):
        Scrape(port)
    assert line.stop()[0] == 0


def test_page_names_every_metric_and_every_alarm() -> None:
    descriptor = os.memfd_create("meters")
    size_meters(descriptor)
    meters = Meters(descriptor)
    os.close(descriptor)
    for field in ("armed_ns", "first_answer_ns", "golden_due_ns"):
        meters[field] = 1
    text = exposition(meters, Identity('press "4"', "run\\1", "1.0"), 2)
    families = list(text_string_to_metric_families(text))
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    for family in families:
        name = family.name + ("_total" if family.type == "counter" else "")
        shown = name.removeprefix("taktsight").replace("_trigger_lateness_max_seconds", "…_max_seconds")
        assert re.search(rf"(taktsight|`){re.escape(shown)}\b|{re.escape(shown)}`", page), name
    for name in ALARMS:
        assert f"| `{name}` |" in page
    identity = next(family for family in families if family.name == "taktsight_build_info").samples[0]
    assert (identity.labels["station"], identity.labels["run"]) == ('press "4"', "run\\1")


def test_check_says_whether_the_port_is_free(place: Place, port: int) -> None:
    station = load_station(place.write(metrics={"port": port}))
    assert station.metrics is not None
    assert why_unheard(station.metrics) == ""
    with socket.create_server(("127.0.0.1", port)):
        assert why_unheard(station.metrics) == "Address already in use"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"metrics": {"port": 0}}, "metrics.port"),
        ({"metrics": {"address": "localhost"}}, "metrics.address"),
        ({"alarms": {"uninspected_share": 0}}, "alarms.uninspected_share"),
        ({"alarms": {"beep": True}}, "alarms.beep"),
    ],
)
def test_mistakes_in_the_station_are_named(place: Place, values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        load_station(place.write(**values))
