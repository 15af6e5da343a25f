"""Names, passwords, links, sessions and roles of accounts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from taktsight.errors import ReviewError
from taktsight.inspect.review.people.accounts import Accounts, LoginRefused
from taktsight.inspect.review.people.links import Link, Links
from taktsight.inspect.review.people.passwords import Work, check_password
from taktsight.inspect.review.people.roles import ALLOWED, May, Role, may
from taktsight.inspect.review.people.sessions import Sessions
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.tables import sessions as sessions_table

from .bench import PASSWORD, Clock

pytest.importorskip("argon2")
HERE = "10.0.0.7"


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "a" * 9,
        "a" * 257,
        "aaaaaaaaaaaa",
        "ababababab",
        "Password123",
        "1234567890",
        "qwertyuiop",
        "annabella",
        "AnnaBella1",
        "administrator99!",
        "allebanna1",
    ],
)
def test_password_that_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(ReviewError, match="password"):
        check_password(password, "annabella1" if password.lower().startswith("anna") else "1annabella")


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=10, max_size=200))
def test_any_long_password_of_many_characters_is_taken(password: str) -> None:
    if len(set(password.casefold())) > 12:
        check_password(password, "someone else entirely")


@pytest.mark.parametrize(
    "name", ["", " ", "a" * 65, "a/b", "../x", "a\nb", "taktsight", "Console", "<b>", "a\udc80"]
)
def test_name_that_is_none_is_refused(accounts: Accounts, name: str) -> None:
    with pytest.raises(ReviewError, match="is no name for an account"):
        accounts.add("frank", name, Role.REVIEWER, PASSWORD)


def test_name_is_taken_however_it_is_written(accounts: Accounts) -> None:
    assert accounts.add("frank", "李 明", Role.REVIEWER, PASSWORD).full_name == "李 明"
    for name in ("Anna", "ANNA", "ａnna"):
        with pytest.raises(ReviewError, match="already"):
            accounts.add("frank", name, Role.ADMIN, PASSWORD)


def test_last_admin_stays(accounts: Accounts) -> None:
    changes: list[Callable[[], None]] = [
        lambda: accounts.set_role("frank", "Frank", Role.REVIEWER),
        lambda: accounts.disable("frank", "frank"),
    ]
    for change in changes:
        with pytest.raises(ReviewError, match="is the last admin"):
            change()
    accounts.set_role("frank", "dora", Role.ADMIN)
    accounts.disable("dora", "frank")
    assert [account.name for account in accounts.all() if not account.enabled] == ["frank"]


def test_digest_of_little_work_is_made_anew_at_the_next_login(
    store: ReviewStore, accounts: Accounts
) -> None:
    store.work = Work(memory_kib=128, passes=1)
    assert Accounts(store).authenticate("anna", PASSWORD, HERE)
    assert store.log()[-1].action == "set password"
    assert Accounts(store).authenticate("anna", PASSWORD, HERE)
    assert store.log()[-1].action == "log in"
    assert store.verify().is_whole


def test_preferences_are_a_persons_own_and_bounded(store: ReviewStore, accounts: Accounts) -> None:
    accounts.set_preferences("anna", {"language": "de", "keys": {"confirm": "j"}})
    assert accounts.preferences("anna") == {"language": "de", "keys": {"confirm": "j"}}
    assert accounts.preferences("ben") == accounts.preferences("nobody") == {}
    with pytest.raises(ReviewError, match="8192 characters"):
        accounts.set_preferences("anna", {"keys": "x" * 9000})
    assert store.verify().is_whole


def test_first_link_makes_the_first_admin_once(store: ReviewStore) -> None:
    accounts = Accounts(store)
    lost, token = accounts.one_time_link(), accounts.one_time_link()
    assert Links(accounts).look(token) == Link("first admin", "")
    for wrong in (lost, "", "x" * 5000, "\udc80"):
        with pytest.raises(ReviewError, match="was used, has run out or never was one"):
            accounts.redeem(wrong, PASSWORD, "frank")
    with pytest.raises(ReviewError, match="10 to 256"):
        accounts.redeem(token, "short", "frank")
    assert accounts.redeem(token, PASSWORD, "frank").role is Role.ADMIN
    with pytest.raises(ReviewError, match="was used"):
        accounts.redeem(token, PASSWORD, "mallory")
    with pytest.raises(ReviewError, match="there are accounts already"):
        accounts.one_time_link()
    assert accounts.authenticate("frank", PASSWORD, HERE).role is Role.ADMIN
    assert token not in repr(store.log())


def test_first_link_runs_out(store: ReviewStore, clock: Clock) -> None:
    token = Accounts(store).one_time_link()
    clock.pass_by(hours=25)
    assert Links(Accounts(store)).look(token) is None


def test_reset_link_sets_one_password_once_and_ends_sessions(
    store: ReviewStore, accounts: Accounts
) -> None:
    sessions = Sessions(store)
    session = sessions.begin(accounts.authenticate("anna", PASSWORD, HERE), HERE)
    token = accounts.reset_link("frank", "anna")
    assert sessions.of(session)
    accounts.redeem(token, "nine quiet lathes", name="frank")  # whose it is, the link says
    assert sessions.of(session) is None
    with pytest.raises(LoginRefused):
        accounts.authenticate("anna", PASSWORD, HERE)
    assert accounts.authenticate("anna", "nine quiet lathes", HERE).role is Role.REVIEWER
    assert accounts.authenticate("frank", PASSWORD, HERE)
    with pytest.raises(ReviewError, match="was used"):
        accounts.redeem(token, PASSWORD)


def test_session_is_known_by_its_token_alone_and_only_its_digest_is_kept(
    store: ReviewStore, accounts: Accounts
) -> None:
    sessions = Sessions(store)
    one, other = (sessions.begin(accounts.authenticate("anna", PASSWORD, HERE), HERE) for _ in range(2))
    found, second = sessions.of(one), sessions.of(other)
    assert found is not None
    assert second is not None
    assert (found.name, found.full_name, found.role) == ("anna", "Anna Example", Role.REVIEWER)
    assert found.csrf != second.csrf
    with store.book.reading() as connection:
        kept = repr(connection.execute(sa.select(sessions_table)).all())
    assert not any(secret in kept for secret in (one, other, found.csrf, second.csrf))
    assert sessions.of(one[:-1]) is sessions.of("") is sessions.of("\udc80") is None
    sessions.end(one)
    sessions.end(one)
    assert sessions.of(one) is None
    assert sessions.of(other)
    assert [row.action for row in store.log()][-1] == "log out"


def test_session_ends_when_idle_or_old_or_from_a_later_time(
    store: ReviewStore, accounts: Accounts, clock: Clock
) -> None:
    sessions = Sessions(store)
    anna = accounts.authenticate("anna", PASSWORD, HERE)
    idle, used = sessions.begin(anna, HERE), sessions.begin(anna, HERE)
    for _ in range(4):
        clock.pass_by(minutes=10)
        assert sessions.of(used)
    assert sessions.of(idle) is None
    for _ in range(68):
        clock.pass_by(minutes=10)
        assert sessions.of(used)
    clock.pass_by(minutes=2)
    assert sessions.of(used) is None
    late = sessions.begin(anna, HERE)
    clock.pass_by(days=-3)
    assert sessions.of(late) is None


def test_session_has_the_role_of_now_and_ends_with_the_account(
    store: ReviewStore, accounts: Accounts
) -> None:
    sessions = Sessions(store)
    token = sessions.begin(accounts.authenticate("anna", PASSWORD, HERE), HERE)
    accounts.set_role("frank", "anna", Role.AUDITOR)
    assert sessions.of(token).role is Role.AUDITOR  # type: ignore[union-attr]
    accounts.disable("frank", "anna")
    assert sessions.of(token) is None
    accounts.enable("frank", "anna")
    assert sessions.of(token) is None


def test_eleventh_session_ends_the_one_that_was_idle_longest(
    store: ReviewStore, accounts: Accounts, clock: Clock
) -> None:
    sessions = Sessions(store)
    anna = accounts.authenticate("anna", PASSWORD, HERE)
    tokens = []
    for _ in range(11):
        tokens.append(sessions.begin(anna, HERE))
        clock.pass_by(seconds=1)
    assert [sessions.of(token) is not None for token in tokens] == [False] + [True] * 10


def test_what_stands_not_in_the_table_is_denied() -> None:
    assert set(ALLOWED) == set(Role)
    assert all(may(role, May.SEE) for role in Role)
    granted = {permission: {role for role in Role if may(role, permission)} for permission in May}
    assert granted[May.MANAGE_PEOPLE] == {Role.ADMIN}
    assert granted[May.OVERRULE] == {Role.SUPERVISOR}
    assert granted[May.APPROVE_MODEL] == {Role.ENGINEER}
    assert granted[May.CHANGE_SETTINGS] == {Role.ENGINEER, Role.ADMIN}
    assert granted[May.SIGN] == {Role.REVIEWER, Role.SUPERVISOR, Role.ENGINEER}
    assert granted[May.DECIDE] == set(Role) - {Role.AUDITOR}
    assert granted[May.SEE_LOG] == granted[May.EXPORT] == set(Role) - {Role.REVIEWER}
    assert not may("root", May.SEE)  # type: ignore[arg-type]  # a role that is none
    assert not may(Role.ADMIN, "everything")  # type: ignore[arg-type]
