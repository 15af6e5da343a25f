"""Models: bundles that judge here, what was certified of them, and who approved them with a signature."""

from __future__ import annotations

import re

from starlette.exceptions import HTTPException
from starlette.responses import Response

from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.store.values import Meaning
from taktsight.inspect.review.web.bundle_records import bundle_record, bundle_records, subject_of
from taktsight.inspect.review.web.reviews_said import MEANINGS, who_said
from taktsight.inspect.review.web.routes import get, post
from taktsight.inspect.review.web.signing_forms import NotSigned, sign_sent
from taktsight.inspect.review.web.visit import Visit
from taktsight.inspect.review.web.words import N_

_DIGEST = re.compile(r"[0-9a-f]{64}")
DECISIONS: tuple[Meaning, ...] = ("approved", "rejected")
UNSEEN = N_("The bundle is not at hand: nobody can have looked at it. It can be rejected, not approved.")


def show(visit: Visit) -> Response:
    """All of them."""
    return _show(visit)


def decide(visit: Visit) -> Response:
    """Approves or rejects one bundle: the one of this digest, and no other."""
    digest = visit.path("digest")
    record = bundle_record(visit.bench, digest) if _DIGEST.fullmatch(digest) else None
    if record is None:
        raise HTTPException(404)
    meanings = DECISIONS if record.at_hand is not None else DECISIONS[1:]
    try:
        if visit.form.text("meaning", 40) == "approved" and record.at_hand is None:
            raise NotSigned(UNSEEN, 422)
        sign_sent(visit, meanings, subject_of(digest), digest)
    except NotSigned as error:
        return _show(visit, error.said, digest, error.status)
    return visit.go(f"/models#b-{digest[:12]}", visit.words.gettext(N_("Signed. It stands in the log.")))


def _show(visit: Visit, wrong: str = "", of: str = "", status: int = 200) -> Response:
    if visit.bench.index is None:
        raise HTTPException(404)
    visit.bench.index.follow()
    return visit.page(
        "models.html",
        status,
        records=bundle_records(visit.bench),
        meanings=MEANINGS,
        decisions=[(each, visit.words.gettext(MEANINGS[each])) for each in DECISIONS],
        who=lambda signature: _who(visit, signature.actor, signature.full_name),
        may_decide=visit.may(May.APPROVE_MODEL) and visit.may(May.SIGN),
        wrong=wrong,
        wrong_of=of,
    )


def _who(visit: Visit, actor: str, full_name: str) -> str:
    return f"{full_name} ({actor})" if visit.may(May.SEE_NAMES) else who_said(visit, actor)


routes = [
    get("/models", May.SEE, show),
    post("/models/{digest}/decide", May.APPROVE_MODEL, decide, pool="passwords"),
]
