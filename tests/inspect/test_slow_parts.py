"""Inference that takes far longer on some parts, bundles swapped under load: counted, not timed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from taktsight.benchmarks.endurance.fault_rows import lay_pair, lay_parts, side_for
from taktsight.benchmarks.endurance.hot_swap import Pair, hot_swaps
from taktsight.benchmarks.endurance.slow_parts import Shift, run_shift

from .place import Place
from .running_line import StartLine

SHIFT = Shift(60, 40.0, 180.0, 100.0, ["PASS"] * 20)
"""A margin that busy cores do not use up: a verdict is due 80 ms behind its trigger."""
SLOW = replace(SHIFT, slow=frozenset({9}))


def test_slow_part_is_uninspected_once_and_its_neighbours_are_judged_or_say_why_not(
    place: Place, start_line: StartLine
) -> None:
    # Three times what is allowed, measured at the machine's best: in time it never is.
    lay_parts(place, SLOW, 1, side_for(250))
    seen = run_shift(place, start_line, SLOW)
    assert seen.tally.broken == []
    assert (seen.tally.injected, seen.tally.lost, seen.tally.late, seen.tally.misassigned) == (3, 0, 0, 0)
    slow = {10, 30, 50}
    outcomes = dict(place.gate())
    assert {outcomes[trigger] for trigger in slow} == {"UNINSPECTED"}
    # Six takts: who waits for the engine is answered in time, and never passed.
    behind = {trigger + 1 for trigger in slow}
    rows = {row["trigger"]: row for row in place.rows("verdict")}
    assert {outcomes[trigger] for trigger in behind} == {"UNINSPECTED"}
    assert all(json.loads(rows[trigger]["reasons"])[0].startswith("late: ") for trigger in behind)
    assert len(seen.infer_ms) + seen.neighbours == len(seen.others_ms) == SLOW.parts - len(slow)
    # What the engine said at last is recorded, and opened no gate. (A busy machine may not even begin.)
    assert "PASS" in {row["outcome"] for row in place.rows("late") if row["trigger"] in slow}


def test_witness_sees_a_slow_part_that_was_judged_in_time(place: Place, start_line: StartLine) -> None:
    generous = replace(SLOW, parts=20, deadline_ms=2000.0)
    lay_parts(place, generous, 1, 1)
    seen = run_shift(place, start_line, generous)
    assert seen.tally.broken == ["part 10 has its PASS in time: its inference was not slow"]


@pytest.mark.parametrize("shown", ["right", "exchanged"])
def test_each_verdict_is_of_the_bundle_whose_digest_it_carries(
    place: Place, start_line: StartLine, shown: str
) -> None:
    pair = lay_pair(place, 64)
    if shown == "exchanged":  # a witness that cannot see it would be none
        digests = list(pair.expected)
        pair = Pair(pair.files, dict(zip(digests, reversed(list(pair.expected.values())), strict=True)))
    tally, figures = hot_swaps(place, start_line, pair, 4, 20.0, deadline_ms=400, gate_margin_ms=100)
    assert tally.broken == []
    assert (tally.injected, tally.lost, tally.late, figures["digests"]) == (4, 0, 0, 2)
    assert (tally.misassigned == 0) == (shown == "right")
