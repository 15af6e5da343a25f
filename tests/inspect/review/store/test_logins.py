"""Who gets in, who does not, and what nobody can find out by trying."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from taktsight.errors import ReviewError
from taktsight.inspect.review.people import passwords as passwords_module
from taktsight.inspect.review.people.accounts import Accounts, LoginRefused
from taktsight.inspect.review.people.limits import keys_of
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.tables import accounts as accounts_table

from .bench import PASSWORD, Clock

pytest.importorskip("argon2")
HERE = "10.0.0.7"


def refused(
    accounts: Accounts, name: str, password: str = "not the password", address: str = HERE
) -> LoginRefused:
    with pytest.raises(LoginRefused) as error:
        accounts.authenticate(name, password, address)
    return error.value


def test_who_knows_the_password_gets_in_however_the_name_is_written(accounts: Accounts) -> None:
    assert accounts.authenticate("  ANNA", PASSWORD, HERE).name == "anna"
    assert refused(accounts, "anna", PASSWORD + "x").wait_s == 0


def test_password_is_kept_as_argon2id_and_stands_in_no_log(store: ReviewStore, accounts: Accounts) -> None:
    accounts.authenticate("anna", PASSWORD, HERE)
    refused(accounts, "anna", "a wrong password")
    with store.book.reading() as connection:
        kept = connection.execute(sa.select(accounts_table.c.password)).scalars().all()
    assert all(digest.startswith("$argon2id$") for digest in kept)
    assert len(set(kept)) == len(kept)
    told = repr(store.log())
    assert not any(secret in told for secret in (PASSWORD, "a wrong password", *kept))


def test_nothing_tells_whether_an_account_exists(store: ReviewStore, accounts: Accounts) -> None:
    accounts.disable("frank", "ben")
    seen: list[tuple[str, int, int]] = []
    for name, password in (
        ("anna", "x" * 12),
        ("nobody", "x" * 12),
        ("ben", PASSWORD),
        ("", ""),
        ("\0", "\0"),
    ):
        before = accounts.passwords.digests, len(store.log())
        error = refused(accounts, name, password, f"10.1.0.{len(seen)}")
        after = accounts.passwords.digests, len(store.log())
        seen.append((str(error), after[0] - before[0], after[1] - before[1]))
    assert set(seen) == {("name or password is wrong, or the account is closed", 1, 1)}


def test_name_that_is_no_account_is_not_logged(store: ReviewStore, accounts: Accounts) -> None:
    """People type their password there."""
    refused(accounts, PASSWORD)
    row = store.log()[-1]
    assert (row.action, row.subject, PASSWORD in repr(row)) == ("log in refused", "?", False)


@pytest.mark.parametrize("name", ["anna", "nobody"])
def test_fifth_failure_in_a_minute_and_twentieth_in_an_hour_close_the_account_for_a_while(
    accounts: Accounts, clock: Clock, name: str
) -> None:
    waits = []
    for number in range(24):
        waits.append(refused(accounts, name, address=f"10.9.0.{number}").wait_s)
        clock.pass_by(seconds=1)
    assert waits[:5] == [0] * 5
    assert waits[5] == 55
    for _ in range(3):
        clock.pass_by(seconds=60)
        assert [refused(accounts, name, address="10.8.0.1").wait_s for _ in range(5)] == [0] * 5
    clock.pass_by(seconds=60)
    assert refused(accounts, name, PASSWORD, "10.8.0.2").wait_s > 3000  # 20 within the hour
    clock.pass_by(hours=1)
    assert refused(accounts, name).wait_s == 0


def test_address_that_tries_many_names_is_closed_for_a_while(accounts: Accounts, clock: Clock) -> None:
    waits = [refused(accounts, f"nobody{number}").wait_s for number in range(8)]
    assert waits == [0] * 5 + [60] * 3
    assert refused(accounts, "anna", PASSWORD).wait_s == 60
    assert accounts.authenticate("anna", PASSWORD, "10.0.0.8").name == "anna"
    clock.pass_by(seconds=60)
    assert accounts.authenticate("anna", PASSWORD, HERE).name == "anna"


def test_many_people_may_log_in_at_one_terminal(accounts: Accounts) -> None:
    for _ in range(30):
        assert accounts.authenticate("anna", PASSWORD, HERE)


def test_ten_thousand_guesses_cost_five_digests_and_find_nothing(
    store: ReviewStore, accounts: Accounts
) -> None:
    before = accounts.passwords.digests, len(store.log())
    refusals = [refused(accounts, "anna", f"guess {number:08d}").wait_s for number in range(9_999)]
    assert refused(accounts, "anna", PASSWORD).wait_s > 0  # even the right one
    assert refusals == [0] * 5 + [60] * 9_994
    assert (accounts.passwords.digests, len(store.log())) == (before[0] + 5, before[1] + 5)
    assert store.log()[-1].new == '{"from":"10.0.0.7","wait_s":60}'
    assert store.verify().is_whole


def test_guesses_at_the_same_moment_are_not_more_than_the_limit(accounts: Accounts) -> None:
    waits: list[int] = []
    tries = [
        threading.Thread(target=lambda: waits.append(refused(accounts, "anna").wait_s)) for _ in range(12)
    ]
    for one in tries:
        one.start()
    for one in tries:
        one.join()
    assert sorted(waits)[:6].count(0) == 5


def test_login_that_cannot_have_its_turn_counts_as_no_try(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(passwords_module, "_WAITING", threading.BoundedSemaphore(1))
        assert passwords_module._WAITING.acquire()
        for _ in range(8):
            with pytest.raises(ReviewError, match="at the same moment; try again"):
                accounts.authenticate("anna", PASSWORD, HERE)
    assert accounts.authenticate("anna", PASSWORD, HERE).name == "anna"


def test_limits_outlast_a_restart(
    store: ReviewStore, accounts: Accounts, folder: Path, clock: Clock
) -> None:
    for _ in range(5):
        refused(accounts, "anna")
    again = ReviewStore.open(folder, clock, store.work)
    assert refused(Accounts(again), "anna", PASSWORD, "10.0.0.9").wait_s == 60
    again.close()


def test_ipv6_counts_by_network_and_a_mapped_address_as_itself() -> None:
    one, other = keys_of("anna", "2001:db8:1:2::1")[1], keys_of("anna", "2001:db8:1:2:ffff::9%eth0")[1]
    assert one == other != keys_of("anna", "2001:db8:1:3::1")[1]
    assert keys_of("anna", "::ffff:10.0.0.7")[1] == keys_of("anna", "10.0.0.7")[1]
