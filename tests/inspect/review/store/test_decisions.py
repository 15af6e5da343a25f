"""What people say of parts, and what stands in the end."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from taktsight.errors import ReviewError
from taktsight.inspect.review.people.accounts import Accounts
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.tables import APPEND_ONLY
from taktsight.inspect.review.store.values import Choice, Conflict, Mark, PartKey, Why

from .bench import RUN, Clock, said

REJECT, PASS, REVIEW, UNINSPECTED = 1, 2, 3, 4
MARK = Mark("top", "dent", (10, 20, 30, 40), "Pb1")


@pytest.mark.parametrize(
    ("part", "choice", "label", "truth"),
    [
        (REJECT, Choice.CONFIRM, None, "spot"),
        (REJECT, Choice.CONFIRM, "dent", "dent"),
        (REJECT, Choice.FALSE_REJECT, None, "good"),
        (REVIEW, Choice.CONFIRM, None, "scratch"),
        (PASS, Choice.CONFIRM, None, "good"),
        (PASS, Choice.MISSED_DEFECT, "dent", "dent"),
        (UNINSPECTED, Choice.FALSE_REJECT, None, "good"),
        (UNINSPECTED, Choice.CONFIRM, "dent", "dent"),
        (REJECT, Choice.ESCALATE, None, None),
        (REJECT, Choice.SKIP, None, None),
    ],
)
def test_truth_of_a_part_is_what_was_said_of_its_verdict(
    store: ReviewStore, part: int, choice: Choice, label: str | None, truth: str | None
) -> None:
    assert store.decide("anna", said(part, choice, label=label)).truth == truth
    assert store.latest_truth(PartKey(RUN, part)) == truth


@pytest.mark.parametrize(("part", "choice"), [(PASS, Choice.MISSED_DEFECT), (UNINSPECTED, Choice.CONFIRM)])
def test_defect_that_nobody_names_is_no_decision(store: ReviewStore, part: int, choice: Choice) -> None:
    with pytest.raises(ReviewError, match="say which defect it has, or that it is good"):
        store.decide("anna", said(part, choice))
    assert store.decisions() == []


def test_decision_is_read_back_as_it_was_made(store: ReviewStore, folder: Path) -> None:
    new = said(PASS, Choice.MISSED_DEFECT, note="näher\ndran \udc80", marks=(MARK,), shown_ms=812)
    made = store.decide("anna", new)
    store.close()
    again = ReviewStore.open(folder)
    found = again.decisions_of(new.part)
    again.close()
    assert found == (made,)
    assert (made.reviewer, made.truth, made.marks, made.shown_ms) == ("anna", "dent", (MARK,), 812)
    assert made.note == "näher\ndran \\udc80"
    assert made.frames == {"top": f"{PASS:064x}"}


def test_part_that_the_ledger_does_not_know_cannot_be_decided(store: ReviewStore) -> None:
    with pytest.raises(ReviewError, match=f"{RUN}:99 has no verdict"):
        store.decide("anna", said(99))


def test_mark_on_a_view_that_the_part_does_not_have_is_refused(store: ReviewStore) -> None:
    with pytest.raises(ReviewError, match="has no view side"):
        store.decide("anna", said(REJECT, marks=(Mark("side", "dent", (1, 1, 2, 2)),)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"box_px": (5, 5, 5, 9)},
        {"box_px": (-1, 0, 5, 9)},
        {"box_px": (0, 0, 5)},
        {"label": "good"},
        {"label": " "},
        {"label": "a|b"},
        {"brush_rle": "a b"},
        {"brush_rle": "0" * ((1 << 20) + 1)},
    ],
)
def test_mark_that_is_none_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ReviewError):
        Mark(**({"view": "top", "label": "dent", "box_px": (0, 0, 1, 1)} | wrong))  # type: ignore[arg-type]


def test_same_request_twice_is_one_decision(store: ReviewStore) -> None:
    new = said(REJECT)
    first = store.decide("anna", new)
    assert store.decide("anna", new) == first
    assert store.decisions() == [first]
    with pytest.raises(ReviewError, match="was another decision"):
        store.decide("ben", new)


def test_second_reviewer_is_told_what_the_first_decided(store: ReviewStore) -> None:
    first = store.decide("anna", said(REJECT))
    with pytest.raises(Conflict, match="anna decided false_reject") as conflict:
        store.decide("ben", said(REJECT, Choice.CONFIRM))
    assert conflict.value.other == first
    assert store.latest_truth(first.part) == "good"
    second = store.decide("ben", said(REJECT, Choice.CONFIRM, seen=first.id))
    assert store.latest_truth(first.part) == "spot"
    assert store.log()[-1].old == f'{{"decision":{first.id},"truth":"good"}}'
    assert [decision.id for decision in store.decisions_of(first.part)] == [first.id, second.id]


def test_blind_opinion_conflicts_with_none_and_takes_no_ones_place(store: ReviewStore) -> None:
    first = store.decide("anna", said(REJECT))
    blind = store.decide("ben", said(REJECT, Choice.CONFIRM, blind=True, why=Why.SECOND))
    assert store.latest_truth(first.part) == "good"
    third = store.decide("anna", said(REJECT, Choice.CONFIRM))
    assert [one.id for one in store.decisions_of(first.part)] == [first.id, blind.id, third.id]


def test_known_part_measures_the_reviewer_and_changes_no_truth(store: ReviewStore) -> None:
    store.decide("anna", said(REJECT, Choice.CONFIRM))
    store.decide("ben", said(REJECT, why=Why.KNOWN, blind=True))
    assert store.latest_truth(PartKey(RUN, REJECT)) == "spot"


def test_who_skips_decides_nothing(store: ReviewStore) -> None:
    store.decide("anna", said(REJECT))
    store.decide("ben", said(REJECT, Choice.SKIP))
    store.decide("carl", said(PASS, Choice.SKIP))
    store.decide("ben", said(PASS, Choice.CONFIRM))
    assert store.latest_truth(PartKey(RUN, REJECT)) == "good"
    assert store.latest_truth(PartKey(RUN, PASS)) == "good"


def test_undo_is_a_new_entry_and_the_decision_before_stands_again(store: ReviewStore) -> None:
    first = store.decide("anna", said(REJECT))
    second = store.decide("anna", said(REJECT, Choice.CONFIRM))
    undone = store.undo("anna", second.id, "slipped")
    assert store.latest_truth(first.part) == "good"
    row = store.log()[-1]
    assert (row.action, row.reason, row.seq) == ("undo", "slipped", undone.undone_by)
    assert [decision.id for decision in store.decisions()] == [first.id, second.id]
    assert store.undo("anna", second.id, "sent again") == undone
    assert [seq for seq, _ in store.changes()] == [first.id, second.id, undone.undone_by]
    assert store.verify().is_whole


def test_only_a_supervisor_undoes_what_somebody_else_decided(
    store: ReviewStore, accounts: Accounts
) -> None:
    decision = store.decide("anna", said(REJECT))
    for other in ("ben", "dora", "eva", "frank", "nobody"):
        with pytest.raises(ReviewError, match="is anna's; a supervisor may undo it"):
            store.undo(other, decision.id, "no")
    assert store.undo("carl", decision.id, "wrong part").undone_by == store.log()[-1].seq
    accounts.disable("frank", "carl")
    second = store.decide("anna", said(REVIEW))
    with pytest.raises(ReviewError, match="a supervisor may undo it"):
        store.undo("carl", second.id, "has left")
    with pytest.raises(ReviewError, match="no decision 4711"):
        store.undo("anna", 4711, "")


def test_nothing_that_was_written_can_be_changed(store: ReviewStore, accounts: Accounts) -> None:
    decision = store.decide("anna", said(REJECT))
    store.undo("anna", decision.id, "slipped")
    for table in APPEND_ONLY[:3]:
        for statement in (f"UPDATE {table.name} SET utc = ''", f"DELETE FROM {table.name}"):
            with (
                store.book._engine.connect() as connection,
                pytest.raises(DatabaseError, match="are append-only"),
            ):
                connection.execute(sa.text(statement))
    assert store.verify().is_whole


def test_claim_tells_who_looks_at_a_part_and_lasts_a_while(store: ReviewStore, clock: Clock) -> None:
    part = PartKey(RUN, REJECT)
    assert store.claim("anna", part) is None
    assert store.claim("ben", part) == "anna"
    assert store.claim("anna", part) is None
    assert store.claim("ben", PartKey(RUN, PASS)) is None
    clock.pass_by(seconds=121)
    assert store.claim("ben", part) is None
    clock.pass_by(hours=-5)  # a clock that is put right must not make a claim last
    assert store.claim("anna", part) is None


def test_setting_is_changed_with_a_reason_and_within_bounds(store: ReviewStore) -> None:
    assert store.settings().blind_share == 0.05
    store.change_setting("dora", "blind_share", 0.1, "new people")
    assert store.settings().blind_share == 0.1
    row = store.log()[-1]
    assert (row.actor, row.subject, row.old, row.new, row.reason) == (
        "dora",
        "blind_share",
        "0.05",
        "0.1",
        "new people",
    )
    for key, value in (("blind_share", 0.01), ("claim_s", float("nan")), ("colour", 1), ("idle_min", True)):
        with pytest.raises(ReviewError, match="setting"):
            store.change_setting("dora", key, value, "")
    assert store.verify().is_whole


def test_note_takes_no_action_that_the_store_writes_itself(store: ReviewStore) -> None:
    store.note("dora", "plan study", "study:1", None, {"parts": 50}, "before the audit")
    assert store.log()[-1].new == '{"parts":50}'
    for action in ("decide", "set role", "log in", "sign"):
        with pytest.raises(ValueError, match="is written by what does it"):
            store.note("dora", action, "anna", None, None, "")


def test_secret_is_kept_and_nobody_elses_to_read(store: ReviewStore, folder: Path) -> None:
    secret = store.book.secret()
    assert len(secret) == 32
    assert store.book.secret() == secret
    assert {(folder / name).stat().st_mode & 0o077 for name in ("secret.key", "review.sqlite")} == {0}
