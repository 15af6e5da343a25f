"""The queue gives each reviewer the parts that are worth it, each once, and blind ones in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from taktsight.errors import ReviewError
from taktsight.inspect.review.parts.doubles import block_of, is_turn
from taktsight.inspect.review.parts.review_queue import Queue
from taktsight.inspect.review.parts.rows import EVERY, Filters
from taktsight.inspect.review.parts.tables import FILE
from taktsight.inspect.review.store.settings import Settings
from taktsight.inspect.review.store.values import Choice, PartKey, Why
from taktsight.quality.drift_records import DriftRecord, clear
from taktsight.quality.drift_reference import Place
from taktsight.records import Outcome

from ..records import OUTCOMES, PASS, REJECT, STARTED, MadeRecords, make_records
from .people import Bench, remove

QUIET = replace(Settings(), known_share=0.0)
"""Without known parts, which come in between."""


@pytest.fixture
def bench(made: MadeRecords) -> Iterator[Bench]:
    """Twelve parts, of which five were flagged."""
    opened = Bench(made, settings=QUIET)
    yield opened
    opened.close()


def triggers(bench: Bench, filters: Filters = EVERY) -> list[int]:
    return [item.part.key.trigger for item in bench.queue.page(filters).items]


def key(bench: Bench, trigger: int) -> PartKey:
    return PartKey(bench.made.runs[0], trigger)


def test_flagged_parts_wait_until_somebody_decides(bench: Bench) -> None:
    page = bench.queue.page()
    flagged = {place for place, outcome in enumerate(OUTCOMES, start=1) if outcome is not PASS}
    assert {item.part.key.trigger for item in page.items} == flagged
    assert (page.total, page.next) == (5, None)
    bench.decide("ann", key(bench, 2))
    assert 2 not in triggers(bench)
    decision = bench.decide("ann", key(bench, 8), "spot")
    assert 8 not in triggers(bench)
    bench.store.undo("ann", decision.id, "slipped")
    assert 8 in triggers(bench), "undone is undecided again"
    bench.decide("ann", key(bench, 4), None, choice=Choice.ESCALATE)
    assert 4 in triggers(bench), "escalated is undecided"


def test_each_part_says_why_it_waits_and_what_orders_it(bench: Bench) -> None:
    items = {item.part.key.trigger: item for item in bench.queue.page().items}
    assert {trigger: item.whys for trigger, item in items.items()} == {
        2: (Why.REJECT,),
        4: (Why.REVIEW,),
        6: (Why.UNINSPECTED,),
        8: (Why.REJECT,),
        10: (Why.REVIEW,),
    }
    for item in items.values():
        assert item.priority == pytest.approx(item.p_wrong * item.cost * item.age)
        assert 0 <= item.p_wrong <= 1
        assert item.age == pytest.approx(4, abs=0.01), "three days old"
    assert items[4].cost == 100
    assert items[2].cost == 1
    assert items[6].p_wrong == 0.5, "nobody judged it"


def test_the_less_certain_of_two_rejects_comes_first(bench: Bench) -> None:
    items = [item for item in bench.queue.page().items if item.why is Why.REJECT]
    scores = [item.part.scores["top"]["spot"] for item in items]
    assert scores == sorted(scores), "a reject just above the limit is the likelier overkill"


def test_decisions_teach_which_scores_are_wrong(tmp_path: Path) -> None:
    made = make_records(tmp_path, [REJECT] * 60)
    bench = Bench(made, settings=QUIET)
    before = {item.part.key: item.p_wrong for item in bench.queue.page(most=60).items}
    for part in made.parts[:40]:
        bench.decide("ann", PartKey(part.run, part.trigger), "good")
    after = {item.part.key: item.p_wrong for item in bench.queue.page(most=60).items}
    assert len(after) == 20
    assert all(after[name] > before[name] for name in after), "forty rejects were all good"
    bench.close()


def test_quotas_hold_over_what_was_decided(tmp_path: Path) -> None:
    outcomes = [REJECT] * 30 + [Outcome.REVIEW] * 30 + [Outcome.UNINSPECTED] * 30
    bench = Bench(make_records(tmp_path, outcomes), settings=QUIET)
    # Rejects 0.3, reviews 0.25, uninspected 0.1 of those that are there.
    first = Counter(item.why for item in bench.queue.page(most=26).items)
    assert first == {Why.REJECT: 12, Why.REVIEW: 10, Why.UNINSPECTED: 4}
    for item in bench.queue.page(most=13).items:
        bench.decide("ann", item.part.key, why=item.why)
    rest = Counter(item.why for item in bench.queue.page(most=13).items)
    assert first == rest + Counter({Why.REJECT: 6, Why.REVIEW: 5, Why.UNINSPECTED: 2})
    bench.close()


def test_pages_hold_each_part_once(tmp_path: Path) -> None:
    bench = Bench(make_records(tmp_path, OUTCOMES * 4), settings=QUIET)
    seen, after = [], None
    while True:
        page = bench.queue.page(after=after, most=3)
        seen += [item.part.key.trigger for item in page.items]
        after = page.next
        if after is None:
            break
    assert sorted(seen) == sorted({*seen})
    assert len(seen) == page.total == 20
    assert seen == triggers(bench)
    for odd in ("x", "-1", "99999999999", "5; DROP", ""):
        bench.queue.page(after=odd)
    bench.close()


def test_filters_restrict_the_queue(bench: Bench) -> None:
    assert sorted(triggers(bench, Filters(outcomes=frozenset({REJECT})))) == [2, 8]
    assert sorted(triggers(bench, Filters(label="spot"))) == [2, 4, 8, 10]
    assert triggers(bench, Filters(label="scratch")) == triggers(bench, Filters(lot="7")) == []
    assert triggers(bench, Filters(serial="l05-00004")) == [4]
    assert triggers(bench, Filters(station="press 5")) == []
    assert triggers(bench, Filters(since=STARTED + timedelta(seconds=19))) == [10]
    assert len(triggers(bench, Filters(run=bench.made.runs[0]))) == 5


def test_two_reviewers_get_different_parts(bench: Bench) -> None:
    first, second = bench.queue.next_for("ann"), bench.queue.next_for("ben")
    assert first is not None
    assert second is not None
    assert first.part.key != second.part.key
    again = bench.queue.next_for("ann")
    assert again is not None
    assert again.part.key == first.part.key, "until ann has decided"


def test_whoever_skips_or_escalates_a_part_is_not_offered_it_again(bench: Bench) -> None:
    seen = []
    while (item := bench.queue.next_for("ann")) is not None:
        seen.append(item.part.key.trigger)
        choice = Choice.ESCALATE if len(seen) % 2 else Choice.SKIP
        bench.decide("ann", item.part.key, None, why=item.why, choice=choice)
    assert sorted(seen) == [2, 4, 6, 8, 10]
    assert len(triggers(bench)) == 5, "they wait for somebody else"


def test_same_store_and_index_give_the_same_queue(bench: Bench) -> None:
    for trigger in (2, 4):
        bench.decide("ann", key(bench, trigger))
    before = bench.queue.page()
    bench.close()
    remove(bench.made.folder / "review" / FILE)
    again = Bench(bench.made, settings=QUIET)
    assert again.queue.page() == before
    again.close()
    bench.__init__(bench.made, settings=QUIET)  # type: ignore[misc]  # the fixture closes it


def test_those_who_disagree_are_asked_to_settle_it(bench: Bench) -> None:
    bench.decide("ann", key(bench, 2), "good")
    bench.decide("ben", key(bench, 2), "spot", why=Why.SECOND, blind=True)
    (disputed,) = (item for item in bench.queue.page().items if item.part.key.trigger == 2)
    assert disputed.why is Why.DISAGREEMENT
    assert disputed.p_wrong == 0.5
    bench.decide("eve", key(bench, 2), "spot", why=Why.DISAGREEMENT)
    assert 2 not in triggers(bench)


def test_known_part_that_a_reviewer_gets_wrong_is_no_dispute(bench: Bench) -> None:
    bench.decide("ann", key(bench, 2), "good")
    bench.decide("ben", key(bench, 2), "spot", why=Why.KNOWN, blind=True)
    assert 2 not in triggers(bench)


def test_audit_list_puts_passed_parts_into_the_queue(bench: Bench) -> None:
    drawn = bench.queue.audits.draw("week-2", 4, seed=7, run=bench.made.runs[0])
    waiting = [item for item in bench.queue.page().items if item.why is Why.AUDIT]
    assert sorted(str(item.part.key) for item in waiting) == sorted(each.part for each in drawn)
    assert all(item.part.outcome is PASS and item.cost == 100 for item in waiting)
    bench.decide("ann", waiting[0].part.key, "spot", why=Why.AUDIT)
    (progress,) = bench.queue.audit_progress()
    assert (progress.drawn, progress.decided, progress.defective) == (4, 1, 1)
    (stratum,) = progress.strata
    assert (stratum.passed, stratum.audited, stratum.defective) == (7, 1, 1)
    assert len(triggers(bench)) == 8
    (bench.made.folder / "review" / "audits" / "week-2.csv").unlink()
    assert len(triggers(bench)) == 5, "the list is gone"


def test_audit_list_that_is_none_is_left_out(bench: Bench) -> None:
    folder = bench.made.folder / "review" / "audits"
    folder.mkdir()
    for name, content in (
        ("a", b"\xff\xfe\x00"),
        ("b", b"part,stratum\nx"),
        ("c", b""),
        ("d", b"part\n:\n"),
    ):
        (folder / f"{name}.csv").write_bytes(content)
    assert len(triggers(bench)) == 5


def test_parts_since_an_alarm_of_drift_wait_until_it_is_cleared(bench: Bench) -> None:
    run = bench.made.runs[0]
    record = DriftRecord(
        station="press 4",
        bundle="b",
        recipe="r",
        reference="0" * 64,
        detector="cusum",
        what="score spot",
        view="top",
        since=Place(run=run, trigger=9),
        at=Place(run=run, trigger=12),
        utc="2026-01-05T06:01:00+00:00",
        cause="unknown",
        said="scores rose",
        look_into="the lamp",
    )
    folder = bench.made.folder / "drift"
    folder.mkdir()
    (folder / f"alarm-{record.name}.json").write_text(record.model_dump_json(indent=1))
    items = {item.part.key.trigger: item for item in bench.queue.page().items}
    assert set(items) == {2, 4, 6, 8, 9, 10, 11, 12}
    assert items[10].whys == (Why.DRIFT, Why.REVIEW)
    assert items[9].p_wrong == 0.5
    clear(bench.made.folder, record.name, by="ann", why="lamp replaced", utc=record.utc)
    assert sorted(triggers(bench)) == [2, 4, 6, 8, 10]


def decide_all(
    bench: Bench, reviewers: tuple[str, ...], rounds: int
) -> list[tuple[str, PartKey, Why, bool]]:
    """Reviewers decide in turn what the queue gives them; they always agree."""
    made = []
    for place in range(rounds):
        reviewer = reviewers[place % len(reviewers)]
        item = bench.queue.next_for(reviewer)
        if item is None:
            continue
        made.append((reviewer, item.part.key, item.why, item.is_blind))
        again = bench.queue.item(reviewer, item.part.key)
        assert again is not None
        assert (again.why, again.is_blind) == (item.why, item.is_blind), "a form need not carry it"
        if item.part.seq:  # the ledger does not know golden samples
            bench.decide(reviewer, item.part.key, "good", why=item.why, blind=item.is_blind)
    return made


def test_a_twentieth_comes_back_blind_to_somebody_else(tmp_path: Path) -> None:
    bench = Bench(make_records(tmp_path, [REJECT] * 125, views=("top",), size_px=(32, 32)), settings=QUIET)
    made = decide_all(bench, ("ann", "ben"), 130)
    firsts = {part: reviewer for reviewer, part, why, _ in made if why is Why.REJECT}
    seconds = [(reviewer, part, blind) for reviewer, part, why, blind in made if why is Why.SECOND]
    assert all(blind and firsts[part] != reviewer for reviewer, part, blind in seconds)
    again = Counter(part for _, part, _ in seconds)
    order = list(firsts)
    for begun in range(0, 80, 20):  # blocks that ended two blocks ago
        assert sum(again[part] for part in order[begun : begun + 20]) == 1
    assert all(item.why is not Why.SECOND for item in bench.queue.page(most=200).items)
    bench.close()


def test_known_parts_come_in_between_and_look_like_blind_doubles(tmp_path: Path) -> None:
    settings = replace(Settings(), known_share=0.1)
    made = make_records(tmp_path, [REJECT] * 60, views=("top",), size_px=(64, 64))
    bench = Bench(made, with_golden=True, settings=settings)
    seen = []
    for _ in range(40):
        item = bench.queue.next_for("ann")
        assert item is not None
        seen.append(item)
        if not item.part.seq:
            break
        bench.decide("ann", item.part.key, "good", why=item.why, blind=item.is_blind)
    known = seen[-1]
    assert known.why is Why.KNOWN
    assert (known.shown, known.is_blind) == (Why.SECOND, True)
    assert known.truth in ("good", "spot")
    assert known.part.key.run == made.runs[0], "its name is like any other's"
    assert known.part.key.trigger > len(made.parts), "and nobody else's"
    assert all(frame.image_id for frame in known.part.frames.values())
    assert known.part.serial is not None
    assert known.part.serial.startswith("L05-000")
    judged = bench.queue.known.judged(known.part.key)
    assert judged is not None
    assert judged.outcome == known.part.outcome.value
    said = bench.decide("ann", known.part.key, known.truth, why=Why.KNOWN, blind=True)
    assert said.truth == known.truth
    assert bench.store.latest_truth(known.part.key) is None, (
        "it says something of the reviewer, not of a part"
    )
    with pytest.raises(ReviewError, match="is a golden sample"):
        bench.decide("ann", known.part.key, known.truth, why=Why.REJECT)
    following = bench.queue.next_for("ann")
    assert following is not None
    assert following.part.seq, "its turn is over"
    assert bench.store.verify().is_whole
    bench.close()


def test_parts_on_which_people_agree_become_known_ones_for_others(bench: Bench) -> None:
    bench.decide("ann", key(bench, 2), "spot")
    bench.decide("ben", key(bench, 2), "spot", why=Why.SECOND, blind=True)
    settings = replace(Settings(), known_share=0.5)
    queue = Queue(bench.index, bench.store, settings)
    served = {}
    for count in range(4):
        item = queue.next_for("eve")
        if item is not None and item.why is Why.KNOWN:
            served[count] = item
        other = (4, 6, 8, 10)[count]
        bench.decide("eve", key(bench, other), None, choice=Choice.SKIP)
    assert served
    assert all((item.part.key.trigger, item.truth) == (2, "spot") for item in served.values())
    assert queue.item("ann", key(bench, 2)) is not None


def test_one_of_each_block_is_chosen() -> None:
    for share in (0.02, 0.05, 0.3, 1.0):
        block = block_of(share)
        chosen = sum(is_turn(b"secret", "second", number, block) for number in range(block * 40))
        assert chosen == 40
        assert 1 / block >= share


def test_part_that_nobody_knows_has_no_item(bench: Bench) -> None:
    assert bench.queue.item("ann", PartKey("R", 1)) is None
    passed = bench.queue.item("ann", key(bench, 1))
    assert passed is not None
    assert passed.why is Why.AUDIT, "a passed part that somebody opens is looked at once more"
