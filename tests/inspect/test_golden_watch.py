"""When a line may pass parts: the golden-part check alone, with a clock of its own."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from taktsight.inspect.golden_settings import GoldenCheck
from taktsight.inspect.golden_watch import GoldenWatch, Seen
from taktsight.records import Outcome, Verdict

HOUR = 3_600_000_000_000
PASS, REJECT = Verdict(Outcome.PASS), Verdict(Outcome.REJECT, ("spot: score 1.00 ≥ 0.60",))
REVIEW = Verdict(Outcome.REVIEW, ("spot: score 0.40 ≥ 0.30",))
LATE = Verdict(Outcome.UNINSPECTED, ("late: no verdict within 30 ms",))
PARTS: list[dict[str, Any]] = [
    {"name": "B1", "must_be": "REJECT", "serial": "bad.png", "what": "spot of 1 mm"},
    {"name": "G1", "must_be": "PASS", "serial": "good.png"},
]


class Station:
    """A watch and its parts, one a minute."""

    def __init__(self, **settings: Any) -> None:
        said = {"parts": PARTS, "every_h": 8, "within_min": 60} | settings
        self.watch = GoldenWatch(GoldenCheck.model_validate(said))
        self.now_ns = self.trigger = 0

    def part(self, verdict: Verdict, serial: str | None = None) -> tuple[Outcome, Seen | None]:
        self.trigger += 1
        self.now_ns += HOUR // 60
        self.watch.triggered(self.trigger)
        told, seen = self.watch.at_gate(self.trigger, verdict, serial, self.now_ns)
        return told.outcome, seen

    def check(self) -> None:
        self.part(REJECT, "bad.png")
        self.part(PASS, "good.png")

    @property
    def held(self) -> str:
        return self.watch.held(self.now_ns)


def test_line_without_golden_parts_is_never_held() -> None:
    watch = GoldenWatch(None)
    assert watch.at_gate(1, PASS, "x", 10**18) == (PASS, None)
    assert watch.held(10**18) == ""


def test_nothing_passes_before_the_first_check() -> None:
    station = Station()
    assert "due: the line was started" in station.held
    for verdict in (PASS, REJECT, REVIEW):
        assert station.part(verdict, "4711")[0] is Outcome.UNINSPECTED


def test_line_passes_parts_once_each_golden_part_was_judged_right() -> None:
    station = Station()
    station.part(REJECT, "bad.png")
    assert station.part(PASS)[0] is Outcome.UNINSPECTED
    assert [part.name for part in station.watch.missing(station.now_ns)] == ["G1"]
    station.part(PASS, "good.png")
    assert station.held == ""
    assert station.part(PASS)[0] is Outcome.PASS
    assert station.part(REJECT)[0] is Outcome.REJECT


def test_golden_part_never_passes_the_gate() -> None:
    station = Station()
    station.check()
    outcome, seen = station.part(PASS, "good.png")
    assert outcome is Outcome.UNINSPECTED
    assert seen is not None
    assert seen.sentence == "golden part G1: PASS, as it must be"


@pytest.mark.parametrize(
    ("serial", "verdict"), [("bad.png", PASS), ("bad.png", REVIEW), ("good.png", REJECT)]
)
def test_golden_part_that_is_judged_wrong_holds_the_line_at_once(serial: str, verdict: Verdict) -> None:
    station = Station()
    station.check()
    _, seen = station.part(verdict, serial)
    assert seen is not None
    assert seen.judged == "wrong"
    assert "must be" in station.held
    assert station.part(PASS)[0] is Outcome.UNINSPECTED
    station.part(REJECT, "bad.png")
    assert station.held
    station.part(PASS, "good.png")
    assert station.held == ""


def test_right_part_before_a_wrong_one_does_not_count() -> None:
    station = Station()
    station.part(PASS, "good.png")
    station.part(PASS, "bad.png")
    station.part(REJECT, "bad.png")
    assert station.held
    station.part(PASS, "good.png")
    assert station.held == ""


def test_golden_part_without_a_verdict_is_shown_again() -> None:
    station = Station()
    _, seen = station.part(LATE, "bad.png")
    assert seen is not None
    assert seen.judged == "not judged"
    station.check()
    station.part(LATE, "bad.png")
    assert station.held == ""


def test_check_is_due_again_after_its_hours() -> None:
    station = Station()
    station.check()
    station.now_ns += 8 * HOUR - HOUR // 30
    assert station.part(PASS)[0] is Outcome.PASS
    assert station.part(PASS)[0] is Outcome.UNINSPECTED
    assert "due: the last one was 8 h ago" in station.held
    station.check()
    assert station.part(PASS)[0] is Outcome.PASS


def test_check_that_comes_early_counts_from_then() -> None:
    station = Station()
    station.check()
    station.now_ns += 4 * HOUR
    station.check()
    station.now_ns += 7 * HOUR
    assert station.part(PASS)[0] is Outcome.PASS


def test_parts_that_are_shown_too_far_apart_are_no_check() -> None:
    station = Station(within_min=10)
    station.part(REJECT, "bad.png")
    station.now_ns += HOUR
    station.part(PASS, "good.png")
    assert station.held
    station.part(REJECT, "bad.png")
    assert station.held == ""


def test_announced_part_is_the_next_one_that_is_triggered() -> None:
    station = Station(parts=[{"name": "B", "must_be": "REJECT"}, {"name": "G", "must_be": "PASS"}])
    assert station.watch.announce("B") == ""
    assert "was announced and has not come yet" in station.watch.announce("G")
    _, seen = station.part(REJECT)
    assert seen is not None
    assert (seen.part.name, seen.judged) == ("B", "right")
    assert station.part(PASS)[1] is None
    assert station.watch.announce("G") == ""
    station.watch.withdraw()
    assert station.part(PASS)[1] is None
    assert "there is no golden part X (there are B, G)" in station.watch.announce("X")


def test_part_is_what_its_serial_says_whatever_was_announced() -> None:
    station = Station()
    station.watch.announce("G1")
    _, seen = station.part(REJECT, "bad.png")
    assert seen is not None
    assert seen.part.name == "B1"


def test_demand_holds_until_the_next_check() -> None:
    station = Station(every_h=None)
    station.check()
    station.now_ns += 1000 * HOUR
    assert station.held == ""
    station.watch.demand("recipe lid-2")
    assert "due: recipe lid-2" in station.held
    station.check()
    assert station.held == ""


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        (PARTS[:1] * 2, "name B1 stands twice"),
        ([PARTS[0], PARTS[0] | {"name": "B2"}], "serial bad.png stands twice"),
        ([PARTS[0], {"name": "B2", "must_be": "REJECT"}], "none is known-good"),
        ([PARTS[1], {"name": "G2", "must_be": "PASS"}], "none is known-bad"),
        ([PARTS[0], {"name": "G2", "must_be": "REVIEW"}], "must_be"),
    ],
)
def test_check_that_could_not_find_both_kinds_of_fault_is_refused(
    parts: list[dict[str, Any]], says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        Station(parts=parts)


def test_parts_that_were_on_their_way_at_a_changeover_say_nothing_of_what_judges_now() -> None:
    """They were exposed for the bundle before: the new one has shown nothing yet."""
    station = Station()
    station.check()
    assert station.held == ""
    for trigger in (3, 4):
        station.watch.triggered(trigger)
    station.watch.changed_over()
    for trigger, verdict, serial in ((3, REJECT, "bad.png"), (4, PASS, "good.png")):
        told, seen = station.watch.at_gate(trigger, verdict, serial, station.now_ns)
        assert told.outcome is Outcome.UNINSPECTED
        assert seen is not None
        assert "before the changeover" in seen.sentence
    assert "the line was changed over" in station.held
    station.trigger = 4
    station.check()
    assert station.held == ""
