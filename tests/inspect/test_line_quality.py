"""A running line beside which its ledger is watched: alarms in metrics, ledger, view and at the gate."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from taktsight.cli import main
from taktsight.image_files import encode_png
from taktsight.records import Outcome

from .place import Place
from .running_line import RunningLine, StartLine, taktsight
from .scraping import Scrape, scrape
from .spots import draw_part

PATIENCE_S = 300
"""Who watches runs when nobody else wants the core, and a machine that tests share is busy."""
ALARMS = {"uninspected_share": 1.0, "hold_s": 1}


def alarm_is_on(line: RunningLine, name: str) -> bool:
    return bool(line.meters[f"alarm_{name}_since_ns"])


def faults(place: Place) -> str:
    return " ".join(row["reasons"] for row in place.rows("fault"))


def draw_faint_spots(place: Place, count: int, level: float, seed: int) -> None:
    """Parts that pass, each with a score of its own."""
    rng = np.random.default_rng(seed)
    for file in (place.folder / "images").iterdir():
        file.unlink()
    for number in range(count):
        brightness = int(np.clip(level + 4 * rng.normal(), 129, 175))
        content = encode_png(draw_part(brightness))
        (place.folder / "images" / f"part_{number}.png").write_bytes(content)


def run_parts(place: Place, count: int) -> None:
    """A shift of so many parts."""
    ended = taktsight(
        "run", place.endless(alarms=ALARMS), "--no-live", "--parts", str(count), timeout_s=PATIENCE_S
    )
    assert ended.returncode == 0, ended.stderr


def frozen_limits(place: Place) -> Path:
    """Of a p chart, ten parts a point, of a shift with a reject in twenty; the limits alone count."""
    place.draw([Outcome.PASS] * 20)
    place.draw([Outcome.PASS] * 9 + [Outcome.REJECT])
    run_parts(place, 200)
    file = place.folder / "p.json"
    of = ["spc", "p", "--records", str(place.records), "--per", "10", "--rules", "limits"]
    assert main([*of, "--freeze", str(file), "--why", "made up"]) in (0, 1)
    return file


def stand(place: Place) -> list[str]:
    """Names of the alarms of charts that lie beside the records."""
    return [file.stem.removeprefix("alarm-") for file in (place.records / "spc").glob("alarm-*.json")]


def clear_all(place: Place) -> None:
    for name in stand(place):
        if not (place.records / "spc" / f"cleared-{name}.json").exists():
            by = ("--by", "Anna", "--why", "new steel")
            assert main(["drift", "clear", str(place.records), name, *by]) in (0, 1)


def watched(place: Place, port: int, quality: dict[str, object], takt_ms: float = 20) -> Path:
    return place.endless(takt_ms, metrics={"port": port}, alarms=ALARMS, quality=quality)


def test_process_that_shifted_is_an_alarm_until_somebody_clears_it(
    place: Place, start_line: StartLine, port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    frozen_limits(place)
    place.draw([Outcome.REJECT, Outcome.PASS] * 10)
    line = start_line(watched(place, port, {"spc": ["p.json"]}), "--no-live")
    line.wait_until(lambda: alarm_is_on(line, "process_shift"), PATIENCE_S)
    said = scrape(line, port)
    assert said.value("alarm", name="process_shift") == 1
    assert said.value("alarms_total", name="process_shift") == 1
    assert said.value("spc_standing") >= 1
    assert said.value("spc_alarms_total") >= 1
    assert said.value("alarm", name="drift") == said.value("alarm", name="unwatched") == 0
    assert said.value("quality_held") == 0
    passed = line.meters["PASS"]
    line.wait_until(lambda: line.meters["PASS"] > passed + 5)  # it is shown, and nothing else
    status, _, err = line.stop()
    assert status == 0, err
    files = [place.records / "spc" / f"alarm-{name}.json" for name in stand(place)]
    first = min((json.loads(file.read_text()) for file in files), key=lambda each: str(each["utc"]))
    assert (first["chart"], first["rule"], first["side"]) == ("p", "limits-1", "above")
    assert "p chart of REJECT: beyond a limit, above, since part" in first["said"]
    capsys.readouterr()
    assert main(["drift", "show", str(place.records)]) == 1
    assert first["said"] in capsys.readouterr().out
    assert "alarm process_shift: p chart of REJECT: " in faults(place)


def test_held_line_passes_no_part_until_the_alarm_is_cleared(
    place: Place, start_line: StartLine, port: int
) -> None:
    frozen_limits(place)
    place.draw([Outcome.REJECT, Outcome.PASS] * 10)
    station = watched(place, port, {"spc": ["p.json"], "on_alarm": "hold"})
    line = start_line(station, "--no-live")
    line.wait_until(lambda: bool(line.meters["quality_held"]), PATIENCE_S)
    line.stop()
    place.draw([Outcome.PASS] * 20)
    held = start_line(station, "--no-live")  # it knows before its first part
    held.wait_until(lambda: held.meters["UNINSPECTED"] >= 20, PATIENCE_S)
    assert held.meters["PASS"] == 0
    assert Scrape(port).value("quality_held") == 1
    run = place.rows("armed")[-1]["run"]
    row = next(row for row in place.run_rows(run) if row["kind"] == "verdict")
    assert json.loads(row["reasons"])[0].startswith("held: quality: p chart of REJECT")
    clear_all(place)
    held.wait_until(lambda: held.meters["PASS"] >= 20, PATIENCE_S)
    assert Scrape(port).value("quality_held") == 0
    assert Scrape(port).value("spc_standing") == 0
    status, _, err = held.stop()
    assert status == 0, err
    assert "alarm process_shift: over after" in faults(place)
    # Parts that were held back would have passed: the chart does not take them for anything else.
    assert stand(place) == [name for name in stand(place) if _is_cleared(place, name)]


def _is_cleared(place: Place, name: str) -> bool:
    return (place.records / "spc" / f"cleared-{name}.json").exists()


def test_drift_is_found_beside_the_line_and_told(place: Place, start_line: StartLine, port: int) -> None:
    draw_faint_spots(place, 260, 145, 1)
    run_parts(place, 260)
    assert main(["drift", "learn", str(place.records), "--arl0", "2000"]) == 0
    draw_faint_spots(place, 300, 160, 2)
    reference = "records/drift/reference.json"
    line = start_line(watched(place, port, {"drift": reference, "on_alarm": "hold"}), "--no-live")
    line.wait_until(lambda: alarm_is_on(line, "drift"), PATIENCE_S)
    said = scrape(line, port)
    assert said.value("drift_standing") >= 1
    assert said.value("drift_alarms_total") >= 1
    line.wait_until(lambda: Scrape(port).value("quality_held") == 1, PATIENCE_S)
    held = line.meters["UNINSPECTED"]
    line.wait_until(lambda: line.meters["UNINSPECTED"] >= held + 5, PATIENCE_S)
    status, _, err = line.stop()
    assert status == 0, err
    assert "held: quality: drift: " in place.rows("verdict")[-1]["reasons"]
    assert "alarm drift: drift: " in faults(place)
    ended = taktsight("run", place.folder / "station.yaml", "--live", "--parts", "30", timeout_s=PATIENCE_S)
    assert "HELD: taktsight drift show" in ended.stdout
    assert "ALARM drift, for" in ended.stdout


def test_watch_that_ends_is_an_alarm_costs_no_part_and_is_started_anew(
    place: Place, start_line: StartLine, port: int
) -> None:
    frozen_limits(place)
    place.draw([Outcome.PASS] * 20)
    line = start_line(watched(place, port, {"spc": ["p.json"]}), "--no-live")
    line.wait_until(lambda: line.child("quality_watch") is not None and line.meters["PASS"] >= 5)
    first = line.child("quality_watch")
    line.kill("quality_watch")
    line.wait_until(lambda: alarm_is_on(line, "unwatched"))
    assert scrape(line, port).value("alarm", name="unwatched") == 1
    line.wait_until(lambda: not alarm_is_on(line, "unwatched"), PATIENCE_S)
    assert line.child("quality_watch") not in (None, first)
    passed = line.meters["PASS"]
    line.wait_until(lambda: line.meters["PASS"] > passed + 5)
    assert line.meters["vision_restarts"] == line.meters["recorder_restarts"] == 0
    status, _, err = line.stop()
    assert status == 0, err
    assert "alarm unwatched: the process that watches has ended" in faults(place)


def test_watch_that_hangs_is_an_alarm_until_it_goes_on(
    place: Place, start_line: StartLine, port: int
) -> None:
    frozen_limits(place)
    place.draw([Outcome.PASS] * 20)
    line = start_line(watched(place, port, {"spc": ["p.json"], "silent_s": 5}), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 5)
    watch = line.child("quality_watch")
    assert watch is not None
    os.kill(watch, signal.SIGSTOP)
    line.wait_until(lambda: alarm_is_on(line, "unwatched"))
    os.kill(watch, signal.SIGCONT)
    line.wait_until(lambda: not alarm_is_on(line, "unwatched"), PATIENCE_S)
    assert line.stop()[0] == 0
    assert "alarm unwatched: who watches has said nothing for 5 s" in faults(place)


def test_limits_that_cannot_be_used_are_said_while_the_line_goes_on(
    place: Place, start_line: StartLine, port: int
) -> None:
    line = start_line(watched(place, port, {"spc": ["none.json"]}), "--no-live")
    line.wait_until(lambda: alarm_is_on(line, "unwatched"), PATIENCE_S)
    status, _, err = line.stop()
    assert status == 0, err
    assert "quality: nobody watches" in err
    assert "none.json: cannot be read" in faults(place)
    checked = taktsight("check", place.folder / "station.yaml", timeout_s=PATIENCE_S)
    assert "nobody would watch" in checked.stdout


def test_line_that_is_to_hold_does_not_start_where_nobody_can_watch(place: Place, port: int) -> None:
    station = watched(place, port, {"spc": ["none.json"], "on_alarm": "hold"})
    ended = taktsight("run", station, "--no-live", timeout_s=PATIENCE_S)
    assert ended.returncode == 2, ended.stderr
    assert "none.json: cannot be read" in ended.stderr
    assert place.gate() == []
    checked = taktsight("check", station, timeout_s=PATIENCE_S)
    assert checked.returncode == 1
    assert "nobody would watch" in checked.stdout


def test_parts_that_another_bundle_judged_are_watched_by_nobody(
    place: Place, start_line: StartLine, port: int
) -> None:
    draw_faint_spots(place, 260, 145, 1)
    run_parts(place, 260)
    assert main(["drift", "learn", str(place.records), "--arl0", "2000"]) == 0
    reference = place.records / "drift" / "reference.json"
    content = json.loads(reference.read_text())
    reference.write_text(json.dumps(content | {"bundle": 64 * "0"}))
    line = start_line(watched(place, port, {"drift": str(reference)}), "--no-live")
    line.wait_until(lambda: alarm_is_on(line, "unwatched"), PATIENCE_S)
    line.stop()
    assert "were judged by another bundle or recipe than drift's reference" in faults(place)
    checked = taktsight("check", place.folder / "station.yaml", timeout_s=PATIENCE_S)
    assert "the reference is of bundle 000000000000" in checked.stdout


@pytest.mark.parametrize(
    ("quality", "said"),
    [
        ({}, "nothing is watched"),
        ({"spc": ["p.json"], "silent_s": 1}, "silent_s"),
        ({"sp": []}, "quality.sp"),
    ],
)
def test_wrong_settings_are_told(place: Place, quality: dict[str, Sequence[str]], said: str) -> None:
    ended = taktsight("run", place.write(quality=quality), "--no-live")
    assert ended.returncode == 2
    assert said in ended.stderr
