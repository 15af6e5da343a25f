"""The golden-part check on a running line: it holds until real parts were judged right, and says so."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from taktsight.errors import LineError
from taktsight.image_files import encode_png
from taktsight.inspect.control import MAX_CLIENTS, ControlClient
from taktsight.records import Outcome

from .place import BRIGHTNESS, Place
from .running_line import RunningLine, StartLine, assert_one_verdict_each, taktsight
from .spots import draw_part
from .test_changeover import LENIENT, STRICT, lay_recipe

BAD: dict[str, Any] = {"name": "B1", "must_be": "REJECT", "serial": "part_4.png", "what": "spot of 1 mm"}
GOOD: dict[str, Any] = {"name": "G1", "must_be": "PASS", "serial": "part_7.png"}


TAKT_MS, DEADLINE_MS = 50, 5000
"""Where each golden part must be judged in time, whatever else the machine does."""


def rows_of(place: Place) -> list[tuple[int | None, str | None, str]]:
    """Trigger, outcome and first reason of the golden entries."""
    return [(row["trigger"], row["outcome"], json.loads(row["reasons"])[0]) for row in place.rows("golden")]


def show_all(place: Place, outcome: Outcome) -> None:
    """From now on the camera sees nothing else."""
    content = encode_png(draw_part(BRIGHTNESS[outcome]))
    for file in (place.folder / "images").iterdir():
        file.write_bytes(content)


def see(line: RunningLine, parts: int = 12) -> None:
    """Waits until so many more parts were there."""
    triggers = line.meters["triggers"]
    line.wait_until(lambda: line.meters["triggers"] >= triggers + parts)


def test_nothing_passes_until_both_golden_parts_came_by_and_were_judged_right(
    place: Place, start_line: StartLine
) -> None:
    station = place.endless(TAKT_MS, golden={"parts": [BAD, GOOD]}, deadline_ms=DEADLINE_MS)
    line = start_line(station, "--no-live", "--parts", "20")
    status, _, err = line.wait()
    assert status == 0, err
    gate = dict(assert_one_verdict_each(place, line))
    assert {gate[trigger] for trigger in range(1, 8)} == {"UNINSPECTED"}
    assert [gate[trigger] for trigger in (8, 9, 10, 11)] == ["PASS", "REJECT", "REVIEW", "PASS"]
    assert (gate[14], gate[17]) == ("UNINSPECTED", "UNINSPECTED")  # the golden parts came by again
    assert rows_of(place)[:4] == [
        (None, None, "held: the golden-part check is due: the line was started"),
        (4, "REJECT", "golden part B1: REJECT, as it must be"),
        (7, "PASS", "golden part G1: PASS, as it must be"),
        (None, None, "golden-part check passed: B1, G1"),
    ]
    verdicts = {row["trigger"]: json.loads(row["reasons"]) for row in place.rows("verdict")}
    assert verdicts[3] == ["held: the golden-part check is due: the line was started"]
    assert verdicts[4][0] == "golden part B1: REJECT, as it must be"
    assert "golden-part check passed" in err


def test_known_bad_part_that_passes_stops_passing_at_once(place: Place, start_line: StartLine) -> None:
    wrong = BAD | {"serial": "part_8.png"}  # in truth a good one
    station = place.endless(TAKT_MS, golden={"parts": [wrong, GOOD]}, deadline_ms=DEADLINE_MS)
    line = start_line(station, "--live", "--parts", "30")
    status, out, err = line.wait()
    assert status == 0, err
    gate = dict(assert_one_verdict_each(place, line))
    assert set(gate.values()) == {"UNINSPECTED"}
    assert (8, "PASS", "golden part B1: PASS, must be REJECT") in rows_of(place)
    assert line.meters["golden_held"] == 1
    assert "HELD: show the golden parts" in out


def test_overdue_check_holds_the_running_line(place: Place, start_line: StartLine) -> None:
    show_all(place, Outcome.PASS)
    parts = [BAD | {"serial": None}, GOOD | {"serial": None}]
    station = place.endless(golden={"parts": parts, "every_h": 1.5 / 3600}, deadline_ms=DEADLINE_MS)
    line = start_line(station, "--no-live")
    line.wait_until(lambda: line.meters["triggers"] >= 3)
    guide = Guided(station)
    show_all(place, Outcome.REJECT)
    see(line)
    guide.lay()
    guide.wait_for("REJECT, as it must be")
    show_all(place, Outcome.PASS)
    see(line)
    guide.lay()
    assert guide.end() == 0, guide.said
    line.wait_until(lambda: line.meters["PASS"] > 0)
    line.wait_until(lambda: line.meters["golden_held"] == 1)
    passed = line.meters["PASS"]
    see(line)
    assert line.meters["PASS"] == passed
    status, _, err = line.stop()
    assert status == 0, err
    assert_one_verdict_each(place, line)
    assert rows_of(place)[-1][2] == "held: the golden-part check is due: the last one was 0.000416667 h ago"


class Guided:
    """``taktsight golden`` and the operator before it."""

    def __init__(self, station: Path, *arguments: str) -> None:
        self.said = ""
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "taktsight.cli", "golden", str(station), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        if not arguments:
            self.wait_for("Then press Enter.")

    def lay(self) -> None:
        """The part lies there: Enter."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def wait_for(self, words: str) -> None:
        """Reads on until this was said."""
        assert self.process.stdout is not None
        while words not in self.said:
            piece = self.process.stdout.read(1)
            assert piece, self.said
            self.said += piece

    def end(self) -> int:
        """Its exit status."""
        self.said += self.process.communicate(timeout=60)[0]
        return self.process.returncode


