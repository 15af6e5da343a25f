"""What the page of a station is made of: settings without secrets, histograms, series, disk use."""

from __future__ import annotations

import math
from pathlib import Path

from taktsight.inspect.review.live.configuration import HIDDEN, rows_of_file
from taktsight.inspect.review.live.disk import Disk
from taktsight.inspect.review.live.events import history_of
from taktsight.inspect.review.live.live import Live, slug_of
from taktsight.inspect.review.live.metrics import parse_metrics
from taktsight.inspect.review.live.series import cycle_bars, cycle_bars_of_run, health_series, last_rows
from taktsight.inspect.review.live.state import Note, State
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.records import Outcome

from ..records import MadeRecords, make_records


def test_settings_show_no_login(tmp_path: Path) -> None:
    file = tmp_path / "station.yaml"
    file.write_text(
        "name: press 4\ncameras:\n  - kind: rtsp\n    url: rtsp://ines:kupfer@10.0.0.7/live\n"
        "    password: lampe\n"
        "repeats_allowed: [top, side]\nmetrics:\n"
    )
    said = dict(rows_of_file(file))
    assert said["cameras[1].url"] == f"rtsp://{HIDDEN}@10.0.0.7/live"
    assert said["cameras[1].password"] == HIDDEN
    assert said["repeats_allowed"] == "top, side"
    assert said["metrics"] == "–"
    assert rows_of_file(tmp_path / "nowhere.yaml") == ()


def test_look_counts_what_the_ledger_holds(made: MadeRecords) -> None:
    index = PartIndex.open(made.folder, made.folder / "review")
    (tile,) = Live(index).look().tiles
    assert {outcome: tile.counts[outcome] for outcome in Outcome} == {
        outcome: len(made.of(outcome)) for outcome in Outcome
    }
    assert (tile.name, tile.slug) == ("press 4", "press-4")
    assert (tile.state.state, tile.state.note) == (State.STOPPED, Note.CLOSED)
    assert tile.cycle.p99_ms == 41.0
    assert tile.cycle.deadline_ms is None
    assert [part.key.trigger for part in tile.newest] == [12, 11, 10, 9, 8, 7]
    assert all(part.outcome is not Outcome.PASS for part in tile.flagged)
    assert tile.is_old
    index.close()


def test_look_follows_into_the_next_run(tmp_path: Path) -> None:
    made = make_records(tmp_path)
    index = PartIndex.open(made.folder, made.folder / "review")
    live = Live(index)
    live.look()
    live._look = (-1e9, live._look[1])  # as if it had been long ago
    more = make_records(tmp_path, [Outcome.PASS, Outcome.REJECT])
    (tile,) = live.look().tiles
    assert tile.run == more.runs[-1]
    assert tile.parts == 2
    assert len(history_of(index.ledger, [tile.run, *made.runs]).runs) == 2
    index.close()


def test_ledger_that_goes_away_is_said(made: MadeRecords) -> None:
    index = PartIndex.open(made.folder, made.folder / "review")
    live = Live(index)
    live.look()
    live._look = (-1e9, live._look[1])
    (made.folder / "ledger.sqlite").rename(made.folder / "away.sqlite")
    (tile,) = live.look().tiles
    assert (tile.state.state, tile.state.note) == (State.UNKNOWN, Note.NO_LEDGER)
    assert tile.is_old
    index.close()


def test_charts_count_every_part_once(made: MadeRecords) -> None:
    index = PartIndex.open(made.folder, made.folder / "review")
    rows = last_rows(index.ledger)
    bars = cycle_bars(rows, made.runs[0], 80.0)
    assert sum(bar.parts for bar in bars) == len(made.parts)
    series = health_series(rows, made.runs[0])
    measured = len(made.parts) - len(made.of(Outcome.UNINSPECTED))
    assert {(each.view, each.measure) for each in series} == {
        (view, measure) for view in made.views for measure in ("focus", "mean_level")
    }
    assert all(sum(point.parts for point in each.points) == measured for each in series)
    index.close()


def test_histogram_of_meters_is_not_cumulative() -> None:
    said = "\n".join(
        f'taktsight_cycle_seconds_bucket{{le="{edge}"}} {count}'
        for edge, count in (("0.001", 0), ("0.002", 3), ("0.004", 3), ("0.008", 8), ("+Inf", 9))
    )
    bars = cycle_bars_of_run(parse_metrics(said))
    assert [(bar.from_ms, bar.until_ms, bar.parts) for bar in bars] == [
        (1, 2, 3),
        (2, 4, 0),
        (4, 8, 5),
        (8, math.inf, 1),
    ]


def test_disk_counts_kept_images(made: MadeRecords) -> None:
    use = Disk(made.folder).use()
    assert {kept.outcome: kept.images for kept in use.kept} == {
        outcome: len(made.of(outcome)) * len(made.views) for outcome in Outcome
    }
    assert use.images_mb > 0
    assert 0 < use.free_mb < use.total_mb


def test_slug_is_never_empty() -> None:
    assert [slug_of(name) for name in ("press 4", "../..", "Pressé")] == ["press-4", "station", "pressé"]
