"""A running line as Prometheus sees it: real scrapes, read by Prometheus's own parser."""

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
from taktsight.records import Outcome

from .gige_rig import StartGige
from .place import Place
from .plc_peer import MakePlc
from .running_line import RunningLine, StartLine, taktsight
from .test_gige_line import show
from .test_gige_line import station as gige_station
from .test_line_plc import station as plc_station

Labels = dict[str, str]


@pytest.fixture
def port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


class Scrape:
    """What a scrape said."""

    def __init__(self, port: int) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            self.kind = answer.headers["Content-Type"]
            self.text = answer.read().decode()
        families = list(text_string_to_metric_families(self.text))
        self.types = {family.name: family.type for family in families}
        self.samples = [sample for family in families for sample in family.samples]

    def value(self, name: str, /, **labels: str) -> float:
        """Of the one sample with these labels, and others perhaps."""
        found = [
            sample.value
            for sample in self.samples
            if sample.name == f"taktsight_{name}" and labels.items() <= sample.labels.items()
        ]
        assert len(found) == 1, (name, labels, found)
        return float(found[0])

    def labels(self, name: str) -> Labels:
        return next(dict(sample.labels) for sample in self.samples if sample.name == f"taktsight_{name}")


def scrape(line: RunningLine, port: int) -> Scrape:
    """The first that is answered."""
    got: list[Scrape] = []

    def answered() -> bool:
        try:
            got.append(Scrape(port))
        except (urllib.error.URLError, ConnectionError):
            return False
        return True

    line.wait_until(answered)
    return got[0]


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


def faults(place: Place) -> list[str]:
    return [row["reasons"] for row in place.rows("fault")]


def alarm_is_on(line: RunningLine, name: str) -> bool:
    return bool(line.meters[f"alarm_{name}_since_ns"])


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
    assert re.search(r"stages\W+grab [\d.]+ ms, p99 [\d.]+ ms", out)
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


def test_restart_of_vision_is_an_alarm_that_ends(place: Place, start_line: StartLine, port: int) -> None:
    station = place.endless(metrics={"port": port}, alarms={"hold_s": 3, "uninspected_share": 1.0})
    line = start_line(station, "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 5)
    line.kill("vision")
    line.wait_until(lambda: alarm_is_on(line, "vision_restarted"))
    said = scrape(line, port)
    assert said.value("alarm", name="vision_restarted") == 1
    assert said.value("alarms_total", name="vision_restarted") == 1
    assert 0 <= said.value("alarm_seconds", name="vision_restarted") < 60
    line.wait_until(lambda: not alarm_is_on(line, "vision_restarted"))
    assert Scrape(port).value("alarm", name="vision_restarted") == 0
    _, out, _ = line.stop()
    assert "vision restarted 1×" in out
    assert "alarm vision_restarted" not in str(faults(place))  # the restart itself is there


def test_camera_without_images_is_lost_and_its_parts_are_uninspected(
    place: Place, start_line: StartLine, port: int
) -> None:
    for number in (3, 4, 5, 6):
        (place.folder / "images" / f"part_{number}.png").write_bytes(b"")
    alarms = {"camera_lost_parts": 3, "uninspected_of_parts": 5}
    line = start_line(place.endless(100, metrics={"port": port}, alarms=alarms), "--no-live")
    line.wait_until(lambda: bool(line.meters["alarm_camera_lost_times"]))
    line.wait_until(lambda: alarm_is_on(line, "escapes_unknown"))
    line.wait_until(lambda: not alarm_is_on(line, "camera_lost"))
    said = scrape(line, port)
    assert said.value("missing_frames_total") >= 3
    assert said.value("alarm", name="escapes_unknown") == 1
    line.stop()
    written = " ".join(faults(place))
    assert "alarm camera_lost: 3 parts in a row lack a view" in written
    assert "alarm camera_lost: over after" in written
    assert re.search(r"alarm escapes_unknown: \d+ of the last \d+ parts are UNINSPECTED", written)


def test_camera_that_is_gone_is_an_alarm_until_it_is_back(
    place: Place, start_gige: StartGige, start_line: StartLine, port: int
) -> None:
    camera = start_gige("--images", show(place, Outcome.PASS))
    line = start_line(place.write(**gige_station(place, camera), metrics={"port": port}), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 5)
    camera.kill()
    line.wait_until(lambda: alarm_is_on(line, "camera_lost") and alarm_is_on(line, "escapes_unknown"))
    assert Scrape(port).value("missing_frames_in_a_row") >= 3
    camera.restart()
    line.wait_until(lambda: not alarm_is_on(line, "camera_lost"), 60)
    assert Scrape(port).value("alarms_total", name="camera_lost") >= 1
    assert line.stop()[0] == 0


def test_plc_that_is_gone_is_an_alarm_until_it_is_back(
    place: Place, make_plc: MakePlc, start_line: StartLine, port: int
) -> None:
    plc = make_plc(gate_ms=1500)
    file = plc_station(place, plc)
    file.write_text(file.read_text() + f"metrics: {{port: {port}}}\n")
    line = start_line(file, "--no-live")
    plc.wait_until(lambda: ("on",) in plc.told("line"))
    plc.kill()
    line.wait_until(lambda: alarm_is_on(line, "plc_lost"))
    said = scrape(line, port)
    assert (said.value("plc_lost"), said.value("alarm", name="plc_lost")) == (1, 1)
    make_plc(port=plc.port, gate_ms=1500)
    line.wait_until(lambda: not alarm_is_on(line, "plc_lost"))
    assert Scrape(port).value("plc_outages_total") >= 1
    line.stop()
    assert "alarm plc_lost" not in str(faults(place))  # the outage itself is there


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


def test_disk_below_its_reserve_is_an_alarm(place: Place, start_line: StartLine) -> None:
    records = {"folder": "records", "images": {"reserve_mb": 1e9, "keep": ["REJECT"]}}
    line = start_line(place.endless(records=records), "--no-live")
    line.wait_until(lambda: alarm_is_on(line, "disk_reserve"))
    line.stop()
    assert "MB are free, reserve_mb is 1e+09" in " ".join(faults(place))


def test_recorder_that_hangs_is_an_alarm_and_nothing_is_lost(place: Place, start_line: StartLine) -> None:
    line = start_line(place.endless(alarms={"ledger_behind_s": 0.5}), "--no-live")
    line.wait_until(lambda: line.meters["acknowledged"] >= 5)
    recorder = line.child("recorder")
    assert recorder is not None
    os.kill(recorder, signal.SIGSTOP)
    line.wait_until(lambda: alarm_is_on(line, "ledger_behind"))
    os.kill(recorder, signal.SIGCONT)
    line.wait_until(lambda: not alarm_is_on(line, "ledger_behind"))
    status, _, err = line.stop()
    assert status == 0, err
    assert re.search(
        r"alarm ledger_behind: it takes no entry for 0\.\d s, \d+ wait", " ".join(faults(place))
    )


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


def test_live_view_shows_an_alarm(place: Place) -> None:
    for number in range(1, 11):
        (place.folder / "images" / f"part_{number}.png").write_bytes(b"")
    trigger = {"kind": "timer", "takt_ms": 200}
    ended = taktsight("run", place.write(trigger=trigger), "--live", "--parts", "10")
    assert "ALARM camera lost, for" in ended.stdout