def test_operator_is_guided_part_by_part_and_told_what_the_line_said(
    place: Place, start_line: StartLine
) -> None:
    show_all(place, Outcome.PASS)
    station = place.endless(golden={"parts": [BAD | {"serial": None}, GOOD | {"serial": None}]})
    line = start_line(station, "--no-live")
    line.wait_until(lambda: line.meters["triggers"] >= 3)
    guide = Guided(station)
    guide.lay()  # it lays a good part where the bad one belongs
    assert guide.end() == 1
    assert "Lay B1 (spot of 1 mm) there. It must be REJECT." in guide.said
    assert "golden part B1: PASS, must be REJECT" in guide.said
    assert "the check was not passed: the line holds" in guide.said
    status = taktsight("golden", station, "--status")
    assert status.returncode == 1
    assert "golden part B1: PASS, must be REJECT" in status.stdout
    line.stop()


def test_rig_shows_its_parts_unattended_and_a_demand_holds_again(
    place: Place, start_line: StartLine
) -> None:
    golden = {"parts": [BAD, GOOD], "every_h": 8}
    station = place.endless(TAKT_MS, golden=golden, deadline_ms=DEADLINE_MS)
    line = start_line(station, "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 1)
    known = taktsight("golden", station, "--status")
    assert known.returncode == 0, known.stdout
    assert re.fullmatch(r"press 4: passed, due again in 4(80|79) min", known.stdout.strip())
    demanded = taktsight("golden", station, "--demand", "lens cleaned")
    assert demanded.returncode == 1
    assert "due: lens cleaned" in demanded.stdout
    guided = taktsight("golden", station, "--unattended")
    assert guided.returncode == 0, guided.stdout + guided.stderr
    assert "golden part B1: REJECT, as it must be  spot: score 1.00 ≥ 0.60" in guided.stdout
    assert "the check was passed; due again in 8 h" in guided.stdout
    passed = line.meters["PASS"]
    line.wait_until(lambda: line.meters["PASS"] > passed)
    status, _, err = line.stop()
    assert status == 0, err
    assert any(said == "held: the golden-part check is due: lens cleaned" for _, _, said in rows_of(place))


def test_changed_over_line_passes_nothing_until_the_golden_parts_came_by_again(
    place: Place, start_line: StartLine
) -> None:
    lay_recipe(place, LENIENT)
    station = place.endless(
        TAKT_MS, recipe="recipe.yaml", golden={"parts": [BAD, GOOD]}, deadline_ms=DEADLINE_MS
    )
    line = start_line(station, "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 3)
    lay_recipe(place, STRICT)
    done = taktsight("changeover", station)
    assert done.returncode == 0, done.stderr
    passed = line.meters["PASS"]
    line.wait_until(lambda: len(rows_of(place)) >= 8 and line.meters["golden_held"] == 0)
    line.wait_until(lambda: line.meters["PASS"] >= passed + 3)
    status, _, err = line.stop()
    assert status == 0, err
    gate = dict(assert_one_verdict_each(place, line))
    (changed,) = place.rows("changeover")
    first = int(json.loads(changed["reasons"])[0].removeprefix("before part "))
    said = [reason for _, _, reason in rows_of(place)]
    due = said.index("held: the golden-part check is due: the line was changed over")
    assert said.index("golden-part check passed: B1, G1") < due
    again = said.index("golden-part check passed: B1, G1", due)
    seen = [trigger for trigger, _, _ in rows_of(place)[due:again] if trigger is not None]
    assert seen, "the check was passed by parts that came before the changeover"
    assert min(seen) >= first, "a golden part that the old recipe judged counts for nothing"
    assert {gate[trigger] for trigger in range(first, max(seen) + 1)} == {"UNINSPECTED"}
    assert "PASS" in {gate[trigger] for trigger in range(max(seen) + 1, len(gate) + 1)}


def test_part_that_never_comes_is_withdrawn(place: Place, start_line: StartLine) -> None:
    station = place.endless(golden={"parts": [BAD | {"serial": "lost"}, GOOD]})
    line = start_line(station, "--no-live")
    line.wait_until(lambda: line.meters["triggers"] >= 3)
    guided = taktsight("golden", station, "--unattended", "--wait-s", "1")
    assert guided.returncode == 1
    assert "golden part B1 did not come within 1 s" in guided.stderr
    line.stop()


def test_golden_without_a_line_or_without_parts_says_what_to_do(place: Place) -> None:
    ended = taktsight("golden", place.endless(golden={"parts": [BAD, GOOD]}))
    assert ended.returncode == 1
    assert "no line listens at" in ended.stderr
    ended = taktsight("golden", place.endless())
    assert ended.returncode == 2
    assert "put them under 'golden:'" in ended.stderr


def test_check_names_the_golden_parts_and_views_without_bands(place: Place) -> None:
    station = place.endless(golden={"parts": [BAD, GOOD], "every_h": 8})
    said = taktsight("check", station).stdout
    assert "B1, G1 must be judged right at each start and every 8 h, or the line holds" in said
    assert "view camera has no bands" in said
    view = "{mm_per_px: 0.1, health: {focus: {min: 0}, when_out: alarm}}"
    limits = "[{label: spot, reject_score: 0.6, review_score: 0.3}]"
    recipe = f"product: spots\nviews: [{view}]\nlimits: {limits}\n"
    (place.folder / "recipe.yaml").write_text(recipe)
    said = taktsight("check", place.endless(recipe="recipe.yaml")).stdout
    assert "view camera: focus; out of band: an alarm" in said


def ask_once_there_is_room(place: Place, timeout_s: float = 30) -> dict[str, Any]:
    """The line notices those who have gone when it gets to them."""
    until_s = time.monotonic() + timeout_s
    while True:
        client = ControlClient(place.records, "press 4")
        try:
            return client.ask({"golden": "state"})
        except LineError:
            assert time.monotonic() < until_s
        finally:
            client.close()


def test_who_asks_nonsense_or_asks_without_end_disturbs_no_verdict(
    place: Place, start_line: StartLine
) -> None:
    line = start_line(place.endless(golden={"parts": [BAD, GOOD]}), "--no-live")
    line.wait_until(lambda: line.meters["PASS"] >= 1)
    clients = [ControlClient(place.records, "press 4") for _ in range(MAX_CLIENTS)]
    asked: tuple[dict[str, Any], ...] = (
        {},
        {"golden": "fly"},
        {"golden": "show", "of": 7},
        {"golden": "show", "of": "X"},
    )
    for client, request in zip(clients, asked, strict=True):
        with pytest.raises(LineError):
            client.ask(request)
    one_more = ControlClient(place.records, "press 4")
    assert one_more.ask({"golden": "state"})["held"] == ""
    with pytest.raises(LineError):  # who was silent for the longest time made room
        clients[0].ask({"golden": "state"})
    for nonsense in (b"\xff no json", b"[" * 50_000, b"7"):
        clients[1]._end.send(nonsense)
        assert b"error" in clients[1]._end.recv(1000)
    with contextlib.suppress(OSError):  # it never reads, and is left alone
        for _ in range(2000):
            clients[2]._end.send(b'{"golden": "state"}')
    see(line)
    for client in (*clients, one_more):
        client.close()
    assert ask_once_there_is_room(place)["held"] == ""
    status, _, err = line.stop()
    assert status == 0, err
    assert_one_verdict_each(place, line)
    assert not (place.records / "line.sock").exists()
