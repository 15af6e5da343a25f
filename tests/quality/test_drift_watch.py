"""A frozen reference, and streams in which a camera or the product changes: what is said, since when,
why."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from taktsight.errors import ConfigError, DataError, LedgerError
from taktsight.quality.drift_learning import learn
from taktsight.quality.drift_plan import KeptFrames
from taktsight.quality.drift_records import clear, suspended_reason, suspensions, write_alarm
from taktsight.quality.drift_reference import DriftReference, read_reference, write_reference
from taktsight.quality.drift_stream import PartName, SeenPart
from taktsight.quality.drift_watch import Alarm, Watch
from taktsight.records import Outcome

from .drifting import BUNDLE, LABELS, RUN, logit_shift, stream

ARL0 = 2000.0
PARTS = 1000


def learned(parts: list[SeenPart], arl0_parts: float = ARL0) -> DriftReference:
    utc = "2026-11-26T00:00:00+00:00"
    return learn(parts, LABELS, station="press 4", utc=utc, arl0_parts=arl0_parts, frames={})


@pytest.fixture(scope="module")
def reference() -> DriftReference:
    return learned(stream(PARTS, 0))


def alarms_of(reference: DriftReference, parts: list[SeenPart]) -> list[Alarm]:
    watch = Watch(reference)
    return [alarm for part in parts for alarm in watch.see(part)]


def test_all_detectors_together_alarm_at_most_once_per_arl0_on_twenty_streams() -> None:
    """Each with a reference of its own: their luck is a part of it."""
    alarms = [
        len(alarms_of(learned(stream(PARTS, 1000 + seed), 1000), stream(1000, 2000 + seed)))
        for seed in range(20)
    ]
    assert sum(alarms) <= 20
    assert sum(alarms) >= 4  # detectors that never alarm keep every promise


def test_focus_that_fell_is_named_with_its_part_and_its_numbers(reference: DriftReference) -> None:
    def blur(number: int, values: dict[str, float]) -> None:
        if number >= 40:
            values["focus"] -= 12

    alarms = alarms_of(reference, stream(120, 1, first=12_000, change=blur))
    assert {alarm.cause for alarm in alarms} == {"image health"}
    first = next(alarm for alarm in alarms if alarm.detector == "cusum")
    assert re.match(r"focus of camera top fell from 41 to (29|30) \(", first.said)
    assert abs(first.since.trigger - 12_040) <= 4
    assert f"since part {first.since}" in first.said
    assert "out of focus or dirty" in first.look_into


def test_score_that_moves_alone_is_the_product_or_the_model(reference: DriftReference) -> None:
    first = alarms_of(reference, stream(400, 2, change=logit_shift("crack", 0.6, 100)))[0]
    assert first.cause == "product"
    assert first.said.startswith("score of crack (camera top) rose from 0.01")
    assert first.said.endswith(
        "while image health is steady: the product or the model's view of it changed"
    )
    assert 60 < first.since.trigger < 160


def test_score_that_moves_with_the_image_is_the_image(reference: DriftReference) -> None:
    def blur(number: int, values: dict[str, float]) -> None:
        values["focus"] -= 2.4  # it may have no alarm of its own yet
        logit_shift("pit", 1.5)(number, values)

    alarms = alarms_of(reference, stream(60, 3, change=blur))
    scores = [alarm for alarm in alarms if "score of pit" in alarm.said]
    assert scores[0].cause == "image health"
    assert "with it the image: focus of camera top fell" in scores[0].said


def test_without_measures_nobody_is_blamed() -> None:
    blind = learned(stream(PARTS, 4, is_measured=False))
    assert any("nothing was measured" in sentence for sentence in blind.left_out)
    first = alarms_of(blind, stream(100, 5, change=logit_shift("crack", 1.5), is_measured=False))[0]
    assert first.cause == "unknown"
    assert "health: {}" in first.said


def test_spread_that_no_mean_shows_is_found_window_by_window(reference: DriftReference) -> None:
    rng = np.random.default_rng(6)

    def widen(_: int, values: dict[str, float]) -> None:
        values["crack"] = float(1 / (1 + np.exp(4 - 2.5 * rng.normal())))

    found = {alarm.detector for alarm in alarms_of(reference, stream(200, 6, change=widen))}
    assert {"ks", "mmd"} <= found


def test_parts_in_doubt_that_become_frequent_are_found(reference: DriftReference) -> None:
    parts = [
        replace(part, outcome=Outcome.REVIEW) if number % 8 == 0 else part
        for number, part in enumerate(stream(300, 7))
    ]
    alarms = [alarm for alarm in alarms_of(reference, parts) if alarm.detector == "events"]
    assert alarms[0].what == "parts in doubt (REVIEW)"
    assert "% of parts, 0.0% before, since part " in alarms[0].said


def test_parts_like_none_before_are_found(reference: DriftReference) -> None:
    """Each number is within what was seen; together they were never seen."""
    rng = np.random.default_rng(8)

    def strange(number: int, values: dict[str, float]) -> None:
        if number % 4 == 0:
            side = rng.choice([-1, 1])
            values["focus"] = 41 + 6 * side
            values["mean_level"] = 110 - 9 * side
            values["shift_x_px"] = -3.0 * side

    alarms = alarms_of(reference, stream(300, 8, change=strange))
    assert any(alarm.what == "parts like none of the reference" for alarm in alarms)


def test_parts_of_another_bundle_are_counted_and_not_compared(reference: DriftReference) -> None:
    watch = Watch(reference)
    for part in stream(100, 9, change=logit_shift("crack", 5.0), bundle=64 * "d"):
        assert watch.see(part) == []
    assert (watch.parts, watch.strangers) == (0, 100)


def test_reference_reads_back_as_it_was_and_a_strange_one_is_refused(
    reference: DriftReference, tmp_path: Path
) -> None:
    file = tmp_path / "drift" / "reference.json"
    write_reference(file, reference)
    assert read_reference(file) == reference
    assert read_reference(file).digest == reference.digest
    file.write_text(file.read_text().replace('"labels"', '"label"'))
    with pytest.raises(ConfigError, match=r"reference.json: is no drift reference: label"):
        read_reference(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_reference(tmp_path / "none.json")


def test_what_cannot_be_a_reference_says_why() -> None:
    with pytest.raises(DataError, match="50 parts are too few"):
        learned(stream(50, 0))
    with pytest.raises(DataError, match="judged by 2 bundles"):
        learned(stream(300, 0) + stream(300, 1, bundle=64 * "d"))


def test_reference_that_moved_itself_is_doubted() -> None:
    def fade(number: int, values: dict[str, float]) -> None:
        values["mean_level"] -= 0.02 * number

    found = learned(stream(PARTS, 10, change=fade))
    said = " ".join((*found.left_out, *found.doubts))
    assert "mean level of camera top" in said


def test_stain_that_stays_is_lens_dirt_and_a_defect_that_comes_and_goes_is_not() -> None:
    rng = np.random.default_rng(11)
    usual = 1 + 0.2 * rng.random(768)

    def frames(
        count: int, *, stained: bool, defects: bool = False
    ) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        cells = usual + 0.02 * rng.normal(size=(count, 768))
        grid = cells.reshape(count, 24, 32)
        if stained:
            grid[:, 10:12, 5:8] -= 0.05
        if defects:
            for number in range(count):
                grid[number, rng.integers(20), rng.integers(28)] -= 0.6
        return cells

    parts = stream(PARTS, 0)
    kept = KeptFrames((640, 480), [part.name for part in parts[:40]], frames(40, stained=False))
    found = learn(parts, LABELS, station="press 4", utc="2026-11-26", arl0_parts=ARL0, frames={"top": kept})

    def alarms(cells: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> list[Alarm]:
        watch = Watch(found)
        names = [PartName(RUN, 2000 + 25 * number) for number in range(len(cells))]
        return [
            alarm
            for name, each in zip(names, cells, strict=True)
            for alarm in watch.see_frame("top", name, "2026-11-26", each)
        ]

    come_and_go = alarms(frames(20, stained=False, defects=True))
    assert [alarm.detector for alarm in come_and_go] in ([], ["looks"])  # each frame does look otherwise
    stains = [alarm for alarm in alarms(frames(20, stained=True)) if alarm.detector == "stain"]
    assert stains[0].cause == "lens dirt"
    assert "x 100–160 and y 200–240 px" in stains[0].said
    assert "darker on 20 passed parts" in stains[0].said
    assert "since part 2 000" in stains[0].said


def test_alarm_suspends_until_somebody_clears_it(reference: DriftReference, tmp_path: Path) -> None:
    alarm = alarms_of(reference, stream(300, 12, change=logit_shift("crack", 2.0)))[0]
    assert suspended_reason(tmp_path) is None
    record = write_alarm(tmp_path, reference, alarm)
    assert record is not None
    assert write_alarm(tmp_path, reference, alarm) is None  # once, however often it is watched
    assert suspended_reason(tmp_path, bundle=BUNDLE) == f"drift: {alarm.said}"
    assert suspensions(tmp_path, bundle=64 * "d") == ()
    with pytest.raises(LedgerError, match=f"open are: {record.name}"):
        clear(tmp_path, "000000000000", by="Anna", why="lamp", utc="2026-11-27")
    clear(tmp_path, record.name, by="Anna", why="new steel, measured again", utc="2026-11-27")
    assert suspensions(tmp_path) == ()
    assert write_alarm(tmp_path, reference, alarm) is None
    again = replace(alarm, at=replace(alarm.at, trigger=250))
    assert write_alarm(tmp_path, reference, again) is None  # who cleared it has looked at that part too
    later = replace(alarm, at=replace(alarm.at, trigger=9999), utc="2026-11-27T06:00:00+00:00")
    assert write_alarm(tmp_path, reference, later) is not None
    assert len(suspensions(tmp_path)) == 1


@pytest.mark.parametrize("content", ["", "{", '{"format": 2}', None])
def test_record_that_cannot_be_read_suspends_too(
    reference: DriftReference, tmp_path: Path, content: str | None
) -> None:
    alarm = alarms_of(reference, stream(300, 12, change=logit_shift("crack", 2.0)))[0]
    record = write_alarm(tmp_path, reference, alarm)
    assert record is not None
    file = tmp_path / "drift" / f"alarm-{record.name}.json"
    file.write_text(file.read_text().replace("crack", "pit") if content is None else content)
    clearing = tmp_path / "drift" / f"cleared-{record.name}.json"
    clearing.write_text("{}")
    (found,) = suspensions(tmp_path, bundle=64 * "d")  # it may be about any
    assert record.name in found.reason
