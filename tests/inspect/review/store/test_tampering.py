"""The log edited, deleted, reordered, truncated, and tables edited behind its back: found and named."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from taktsight.cli import main
from taktsight.errors import LedgerError
from taktsight.inspect.review.people.accounts import Accounts
from taktsight.inspect.review.store.book import FILE, Book
from taktsight.inspect.review.store.chain import LogRow, digest_of_row
from taktsight.inspect.review.store.signing import digest_of_decision
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.tables import APPEND_ONLY, log, metadata
from taktsight.inspect.review.store.values import Choice
from taktsight.inspect.review.store.verify import verify

from .bench import CHEAP, PASSWORD, make_records, said, tamper


@pytest.fixture
def written(store: ReviewStore, accounts: Accounts, folder: Path) -> Path:
    """A store that everybody wrote to, closed: accounts in rows 2 to 7, then what they did."""
    first = store.decide("anna", said(1, note="clearly a reflection"))  # row 8
    second = store.decide("ben", said(3, Choice.CONFIRM))  # row 9
    store.undo("ben", second.id, "wrong key")  # row 10
    store.change_setting("dora", "claim_s", 60, "shorter")  # row 11
    accounts.authenticate("anna", PASSWORD, "10.0.0.1")  # row 12
    digest = digest_of_decision(store.book, first.id)
    store.sign("carl", PASSWORD, "reviewed", f"decision:{first.id}", digest or "")  # rows 13 and 14
    accounts.set_role("frank", "ben", accounts.of("carl").role, "promoted")  # type: ignore[union-attr]  # row 15
    store.decide("anna", said(5))  # row 16
    assert store.verify().is_whole
    store.close()
    return folder


def verified(folder: Path) -> tuple[int | None, str]:
    """Number of the first bad row, and what is said of it."""
    book = Book.read_only(folder)
    found = verify(book)
    book.close()
    return found.first_bad, found.fault or "whole"


def test_whole_log_is_whole(written: Path) -> None:
    assert verified(written) == (None, "whole")


@pytest.mark.parametrize("column", ["utc", "actor", "action", "subject", "new", "reason", "digest"])
def test_edited_row_is_named(written: Path, column: str) -> None:
    tamper(written, f"UPDATE log SET {column} = 'x' WHERE seq = 8")
    row, fault = verified(written)
    assert row == 8
    assert "log row 8 was changed" in fault


def test_row_edited_with_its_digest_worked_out_anew_is_found_at_the_next(written: Path) -> None:
    rewrite(written, 12, lambda row: LogRow(**asdict(row) | {"actor": "ben"}), last=12)
    assert verified(written) == (13, "log row 13 does not follow row 12: one of them was moved or replaced")


def test_decision_edited_with_its_digest_worked_out_anew_is_found_at_its_table(written: Path) -> None:
    rewrite(written, 8, lambda row: LogRow(**asdict(row) | {"actor": "ben"}), last=16)
    row, fault = verified(written)
    assert (row, "reviewer was changed" in fault) == (8, True)


def test_log_written_anew_from_its_first_row_is_found_by_what_was_signed(written: Path) -> None:
    rewrite(written, 1, lambda row: LogRow(**asdict(row) | {"reason": "x"}), last=16)
    assert verified(written) == (14, "log row 14: decision:8 is not what carl signed")


def test_log_written_anew_to_its_end_is_found_by_the_head_kept_apart(written: Path) -> None:
    rewrite(written, 12, lambda row: LogRow(**asdict(row) | {"reason": "x"}), last=16)
    row, fault = verified(written)
    assert row == 16
    assert "not the one that head.json knows" in fault


@pytest.mark.parametrize("seq", [1, 8, 15])
def test_deleted_row_is_named(written: Path, seq: int) -> None:
    tamper(written, f"DELETE FROM log WHERE seq = {seq}")
    assert verified(written) == (seq, f"log row {seq} is missing: row {seq + 1} comes next")


def test_rows_that_changed_places_are_named(written: Path) -> None:
    tamper(
        written,
        "UPDATE log SET seq = -8 WHERE seq = 8",
        "UPDATE log SET seq = 8 WHERE seq = 9",
        "UPDATE log SET seq = 9 WHERE seq = -8",
    )
    assert verified(written) == (8, "log row 8 does not follow row 7: one of them was moved or replaced")


@pytest.mark.parametrize("left", [15, 8, 1, 0])
def test_log_that_was_cut_off_is_named(written: Path, left: int) -> None:
    for table, column in (("log", "seq"), ("decisions", "id"), ("undos", "id"), ("signatures", "id")):
        tamper(written, f"DELETE FROM {table} WHERE {column} > {left}")
    row, fault = verified(written)
    assert row == left + 1
    assert f"log row {left + 1} is missing: the log was cut off, head.json knows 16 rows" in fault


def test_nothing_is_written_after_a_log_that_was_cut_off(written: Path) -> None:
    """Or the next decision would take the place of a row that was cut off, and hide that."""
    tamper(written, "DELETE FROM log WHERE seq > 12", "DELETE FROM decisions WHERE id > 12")
    store = ReviewStore.open(written, work=CHEAP)
    with pytest.raises(LedgerError, match=r"log row 16 is not the one that head\.json knows"):
        store.decide("anna", said(2))
    assert [decision.id for decision in store.decisions()] == [8, 9]
    store.close()


@pytest.mark.parametrize("content", [None, b"", b"[]", b'{"seq": "x", "digest": 3}'])
def test_head_that_is_gone_or_damaged_is_said(written: Path, content: bytes | None) -> None:
    (written / "head.json").unlink()
    if content is not None:
        (written / "head.json").write_bytes(content)
    assert verified(written)[1] != "whole"
    store = ReviewStore.open(written, work=CHEAP)
    with pytest.raises(LedgerError, match=r"head\.json"):
        store.decide("anna", said(2))
    store.close()


@pytest.mark.parametrize(
    ("statement", "row", "said"),
    [
        ("UPDATE decisions SET truth = 'spot' WHERE id = 8", 8, "truth was changed"),
        ("UPDATE decisions SET reviewer = 'ben' WHERE id = 16", 16, "reviewer was changed"),
        ("DELETE FROM decisions WHERE id = 16", 16, "lacks what log row 16 says"),
        ("UPDATE decisions SET id = 17 WHERE id = 16", 16, "lacks what log row 16 says"),
        ("DELETE FROM undos", 10, "lacks what log row 10 says"),
        ("INSERT INTO undos VALUES (8, 99, 'ben', '2030', 'x')", None, "row 99 was made by no row"),
        ("INSERT INTO undos VALUES (8, 2, 'ben', '2030', 'x')", 10, "row 2 was made by no row"),
        ("UPDATE signatures SET meaning = 'approved'", 14, "meaning was changed"),
        ("UPDATE signatures SET digest = 'f'", 14, "digest was changed"),
        ("UPDATE settings SET value = '3600.0'", 11, "setting 'claim_s' was changed"),
        ("INSERT INTO settings VALUES ('blind_share', '0.0')", None, "setting 'blind_share' was changed"),
        ("UPDATE accounts SET role = 'admin' WHERE key = 'ben'", 15, "account 'ben': role was changed"),
        ("UPDATE accounts SET enabled = 0 WHERE key = 'anna'", 2, "account 'anna': enabled was changed"),
        ("UPDATE accounts SET password = 'x' WHERE key = 'frank'", 7, "account 'frank': password was"),
        ("DELETE FROM accounts WHERE key = 'eva'", 6, "does not stand in the table"),
        (
            "INSERT INTO accounts SELECT 'm', 'mallory', '', 'admin', 1, password, '{}' FROM accounts "
            "WHERE key = 'ben'",
            None,
            "account 'mallory' does not stand in the log",
        ),
    ],
)
def test_table_that_was_edited_alone_is_found(
    written: Path, statement: str, row: int | None, said: str
) -> None:
    tamper(written, statement)
    found, fault = verified(written)
    assert (found, said in fault) == (row, True), fault


def test_any_value_that_is_changed_is_found(written: Path, tmp_path: Path) -> None:
    """Every column of every row of what lasts, one at a time."""
    unfound, tried = [], 0
    tamper(written)
    for table in (*APPEND_ONLY, metadata.tables["settings"], metadata.tables["accounts"]):
        columns = [column.name for column in table.c]
        for row in range(1, 1 + count(written, table.name)):
            for column in columns:
                copy = shutil.copytree(written, tmp_path / "copy")
                place = f"rowid = (SELECT rowid FROM {table.name} LIMIT 1 OFFSET {row - 1})"
                tamper(
                    copy, f"UPDATE {table.name} SET {column} = coalesce({column}, '') || 7 WHERE {place}"
                )
                if verified(copy) == (None, "whole"):
                    unfound.append((table.name, row, column))
                shutil.rmtree(copy)
                tried += 1
    assert unfound == []
    assert tried > 250


def test_damaged_file_is_whole_or_named_and_never_a_crash(written: Path, tmp_path: Path) -> None:
    chance = random.Random(4)
    faults = 0
    content = (written / FILE).read_bytes()
    for _ in range(100):
        copy = shutil.copytree(written, tmp_path / "copy")
        damaged = bytearray(content)
        start = chance.randrange(100, len(damaged) - 400)
        damaged[start : start + 400] = chance.randbytes(400)
        (copy / FILE).write_bytes(damaged)
        faults += verified(copy) != (None, "whole")
        shutil.rmtree(copy)
    assert faults > 10


def count(folder: Path, table: str) -> int:
    with closing(sqlite3.connect(folder / FILE)) as connection:
        rows: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return rows


def test_store_that_was_killed_before_its_first_head_goes_on(tmp_path: Path) -> None:
    make_records(tmp_path)
    ReviewStore.open(tmp_path / "review").close()
    (tmp_path / "review" / "head.json").unlink()
    store = ReviewStore.open(tmp_path / "review")
    store.decide("anna", said(1))
    assert store.verify().is_whole
    store.close()


def test_ledger_verify_names_the_first_bad_row_of_either(
    written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = str(written.parent)
    assert main(["ledger", "verify", records]) == 0
    assert "review whole: 16 rows, 1 signatures, head " in capsys.readouterr().out
    tamper(written, "UPDATE log SET reason = 'x' WHERE seq = 10")
    assert main(["ledger", "verify", records]) == 1
    assert "review.sqlite: log row 10 was changed: undo of" in capsys.readouterr().err


def test_ledger_verify_says_that_the_file_is_gone(
    written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (written / FILE).unlink()
    assert main(["ledger", "verify", str(written.parent)]) == 1
    assert "is gone, or never was there" in capsys.readouterr().err


def test_rows_of_the_log_have_the_columns_of_its_table() -> None:
    assert [field.name for field in fields(LogRow)] == list(log.c.keys())


def test_tables_are_those_of_postgresql_too() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own gap
    for table in metadata.sorted_tables:
        assert str(CreateTable(table).compile(dialect=dialect)).strip().startswith("CREATE TABLE")
        assert all("CREATE" in str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes)


def rewrite(folder: Path, seq: int, edit: Callable[[LogRow], LogRow], last: int) -> None:
    """Edits a row and works out the digests anew from there to ``last``, as one would who knows how."""
    tamper(folder)
    with closing(sqlite3.connect(folder / FILE)) as connection:
        previous = None
        for number in range(seq, last + 1):
            found = connection.execute("SELECT * FROM log WHERE seq = ?", (number,)).fetchone()
            row = LogRow(*found)
            row = edit(row) if number == seq else row
            row = replace(row, previous=previous or row.previous)
            previous = digest_of_row(row)
            values = {**asdict(row), "digest": previous}
            named = ", ".join(f"{key} = :{key}" for key in values)
            connection.execute(f"UPDATE log SET {named} WHERE seq = :seq", values)
        connection.commit()
