"""Phase II in pieces: daily calls, and a stream part by part, find what one chart of everything finds."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from taktsight.cli import main
from taktsight.errors import ConfigError
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.messages import Entry
from taktsight.quality.attribute_charts import share_limits
from taktsight.quality.bernoulli_cusum import design
from taktsight.quality.chart_points import draw_points
from taktsight.quality.chart_stream import ChartStream, Found
from taktsight.quality.control_chart import chart_of
from taktsight.quality.gap_charts import gap_limits, gaps_between
from taktsight.quality.quality_hold import HELD
from taktsight.quality.spc_limits import FrozenLimits, LedgerPart, Limits, OfLedger, RuleSet
from taktsight.quality.value_charts import value_limits
from taktsight.records import Outcome

SEEDS = range(4)
HELD_BACK = (f"{HELD}drift: focus fell",)


def table(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "time", "value", "defective"), *rows])
    return path


def made_up(count: int, seed: int, share: float = 0.1) -> list[tuple[object, ...]]:
    rng = np.random.default_rng(seed)
    values = np.round(10 + rng.normal(size=count) + np.where(np.arange(count) > count // 2, 0.8, 0), 3)
    times = np.cumsum(rng.integers(1, 900, count))
    defective = rng.random(count) < np.where(np.arange(count) > count // 2, 5 * share, share)
    return [
        (f"P{number}", int(times[number]), values[number], int(defective[number]))
        for number in range(count)
    ]


def pieces(rows: list[tuple[object, ...]], seed: int) -> list[list[tuple[object, ...]]]:
    """Cut at any places."""
    cuts = sorted(np.random.default_rng(seed).choice(np.arange(1, len(rows)), 5, replace=False))
    edges = [0, *map(int, cuts), len(rows)]
    return [rows[first:last] for first, last in itertools.pairwise(edges)]


CHARTS = {
    "ewma": [],
    "cusum": [],
    "i": [],
    "bernoulli": [],
    "g": ["--defective", "defective"],
    "t": ["--time", "time"],
}
OF_PHASE_1 = {"bernoulli": ["--share", "0.1", "--worse-share", "0.3", "--arl0", "200"]}


@pytest.mark.parametrize("chart", CHARTS)
def test_daily_calls_are_one_call_over_all(chart: str, tmp_path: Path) -> None:
    hits = [_hits_of_days(chart, seed, tmp_path / str(seed)) for seed in SEEDS]
    assert any(hits)


def _hits_of_days(chart: str, seed: int, folder: Path) -> int:
    """Of a history cut at any places; the same as of the whole one."""
    folder.mkdir()
    named = [] if chart == "t" else ["--label", "id"]
    frozen = ["--freeze", str(folder / "limits.json"), "--why", "made up"]
    first = table(folder / "first.csv", made_up(60, 100 + seed))
    main(["spc", chart, str(first), *named, *CHARTS[chart], *OF_PHASE_1.get(chart, []), *frozen])
    rows = made_up(120, seed)
    given = [*named, *CHARTS[chart], "--limits", str(folder / "limits.json")]
    every = table(folder / "every.csv", rows)
    status = main(["spc", chart, str(every), *given, "--json", str(folder / "one.json")])
    history = folder / "history.csv"
    # A first day with an event or two: a chart of gaps has no point before.
    days = pieces(rows[40:], seed)
    days[0] = rows[:40] + days[0]
    statuses = []
    for number, day in enumerate(days):
        today = table(folder / f"day {number}.csv", day)
        to = ["--history", str(history), "--json", str(folder / "daily.json")]
        statuses.append(main(["spc", chart, str(today), *given, *to]))
    one, daily = (json.loads((folder / name).read_text()) for name in ("one.json", "daily.json"))
    for figures in (one, daily):
        figures.pop("data")
    assert daily == one
    assert max(statuses) == status == bool(one["hits"])
    return len(one["hits"])


def test_hit_of_yesterday_is_no_alarm_of_today(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits = str(tmp_path / "limits.json")
    given = ["--target", "10", "--sigma", "1", "--freeze", limits]
    first = table(tmp_path / "first.csv", [("a", 1, 10, 0), ("b", 2, 10, 0)])
    assert main(["spc", "i", str(first), *given]) == 0
    to = ["--limits", limits, "--history", str(tmp_path / "history.csv"), "--label", "id"]
    monday = table(tmp_path / "monday.csv", [("c", 3, 14, 0)])
    assert main(["spc", "i", str(monday), *to]) == 1
    capsys.readouterr()
    assert main(["spc", "i", str(table(tmp_path / "tuesday.csv", [("d", 4, 10, 0)])), *to]) == 0
    assert "beyond a limit, above: point 1, as before" in capsys.readouterr().out
    assert main(["spc", "i", str(monday), *to]) == 1
    assert "'c' stands in row 2 already" in capsys.readouterr().err  # one table is not taken twice
    other = tmp_path / "other.csv"
    other.write_text("value\n10\n")
    assert main(["spc", "i", str(other), *to]) == 1
    assert "its columns are not those of" in capsys.readouterr().err
    assert main(["spc", "i", str(monday), "--history", str(tmp_path / "h.csv")]) == 2


def ledger_of(folder: Path, outcomes: Sequence[tuple[Outcome, tuple[str, ...]]]) -> Path:
    """Goes on with the parts, each with its reasons."""
    ledger = Ledger.create(folder)
    begun = len(ledger.rows())
    entries = [
        Entry("verdict", begun + index + 1, None, outcome.value, why, number=begun + index + 1)
        for index, (outcome, why) in enumerate(outcomes)
    ]
    ledger.append("R", entries, (), "2030-01-01T00:00:00+00:00")
    ledger.close()
    return folder


def verdicts(count: int, seed: int, share: float) -> list[tuple[Outcome, tuple[str, ...]]]:
    rng = np.random.default_rng(seed)
    kinds = rng.random(count)
    return [
        (Outcome.REJECT, ())
        if kind < share
        else (Outcome.UNINSPECTED, ("late",))
        if kind > 0.98
        else (Outcome.UNINSPECTED, HELD_BACK)
        if kind > 0.9
        else (Outcome.PASS, ())
        for kind in kinds
    ]


@pytest.mark.parametrize(
    ("chart", "given"),
    [
        ("p", ["--per", "20"]),
        ("g", []),
        ("bernoulli", ["--share", "0.05", "--worse-share", "0.2", "--arl0", "1000"]),
    ],
)
def test_ledger_is_charted_from_the_end_of_phase_one_on(
    chart: str, given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = ledger_of(tmp_path / "records", verdicts(400, 1, 0.05))
    limits, out = str(tmp_path / "limits.json"), tmp_path / "out.json"
    of = ["spc", chart, "--records", str(records)]
    main([*of, *given, "--freeze", limits, "--why", "made up"])
    kept = json.loads(Path(limits).read_text())["ledger"]
    assert kept["count"] == ["REJECT"]
    if chart == "p":
        ledger_of(records, [])
    capsys.readouterr()
    fresh = verdicts(300, 2, 0.2)
    seen: list[dict[str, Any]] = []
    for first in range(0, 300, 60):  # the points of yesterday are there again, and in their places
        ledger_of(records, fresh[first : first + 60])
        main([*of, "--limits", limits, "--json", str(out)])
        seen.append(json.loads(out.read_text()))
    for before, after in itertools.pairwise(seen):
        assert after["points"][: len(before["points"])] == before["points"]
    assert seen[-1]["hits"]
    inspected = sum(why != ("late",) for _, why in fresh)
    if chart == "bernoulli":
        assert len(seen[-1]["points"]) == inspected
    assert main([*of, "--limits", limits, "--count", "REVIEW"]) == 2
    assert "the limits are of REJECT" in capsys.readouterr().err


def test_nothing_after_phase_one_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = ledger_of(tmp_path / "records", verdicts(100, 3, 0.1))
    limits = str(tmp_path / "limits.json")
    main(["spc", "g", "--records", str(records), "--freeze", limits, "--why", "made up"])
    assert main(["spc", "g", "--records", str(records), "--limits", limits]) == 1
    assert "no part has come since the last of phase I, part 100 of run R" in capsys.readouterr().err


def frozen_of(limits: Limits, rules: RuleSet, per: int = 1) -> FrozenLimits:
    last = LedgerPart(run="R", trigger=0)
    return FrozenLimits(
        limits=limits,
        rules=rules,
        points=30,
        data_sha256="",
        ledger=OfLedger(count=(Outcome.REJECT,), per=per, last=last),
        frozen_utc="2030-01-01T00:00:00Z",
    )


def streamed(frozen: FrozenLimits, flags: Sequence[bool]) -> list[Found]:
    stream = ChartStream(frozen)
    return [
        found
        for number, flag in enumerate(flags, start=1)
        for found in stream.add(
            LedgerPart(run="R", trigger=number), Outcome.REJECT if flag else Outcome.PASS
        )
    ]


@pytest.mark.parametrize("rules", ["nelson", "western-electric", "limits"])
@pytest.mark.parametrize("chart", ["p", "g"])
@pytest.mark.parametrize("seed", SEEDS)
def test_stream_finds_each_pattern_at_the_point_that_completes_it(
    chart: Literal["p", "g"], rules: RuleSet, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    flags = rng.random(3000) < np.where(np.arange(3000) > 1200, 0.22, 0.1)
    per = 20
    if chart == "p":
        events = flags.reshape(-1, per).sum(axis=1).astype(float)
        sizes = np.full(len(events), float(per))
        frozen = frozen_of(share_limits("p", events[:60], sizes[:60]), rules, per)
        ends = [per * (number + 1) for number in range(len(events))]
    else:
        events = gaps_between(flags)
        sizes = np.ones(len(events))
        frozen = frozen_of(gap_limits("g", events[:100]), rules)
        ends = [int(place) + 1 for place in np.flatnonzero(flags)[1:]]
    wanted = set()
    for count in range(1, len(events) + 1):  # the chart of everything up to each point
        drawn = draw_points(frozen.limits, events[:count], sizes[:count])
        chart_now = chart_of(drawn, phase=2, rules=rules, labels=[str(each) for each in range(count)])
        wanted |= {
            (hit.rule, hit.side, ends[count - 1]) for hit in chart_now.hits if hit.points[-1] == count
        }
    found = {(each.rule, each.side, each.at.trigger) for each in streamed(frozen, [*map(bool, flags)])}
    assert found == wanted
    assert found or rules == "limits"


def test_stream_of_single_parts_signals_where_the_sum_does_and_begins_anew() -> None:
    limits = design(0.02, 0.1, 2000)
    flags = np.random.default_rng(5).random(2000) < np.where(np.arange(2000) > 1000, 0.15, 0.02)
    drawn = draw_points(limits, flags.astype(float), np.ones(2000))
    first = int(np.argmax(drawn.values > drawn.upper)) + 1
    found = streamed(frozen_of(limits, "limits"), [*map(bool, flags)])
    assert found[0].at.trigger == first
    assert found[0].since.trigger < first
    assert len(found) >= 2  # the share stays high, and the second signal is news again
    assert found[1].since.trigger > first


def test_limits_that_no_ledger_makes_are_not_watched() -> None:
    limits = value_limits(np.array([1.0, 2.0, 3.0]))
    with pytest.raises(ConfigError, match="not frozen out of a ledger cannot be watched"):
        ChartStream(frozen_of(limits, "nelson"))
    design_alone = frozen_of(design(0.02, 0.1, 2000), "limits").model_copy(update={"ledger": None})
    with pytest.raises(ConfigError, match="--freeze FILE"):
        ChartStream(design_alone)
