"""The benchmark's records are such as following a ledger makes; searches say what they left out."""

from __future__ import annotations

from pathlib import Path

from taktsight.benchmarks.review_speed.finding import LOT_PATTERN, measure_finding
from taktsight.benchmarks.review_speed.many_parts import write_many
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.rows import Filters
from taktsight.inspect.review.parts.search import find
from taktsight.records import Outcome


def test_index_that_is_written_is_that_which_following_makes(tmp_path: Path) -> None:
    write_many(tmp_path, 700)
    written = PartIndex.open(tmp_path, tmp_path / "review", lot_pattern=LOT_PATTERN)
    followed = PartIndex.open(tmp_path, tmp_path / "other", lot_pattern=LOT_PATTERN)
    assert written.follow() == 0
    assert followed.follow() == 700
    columns = "seq, run, trigger, serial, at, outcome, lot IS NOT NULL, other, is_waiting"
    for query in (f"SELECT {columns} FROM parts", "SELECT name, station, first, last FROM runs"):
        with written.connections.one() as one, followed.connections.one() as other:
            assert list(map(tuple, one.execute(query))) == list(map(tuple, other.execute(query)))
    written.close()
    followed.close()


def test_search_that_ended_before_the_end_goes_on_where_it_was(tmp_path: Path) -> None:
    write_many(tmp_path, 2000)
    index = PartIndex.open(tmp_path, tmp_path / "review", lot_pattern=LOT_PATTERN)
    rejects = Filters(serial="L", outcomes=frozenset({Outcome.REJECT}))
    seen: list[int] = []
    after, rounds = None, 0
    with index.connections.one() as connection:
        while True:
            hits = find(connection, rejects, most=50, after=after, scanned=300)
            seen += hits.seqs
            rounds += 1
            after = hits.next
            if after is None:
                break
    assert rounds == 7
    assert seen == [number + 1 for number in range(17, 2000, 100)]
    index.close()


def test_measuring_finds_what_it_looks_for(tmp_path: Path) -> None:
    found = measure_finding(tmp_path, 6000, rounds=2)
    assert found["waiting"] == 180
    assert set(found["search_ms"]["exact"]) == {"p50", "p95", "max"}
