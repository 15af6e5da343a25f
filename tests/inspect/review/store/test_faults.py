"""Kills, locks, a full disk, and many who write at the same time: nothing acknowledged is lost."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from taktsight.errors import LedgerError
from taktsight.inspect.ledger import FILE as LEDGER
from taktsight.inspect.review.store import book as book_module
from taktsight.inspect.review.store.book import FILE
from taktsight.inspect.review.store.head import read_head
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.values import Choice, Conflict, PartKey

from .bench import RUN, said

WRITER = Path(__file__).with_name("killed_writer.py")
MOMENTS = 50


def test_kill_at_fifty_moments_loses_nothing_that_was_acknowledged(folder: Path) -> None:
    command = [sys.executable, "-W", "error", str(WRITER), str(folder), RUN, f"{MOMENTS}", "7"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=280, check=True)
    assert ended.stderr == ""
    told = ended.stdout.splitlines()
    assert told.count("killed") == MOMENTS
    acknowledged = {int(line.split()[0]): line.split()[1] for line in told if line[0].isdigit()}
    undone = {int(line.split()[1]): int(line.split()[2]) for line in told if line.startswith("undone")}
    assert len(acknowledged) >= MOMENTS // 2
    store = ReviewStore.open(folder)
    kept = {decision.id: decision for decision in store.decisions(most=1_000_000)}
    assert {number: kept[number].request_id for number in acknowledged} == acknowledged
    assert {number: kept[number].undone_by for number in undone} == undone
    assert store.verify().is_whole
    store.decide("anna", said(1))
    assert store.verify().is_whole
    store.close()


@contextmanager
def locked(file: Path) -> Iterator[sqlite3.Connection]:
    """Another program holds the write lock."""
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def test_decision_waits_for_a_lock_that_ends(store: ReviewStore, folder: Path) -> None:
    with locked(folder / FILE) as other:
        release = threading.Timer(1.0, lambda: other.execute("COMMIT"))
        release.start()
        decision = store.decide("anna", said(1))
        release.join()
    assert store.decisions() == [decision]
    assert store.verify().is_whole


def test_lock_that_does_not_end_is_said_and_the_decision_can_be_sent_again(
    store: ReviewStore, folder: Path
) -> None:
    """The ten seconds in full: what was to be written is not, and is not half there."""
    new = said(1)
    with locked(folder / FILE):
        with pytest.raises(
            LedgerError, match=r"is locked by another program for 10 s; nothing was written"
        ):
            store.decide("anna", new)
        assert store.decisions() == []  # who reads does not wait
    decision = store.decide("anna", new)
    assert store.decisions() == [decision]
    assert store.verify().is_whole


def test_ledger_that_the_line_holds_delays_no_decision(
    store: ReviewStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with locked(folder.parent / LEDGER):
        assert store.decide("anna", said(1)).truth == "good"


def test_head_that_cannot_be_written_is_said_and_the_decision_is_there(
    store: ReviewStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = said(1)

    def full(*_: object) -> None:
        raise LedgerError("head.json: cannot be written: no space left")

    with monkeypatch.context() as patched:
        patched.setattr(book_module, "advance_head", full)
        with pytest.raises(LedgerError, match="no space left"):
            store.decide("anna", new)
    again = store.decide("anna", new)
    assert store.decisions() == [again]
    store.decide("anna", said(2))
    head = read_head(folder)
    assert head is not None
    assert (head.seq, store.verify().is_whole) == (store.log()[-1].seq, True)


def test_eight_threads_and_one_part_make_one_decision_and_seven_conflicts(store: ReviewStore) -> None:
    outcomes: list[str] = []

    def review(name: str) -> None:
        try:
            store.decide(name, said(1, Choice.CONFIRM))
        except Conflict:
            outcomes.append("conflict")
        else:
            outcomes.append("decided")

    join(threading.Thread(target=review, args=(f"reviewer{number}",)) for number in range(8))
    assert sorted(outcomes) == ["conflict"] * 7 + ["decided"]


def test_same_request_from_many_threads_is_one_decision(store: ReviewStore) -> None:
    new = said(1)
    ids: list[int] = []
    join(threading.Thread(target=lambda: ids.append(store.decide("anna", new).id)) for _ in range(8))
    assert len(ids) == 8
    assert len(set(ids)) == len(store.decisions()) == 1


def test_claims_of_many_at_the_same_moment_go_to_one(store: ReviewStore) -> None:
    others: list[str | None] = []
    part = PartKey(RUN, 1)
    join(
        threading.Thread(target=lambda name=f"reviewer{number}": others.append(store.claim(name, part)))
        for number in range(8)
    )
    assert others.count(None) == 1
    assert len(set(others)) == 2


PROGRAM = """
import sys, uuid
from pathlib import Path
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.values import Choice, Conflict, NewDecision, PartKey, Why
store = ReviewStore.open(Path(sys.argv[1]))
done = 0
for number in range(40):
    part = PartKey(sys.argv[2], 1 + number % 8)
    while True:
        seen = max((one.id for one in store.decisions_of(part)), default=0)
        request = str(uuid.uuid4())
        new = NewDecision(part, Choice.FALSE_REJECT, None, "", (), Why.REJECT, False, request, seen)
        try:
            store.decide(sys.argv[3], new)
        except Conflict:
            continue
        break
    store.claim(sys.argv[3], part)
store.close()
"""


def test_four_processes_write_one_chain(folder: Path) -> None:
    """They open a store that is not there yet at the same moment, too."""
    commands = [[sys.executable, "-W", "error", "-c", PROGRAM, str(folder), RUN, f"r{n}"] for n in range(4)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]
    said_by = [process.communicate(timeout=200)[1] for process in running]
    assert [process.returncode for process in running] == [0] * 4, said_by
    store = ReviewStore.open(folder)
    made = store.decisions()
    assert sorted(one.reviewer for one in made) == sorted(
        f"r{number}" for number in range(4) for _ in range(40)
    )
    assert store.verify().rows == 161
    assert store.verify().is_whole
    store.close()


def join(threads: Iterator[threading.Thread]) -> None:
    started = list(threads)
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
