"""The bench: one part, everything that helps to judge it, and the decision; with and without a script."""

from __future__ import annotations

import uuid
from dataclasses import replace
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import Response

from taktsight.errors import ReviewError, TaktsightError
from taktsight.inspect.review.parts.rows import PartRow
from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.store.values import Conflict, PartKey
from taktsight.inspect.review.web.asked_parts import asked_parts
from taktsight.inspect.review.web.bench_words import script_words
from taktsight.inspect.review.web.choosing import offer_of_part, row_of
from taktsight.inspect.review.web.keys import ACTIONS, NAMES, keys_of
from taktsight.inspect.review.web.offers import Offer
from taktsight.inspect.review.web.plain_pictures import Plain, plain_pictures
from taktsight.inspect.review.web.routes import get, post
from taktsight.inspect.review.web.sent_decisions import MOST_BYTES, decide, offer_sent, sent_form
from taktsight.inspect.review.web.shown_parts import Shown, as_item, show_part, told
from taktsight.inspect.review.web.visit import Visit


def show(visit: Visit) -> Response:
    """One part on the bench."""
    row = part_asked(visit)
    shown = show_part(visit, row, offer_asked(visit, row), _claim(visit, row))
    return _page(visit, shown)


def decide_by_form(visit: Visit) -> Response:
    """A decision without a script: to the next part, or here again with what was wrong."""
    row = part_asked(visit)
    try:
        sent = sent_form(visit)
        if sent.offer.part != row.key:
            raise ReviewError("this form is of another part")
        decision = decide(visit, sent)
    except Conflict as conflict:
        offer = replace(offer_sent(visit, visit.form.text("offer", 4096)), seen=conflict.other.id)
        return _page(visit, show_part(visit, row, offer), 409, conflict=conflict)
    except ReviewError as error:
        offer = offer_of_part(visit.bench, visit.name, row)
        return _page(visit, show_part(visit, row, offer), 422, wrong=str(error))
    query = asked_parts(visit.request.query_params).query
    last = f"last={decision.id}"
    return visit.go(f"/review/next?{query}&{last}" if query else f"/review/next?{last}")


def undo_by_form(visit: Visit) -> Response:
    """Takes a decision back, and shows its part again."""
    text = visit.form.text("decision", 20)
    if not (text.isascii() and text.isdigit()):
        raise HTTPException(400)
    try:
        undone = visit.bench.store.undo(visit.name, int(text), visit.form.text("reason", 500))
    except ReviewError as error:
        raise HTTPException(409, str(error)) from error
    path = f"/review/{quote(str(undone.part), safe='')}"
    return visit.go(path, visit.words.gettext("Undone. It stands in the log."))


def part_asked(visit: Visit) -> PartRow:
    """The part that the address names.

    Raises:
        HTTPException: 404 if there is none.
    """
    try:
        row = row_of(visit.bench, PartKey.parse(visit.path("id")))
    except ReviewError:
        row = None
    if row is None:
        raise HTTPException(404)
    return row


def offer_asked(visit: Visit, row: PartRow) -> Offer:
    """The offer that the address carries; a new one where it carries none of this part for this person."""
    try:
        offer = offer_sent(visit, visit.asked("offer", 4096))
    except ReviewError:
        return offer_of_part(visit.bench, visit.name, row)
    if offer.part != row.key:
        return offer_of_part(visit.bench, visit.name, row)
    is_decided = any(
        each.reviewer == visit.name and each.id > offer.seen and each.undone_by is None
        for each in visit.bench.store.decisions_of(row.key)
    )
    return offer_of_part(visit.bench, visit.name, row) if is_decided else offer


def _claim(visit: Visit, row: PartRow) -> str:
    return (visit.bench.store.claim(visit.name, row.key) or "") if visit.may(May.DECIDE) else ""


def _page(
    visit: Visit, shown: Shown, status: int = 200, wrong: str = "", conflict: Conflict | None = None
) -> Response:
    query = asked_parts(visit.request.query_params).query
    keys = keys_of(visit.keys)
    return visit.page(
        "bench.html",
        status,
        shown=shown,
        item=as_item(visit, shown, query),
        query=query,
        plain=_plain(visit, shown),
        keys=keys,
        key_lines=[(each.name, each.said, NAMES.get(keys[each.name], keys[each.name])) for each in ACTIONS],
        words=script_words(visit.words),
        request_id=str(uuid.uuid4()),
        wrong=wrong,
        conflict=told(visit, conflict.other) if conflict else None,
        last=_last(visit),
    )


def _plain(visit: Visit, shown: Shown) -> tuple[Plain, ...]:
    """The frames for browsers without a script; larger, with what was found, where that is asked for."""
    is_overlaid = visit.asked("overlay") == "1" and not shown.offer.is_hidden
    most_px = 1 << 16 if visit.asked("zoom") == "full" else 1024
    try:
        return plain_pictures(visit.bench.pictures, shown.frames, most_px, is_overlaid=is_overlaid)
    except TaktsightError:  # a bundle that is not here: the frames are shown without what was found
        return plain_pictures(visit.bench.pictures, shown.frames, most_px, is_overlaid=False)


def _last(visit: Visit) -> int | None:
    """The decision that led here, if it is one's own and stands: it can be undone."""
    text = visit.asked("last", 18)
    found = visit.bench.store.decision(int(text)) if text.isascii() and text.isdigit() else None
    is_mine = found is not None and found.reviewer == visit.name and found.undone_by is None
    return found.id if found is not None and is_mine else None


routes = [
    get("/review/{id}", May.SEE, show),
    post("/review/undo", May.DECIDE, undo_by_form),
    post("/review/{id}/decide", May.DECIDE, decide_by_form, most_bytes=MOST_BYTES),
]
