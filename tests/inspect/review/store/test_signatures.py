"""Signatures: who may, what it takes, and whether the record is still the one that was signed."""

from __future__ import annotations

from typing import Any

import pytest

from taktsight.errors import ReviewError
from taktsight.inspect.review.people.accounts import Accounts, LoginRefused
from taktsight.inspect.review.store.chain import digest_of
from taktsight.inspect.review.store.signing import check_signature, digest_of_decision
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.values import PartKey

from .bench import PASSWORD, RUN, said

BUNDLE = "bundle:" + "ab" * 32


def test_signature_says_who_when_and_what_it_means(store: ReviewStore, accounts: Accounts) -> None:
    signature = store.sign("dora", PASSWORD, "approved", BUNDLE, "ab" * 32, "10.0.0.7")
    assert (signature.full_name, signature.actor, signature.meaning) == ("Dora Example", "dora", "approved")
    assert signature.utc == store.log()[-1].utc
    assert store.signatures_of(BUNDLE) == (signature,)
    check_signature(signature, "ab" * 32)
    with pytest.raises(ReviewError, match="is not what Dora Example signed at"):
        check_signature(signature, "cd" * 32)
    assert store.verify().signatures == 1


def test_nobody_signs_without_the_password_or_the_permission(
    store: ReviewStore, accounts: Accounts
) -> None:
    for actor in ("dora", "nobody"):
        with pytest.raises(LoginRefused):
            store.sign(actor, "not the password", "approved", BUNDLE, "ab" * 32)
    for actor in ("eva", "frank"):
        with pytest.raises(ReviewError, match="may not sign"):
            store.sign(actor, PASSWORD, "approved", BUNDLE, "ab" * 32)
    assert store.signatures_of(BUNDLE) == ()
    assert [row.action for row in store.log()][-4:-2] == ["confirm refused"] * 2


def test_guessing_at_a_signature_is_limited_like_a_login(store: ReviewStore, accounts: Accounts) -> None:
    for _ in range(5):
        with pytest.raises(LoginRefused):
            store.sign("dora", "not the password", "approved", BUNDLE, "ab" * 32)
    with pytest.raises(LoginRefused, match="wait 60 s"):
        store.sign("dora", PASSWORD, "approved", BUNDLE, "ab" * 32)


@pytest.mark.parametrize(
    "wrong", [{"meaning": "seen"}, {"subject": "everything"}, {"digest": "AB" * 32}, {"digest": ""}]
)
def test_what_is_no_record_cannot_be_signed(
    store: ReviewStore, accounts: Accounts, wrong: dict[str, Any]
) -> None:
    fields = {"meaning": "approved", "subject": BUNDLE, "digest": "ab" * 32}
    with pytest.raises(ReviewError, match=r"is no (meaning|record)"):
        store.sign("dora", PASSWORD, **(fields | wrong))


def test_decision_is_signed_as_it_stands_in_the_log(store: ReviewStore, accounts: Accounts) -> None:
    decision = store.decide("anna", said(1))
    digest = digest_of_decision(store.book, decision.id)
    assert digest is not None
    subject = f"decision:{decision.id}"
    with pytest.raises(ReviewError, match="is not the record that you saw"):
        store.sign("carl", PASSWORD, "reviewed", subject, "ab" * 32)
    for none in ("decision:1", "decision:99", "decision:x"):
        with pytest.raises(ReviewError, match="does not exist"):
            store.sign("carl", PASSWORD, "reviewed", none, digest)
    assert store.sign("carl", PASSWORD, "reviewed", subject, digest).subject == subject
    assert store.verify().is_whole


def test_signed_part_is_another_record_once_somebody_decides_or_undoes(
    store: ReviewStore, accounts: Accounts
) -> None:
    part = PartKey(RUN, 1)
    digests = [store.digest_of_part(part)]
    decision = store.decide("anna", said(1))
    digests.append(store.digest_of_part(part))
    signature = store.sign("carl", PASSWORD, "reviewed", f"part:{part}", digests[-1])
    store.undo("anna", decision.id, "slipped")
    digests.append(store.digest_of_part(part))
    assert len(set(digests)) == 3
    with pytest.raises(ReviewError, match=f"part:{RUN}:1 is not what Carl Example signed"):
        check_signature(signature, store.digest_of_part(part))


def test_digest_of_a_record_does_not_depend_on_the_order_of_its_keys() -> None:
    assert digest_of({"a": 1, "b": [None, "ä"]}) == digest_of({"b": [None, "ä"], "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 1.5})
