"""Alarms of a running line, on real peers: in the metrics, in the live view and in the ledger."""

from __future__ import annotations

import os
import re
import signal

from taktsight.records import Outcome

from .gige_rig import StartGige
from .place import Place
from .plc_peer import MakePlc
from .running_line import RunningLine, StartLine, taktsight
from .scraping import Scrape, scrape
from .test_gige_line import show
from .test_gige_line import station as gige_station
from .test_line_plc import station as plc_station


def faults(place: Place) -> list[str]:
    return [row["reasons"] for row in place.rows("fault")]


def alarm_is_on(line: RunningLine, name: str) -> bool:
    return bool(line.meters[f"alarm_{name}_since_ns"])


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
    plc = make_plc()
    file = plc_station(place, plc)
    file.write_text(file.read_text() + f"metrics: {{port: {port}}}\n")
    line = start_line(file, "--no-live")
    plc.wait_until(lambda: ("on",) in plc.told("line"))
    plc.kill()
    line.wait_until(lambda: alarm_is_on(line, "plc_lost"))
    said = scrape(line, port)
    assert (said.value("plc_lost"), said.value("alarm", name="plc_lost")) == (1, 1)
    make_plc(port=plc.port)
    line.wait_until(lambda: not alarm_is_on(line, "plc_lost"))
    assert Scrape(port).value("plc_outages_total") >= 1
    line.stop()
    assert "alarm plc_lost" not in str(faults(place))  # the outage itself is there


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


def test_live_view_shows_an_alarm(place: Place) -> None:
    for number in range(1, 11):
        (place.folder / "images" / f"part_{number}.png").write_bytes(b"")
    trigger = {"kind": "timer", "takt_ms": 200}
    ended = taktsight("run", place.write(trigger=trigger), "--live", "--parts", "10")
    assert "ALARM camera lost, for" in ended.stdout
