"""Signatures from forms: the password again, what it means, and the digest of what was on the page."""

from __future__ import annotations

from taktsight.errors import ReviewError
from taktsight.inspect.review.people.accounts import LoginRefused
from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.store.values import MEANINGS, Meaning
from taktsight.inspect.review.web.visit import Visit
from taktsight.inspect.review.web.words import N_

CHANGED = N_("The record is not the one that your page showed. Look at it again, then sign.")
MAX_PASSWORD = 1024


class NotSigned(Exception):  # noqa: N818  # what it is
    """Nothing was signed."""

    def __init__(self, said: str, status: int) -> None:
        super().__init__(said)
        self.said = said
        self.status = status


def meanings_for(visit: Visit) -> tuple[Meaning, ...]:
    """What the visitor may sign a part as: to approve it takes more than having looked at it."""
    if not visit.may(May.SIGN):
        return ()
    if visit.may(May.OVERRULE) or visit.may(May.APPROVE_MODEL):
        return MEANINGS
    return ("reviewed", "responsibility")


def sign_sent(visit: Visit, meanings: tuple[Meaning, ...], subject: str, digest: str) -> None:
    """Signs what a form of ours says.

    Args:
        visit: with the fields ``meaning``, ``digest`` and ``password``.
        meanings: that this page offers this visitor.
        subject: of the signature.
        digest: of the record as it is now.

    Raises:
        NotSigned: If the record is another one by now, or the password is wrong, or tried too often.
    """
    form = visit.form
    meaning = next((each for each in meanings if each == form.text("meaning", 40)), None)
    if meaning is None:
        raise NotSigned(N_("Choose what your signature means."), 422)
    if form.text("digest", 64) != digest:
        raise NotSigned(CHANGED, 409)
    password = form.raw("password", MAX_PASSWORD)
    try:
        visit.bench.store.sign(visit.name, password, meaning, subject, digest, visit.address)
    except LoginRefused as refused:
        if refused.wait_s:
            raise NotSigned(str(refused), 429) from refused
        raise NotSigned(N_("The password is wrong. Nothing was signed."), 422) from refused
    except ReviewError as error:
        raise NotSigned(str(error), 422) from error
