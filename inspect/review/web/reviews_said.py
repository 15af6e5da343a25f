"""Decisions and signatures in words, with the names of those who may be named."""

from __future__ import annotations

from dataclasses import dataclass

from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.store.values import GOOD, Choice, Meaning
from taktsight.inspect.review.web.part_record import Review, Signed
from taktsight.inspect.review.web.visit import Visit
from taktsight.inspect.review.web.words import N_

CHOICES = {
    Choice.CONFIRM: N_("Confirmed"),
    Choice.FALSE_REJECT: N_("False reject"),
    Choice.MISSED_DEFECT: N_("Missed defect"),
    Choice.ESCALATE: N_("Escalated"),
    Choice.SKIP: N_("Skipped"),
}
MEANINGS: dict[Meaning, str] = {
    "reviewed": N_("Reviewed"),
    "approved": N_("Approved"),
    "rejected": N_("Rejected"),
    "responsibility": N_("Responsible for it"),
}


@dataclass(frozen=True, slots=True)
class ReviewSaid:
    """A decision as a page tells it."""

    review: Review
    who: str
    said: str
    undone_who: str
    """Empty where it stands."""


@dataclass(frozen=True, slots=True)
class SignedSaid:
    """A signature as a page tells it."""

    signed: Signed
    who: str
    meaning: str


def review_said(visit: Visit, review: Review, *, is_paper: bool = False) -> ReviewSaid:
    """In the reader's language. On paper, which others read, nobody is "You"."""
    decision = review.decision
    said = visit.words.gettext(CHOICES[decision.choice])
    what = visit.words.gettext(N_("good")) if decision.truth == GOOD else decision.truth
    undone = who_said(visit, review.undone.actor, is_paper=is_paper) if review.undone else ""
    return ReviewSaid(
        review,
        who_said(visit, decision.reviewer, is_paper=is_paper),
        f"{said}: {what}" if what else said,
        undone,
    )


def signed_said(visit: Visit, signed: Signed) -> SignedSaid:
    """In the reader's language; the printed name of the signer for whoever may see names."""
    each = signed.signature
    name = who_said(visit, each.actor)
    who = f"{each.full_name} ({each.actor})" if visit.may(May.SEE_NAMES) else name
    return SignedSaid(signed, who, visit.words.gettext(MEANINGS[each.meaning]))


def who_said(visit: Visit, actor: str, *, is_paper: bool = False) -> str:
    """A name, for whoever may see names."""
    if actor == visit.name and not is_paper:
        return visit.words.gettext("You")
    return actor if visit.may(May.SEE_NAMES) else visit.words.gettext("A colleague")
