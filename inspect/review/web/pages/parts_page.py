"""Parts: found by serial, name and filters; and one part with everything that is known of it, to sign and
to take along.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import Response

from taktsight.errors import ReviewError
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.rows import PartRow
from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.store.values import PartKey
from taktsight.inspect.review.web.asked_filters import Asked, asked_filters
from taktsight.inspect.review.web.blind_parts import blind_among, is_blind, known_like
from taktsight.inspect.review.web.drawing import with_query
from taktsight.inspect.review.web.part_export import as_csv, as_json
from taktsight.inspect.review.web.part_page import draw_pdf, show_record
from taktsight.inspect.review.web.part_pdf import INSTALL, can_print
from taktsight.inspect.review.web.part_record import PartRecord, read_record, subject_of
from taktsight.inspect.review.web.routes import get, post
from taktsight.inspect.review.web.signing_forms import NotSigned, meanings_for, sign_sent
from taktsight.inspect.review.web.visit import Visit
from taktsight.inspect.review.web.words import N_
from taktsight.records import Outcome

ROWS = 50
BLIND = N_("You are asked to judge this part blind. Decide first; then everything on it is shown.")
DAMAGED = N_("A row of this record is not as it was written: it cannot be signed.")


def search(visit: Visit) -> Response:
    """Parts by what is asked for; a serial that only one part has leads straight to it."""
    index = _index(visit)
    index.follow()
    asked = asked_filters(visit)
    found = index.search(asked.text, ROWS, asked.filters, visit.asked("after") or None)
    known = known_like(visit, asked.text) if asked.is_text_alone and not visit.asked("after") else ()
    rows = (*found.rows, *known)
    if _is_the_one(asked, rows):
        return visit.go(address_of(rows[0].key))
    blind = blind_among(visit, found.rows) | {row.key for row in known}
    if asked.filters.outcomes or asked.label:  # what a blind part was flagged for is not to be found out
        rows = tuple(row for row in rows if row.key not in blind)
    return visit.page(
        "parts.html",
        rows=[(row, address_of(row.key), row.key in blind) for row in rows],
        asked=asked,
        outcomes=[outcome.value for outcome in Outcome],
        labels=index.labels(),
        lots=index.lots(),
        stations=index.stations(),
        runs=index.runs(),
        older=with_query(visit.request, after=found.next) if found.next else "",
    )


def show(visit: Visit) -> Response:
    """One part."""
    key = _key(visit)
    if is_blind(visit, key):
        return visit.page("part_blind.html", key=key, sentence=BLIND)
    return show_record(visit, _record(visit, key))


def sign(visit: Visit) -> Response:
    """A signature under the record, as it stood on the page."""
    key = _key(visit)
    _refuse_blind(visit, key)
    record = _record(visit, key)
    try:
        if not record.is_intact:
            raise NotSigned(DAMAGED, 409)
        sign_sent(visit, meanings_for(visit), subject_of(key), record.digest)
    except NotSigned as error:
        return show_record(visit, record, error.said, error.status)
    return visit.go(
        f"{address_of(key)}#signatures", visit.words.gettext(N_("Signed. It stands in the log."))
    )


def export_json(visit: Visit) -> Response:
    """The record with nothing left out."""
    return _export(visit, "json", "application/json", as_json)


def export_csv(visit: Visit) -> Response:
    """The record, one value a row."""
    return _export(visit, "csv", "text/csv; charset=utf-8", as_csv)


def export_pdf(visit: Visit) -> Response:
    """The record on paper."""
    if not can_print():
        raise HTTPException(501, INSTALL)
    return _export(visit, "pdf", "application/pdf", lambda record: draw_pdf(visit, record))


def _export(visit: Visit, kind: str, media_type: str, make: Callable[[PartRecord], bytes]) -> Response:
    key = _key(visit)
    _refuse_blind(visit, key)
    record = _record(visit, key)
    content = make(record)
    visit.bench.store.note(visit.name, "export", subject_of(key), None, _exported(record, kind), "")
    safe = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in str(key))
    headers = {"Content-Disposition": f'attachment; filename="part-{safe}.{kind}"'}
    return Response(content, media_type=media_type, headers=headers)


def _exported(record: PartRecord, kind: str) -> dict[str, str]:
    return {"as": kind, "digest": record.digest}


def address_of(key: PartKey) -> str:
    """Where a part's page is."""
    return f"/parts/{quote(str(key), safe='')}"


def _is_the_one(asked: Asked, rows: tuple[PartRow, ...]) -> bool:
    """Whether the one part that was found is called exactly as was asked for."""
    if len(rows) != 1 or not asked.is_text_alone:
        return False
    wanted = asked.text.casefold()
    return wanted in ((rows[0].serial or "").casefold(), str(rows[0].key).casefold())


def _record(visit: Visit, key: PartKey) -> PartRecord:
    index = _index(visit)
    index.follow()
    row = index.part(key)
    if row is None:
        raise HTTPException(404)
    return read_record(visit.bench, row)


def _refuse_blind(visit: Visit, key: PartKey) -> None:
    if is_blind(visit, key):
        raise HTTPException(409, BLIND)


def _key(visit: Visit) -> PartKey:
    try:
        return PartKey.parse(visit.path("id"))
    except ReviewError:
        raise HTTPException(404) from None


def _index(visit: Visit) -> PartIndex:
    index: PartIndex | None = visit.bench.index
    if index is None:
        raise HTTPException(404)
    return index


routes = [
    get("/parts", May.SEE, search),
    get("/parts/{id}", May.SEE, show, pool="pictures"),
    post("/parts/{id}/sign", May.SIGN, sign, pool="passwords"),
    get("/parts/{id}/export.json", May.EXPORT, export_json),
    get("/parts/{id}/export.csv", May.EXPORT, export_csv),
    get("/parts/{id}/export.pdf", May.EXPORT, export_pdf, pool="pictures"),
]
