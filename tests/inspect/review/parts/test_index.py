"""Every part of the ledger is found, each once, whatever happens to the index."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from taktsight.errors import ConfigError
from taktsight.inspect.ledger import FILE as LEDGER
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.messages import Entry
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.rows import Filters, PartRow
from taktsight.inspect.review.parts.tables import FILE
from taktsight.inspect.review.store.values import PartKey
from taktsight.records import Outcome

from ..records import LATE, OUTCOMES, STARTED, STATION, MadeRecords, make_records


def opened(made: MadeRecords, **values: str) -> PartIndex:
    index = PartIndex.open(made.folder, made.folder / "review", **values)  # type: ignore[arg-type]
    while index.follow():
        pass
    return index


def triggers(rows: object) -> list[int]:
    return [row.key.trigger for row in rows]  # type: ignore[attr-defined]


@pytest.mark.parametrize("is_strict", [False, True])
def test_each_part_of_the_ledger_is_in_the_index_once(tmp_path: Path, is_strict: bool) -> None:
    made = make_records(tmp_path, runs=2, is_strict=is_strict)
    index = opened(made)
    rows = index.newest(100)
    assert [(row.key.run, row.key.trigger, row.serial, row.outcome) for row in rows] == [
        (part.run, part.trigger, part.serial, part.outcome) for part in reversed(made.parts)
    ]
    assert index.follow() == 0
    assert index.progress().is_current
    assert index.runs() == tuple(reversed(made.runs))
    index.close()


def test_part_carries_what_its_rows_say(made: MadeRecords) -> None:
    index = opened(made, lot_pattern="^L(\\d+)-")
    rejected = made.of(Outcome.REJECT)[0]
    row = index.part(PartKey(rejected.run, rejected.trigger))
    assert row is not None
    assert (row.label, row.lot, row.station, row.cycle_ms) == ("spot", "05", STATION, 41.0)
    assert row.reasons[0].startswith("spot: score")
    assert row.scores["top"]["spot"] >= 0.6 > row.scores["side"]["spot"]
    assert row.health["side"]["mean_level"] == 90.0
    assert set(row.frames) == {"top", "side"}
    assert all(
        (frame.width, frame.height, frame.is_kept) == (128, 96, True) for frame in row.frames.values()
    )
    assert len({frame.image_id for frame in row.frames.values()}) == 2
    assert index.part(PartKey(rejected.run, 99)) is None
    index.close()


def test_index_follows_while_the_line_writes_and_the_ledger_gets_no_table_of_it(tmp_path: Path) -> None:
    made = make_records(tmp_path)
    index = opened(made)
    more = make_records(tmp_path)
    assert index.newest(1)[0].key.run == made.runs[0]
    assert index.follow() == len(OUTCOMES)
    assert index.newest(1)[0].key.run == more.runs[0]
    with sqlite3.connect(made.folder / LEDGER) as connection:
        names = {
            row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type <> 'index'")
        }
        indices = connection.execute(
            "SELECT count(*) FROM sqlite_master WHERE sql LIKE 'CREATE INDEX%'"
        ).fetchone()
    connection.close()
    assert names == {"entries", "images", "entries_no_update", "entries_no_delete"}
    assert indices == (0,)
    index.close()


@pytest.mark.parametrize("damage", ["deleted", "garbage", "another version", "another lot pattern"])
def test_index_is_made_anew_where_it_is_not_what_it_must_be(made: MadeRecords, damage: str) -> None:
    index = opened(made)
    before = index.newest(100)
    index.close()
    file = made.folder / "review" / FILE
    if damage == "deleted":
        file.unlink()
    elif damage == "garbage":
        file.write_bytes(b"no database" * 1000)
    elif damage == "another version":
        with sqlite3.connect(file) as connection:
            connection.execute("PRAGMA user_version = 999")
        connection.close()
    again = opened(made, **({"lot_pattern": "x"} if damage == "another lot pattern" else {}))
    assert again.newest(100) == before, "image ids are the same too"
    again.close()


def test_another_ledger_in_the_same_folder_replaces_what_the_index_knew(tmp_path: Path) -> None:
    made = make_records(tmp_path)
    index = opened(made)
    for file in made.folder.glob(f"{LEDGER}*"):
        file.unlink()
    index.close()
    make_records(tmp_path, OUTCOMES[:3], seed=7)
    index = opened(made)
    assert len(index.newest(100)) == 3
    index.close()


def test_station_that_never_ran_has_an_empty_index(tmp_path: Path) -> None:
    index = PartIndex.open(tmp_path, tmp_path / "review")
    assert index.follow() == 0
    assert index.newest(10) == ()
    assert list(index.search("x", 10)) == []
    assert index.part(PartKey("R", 1)) is None
    index.close()


def test_serials_are_found_exact_by_their_beginning_and_in_either_case(made: MadeRecords) -> None:
    index = opened(made)
    assert triggers(index.search("l05-00007", 10)) == [7]
    assert triggers(index.search("L05-0000", 20)) == list(range(1, 10))
    assert triggers(index.search("l05-0001", 20)) == [10, 11, 12]
    assert triggers(index.search("5-0001", 20)) == []
    assert triggers(index.search("%", 20)) == triggers(index.search("_", 20)) == []
    assert triggers(index.search(f"{made.runs[0]}:4", 20)) == [4]
    index.close()


def test_filters_join(tmp_path: Path) -> None:
    made = make_records(tmp_path, runs=2)
    index = opened(made, lot_pattern="^L(\\d+)-")

    def found(**values: object) -> list[PartRow]:
        return list(index.search("", 100, Filters(**values)))  # type: ignore[arg-type]

    rejects = frozenset({Outcome.REJECT})
    assert triggers(found(outcomes=rejects)) == [8, 2, 8, 2]
    assert triggers(found(outcomes=rejects, run=made.runs[0])) == [8, 2]
    assert triggers(found(outcomes=rejects | {Outcome.REVIEW}, lot="06")) == [10, 8, 4, 2]
    assert triggers(found(label="spot", run=made.runs[1])) == [10, 8, 4, 2]
    assert triggers(found(label="scratch")) == []
    assert triggers(found(serial="L05", outcomes=rejects)) == [2, 8]
    assert found(station="press 5") == []
    assert len(found(station=STATION)) == 24
    since, until = STARTED + timedelta(seconds=8), STARTED + timedelta(seconds=14)
    assert triggers(found(since=since, until=until)) == [6, 5, 4]
    assert triggers(found(since=since, until=until, outcomes=rejects)) == []
    index.close()


@pytest.mark.parametrize("filters", [Filters(), Filters(serial="l0"), Filters(run="20260105T060000")])
def test_pages_of_a_search_hold_each_part_once(tmp_path: Path, filters: Filters) -> None:
    index = opened(make_records(tmp_path, runs=2))
    everything = index.search("", 100, filters)
    assert everything.is_all
    seen: list[PartKey] = []
    after = None
    while True:
        page = index.search("", 5, filters, after)
        seen += [row.key for row in page]
        if page.is_all:
            break
        after = page.next
    assert seen == [row.key for row in everything]
    index.close()


def test_late_result_gives_an_uninspected_part_its_scores(tmp_path: Path) -> None:
    ledger = Ledger.create(tmp_path)
    utc = "2026-01-05T06:00:00+00:00"
    armed = Entry("armed", reasons=("station press 4", "labels pit, scratch"), number=1, bundle="b")
    verdict = Entry("verdict", 1, "s1", "UNINSPECTED", (LATE,), number=2, bundle="b")
    ledger.append("R", [armed, verdict], (), utc)
    index = PartIndex.open(tmp_path, tmp_path / "review")
    index.follow()
    assert index.newest(1)[0].scores == {}
    scores: dict[str, tuple[float, ...]] = {"camera": (0.1, 0.9)}
    late = Entry(
        "late", 1, "s1", "REJECT", ("scratch: score 0.90 ≥ 0.60",), scores=scores, number=3, bundle="b"
    )
    ledger.append("R", [late], (), utc)
    index.follow()
    (row,) = index.newest(1)
    assert (row.outcome, row.judged, row.reasons) == (Outcome.UNINSPECTED, Outcome.REJECT, (LATE,))
    assert row.scores == {"camera": {"pit": 0.1, "scratch": 0.9}}
    assert row.label == "scratch"
    index.close()
    ledger.close()


def test_row_that_was_tampered_with_takes_no_page_with_it(made: MadeRecords) -> None:
    with sqlite3.connect(made.folder / LEDGER) as connection:
        connection.execute("DROP TRIGGER entries_no_update")
        for trigger, values in ((2, "{not json"), (3, "[1]"), (4, '{"top": [7, "x"]}'), (8, '{"top": 1}')):
            connection.execute(
                "UPDATE entries SET scores = ?, reasons = ?, health = ?, frames = ?, outcome = 'MAYBE', "
                "utc = 'now' WHERE trigger = ?",
                (values, values, values, values, trigger),
            )
    connection.close()
    index = opened(made)
    rows = index.newest(100)
    assert len(rows) == len(OUTCOMES)
    assert {row.outcome for row in rows if row.key.trigger in (2, 3, 4, 8)} == {Outcome.UNINSPECTED}
    index.close()


def test_lot_pattern_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="lot pattern"):
        PartIndex.open(tmp_path, tmp_path / "review", lot_pattern="(")
