"""The record of a part as its page shows it, and as its paper does."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.web.bundle_records import standing_of
from taktsight.inspect.review.web.drawing import draw
from taktsight.inspect.review.web.live_said import MEASURES
from taktsight.inspect.review.web.part_pdf import INSTALL, as_address, as_pdf, can_print
from taktsight.inspect.review.web.part_record import PartRecord
from taktsight.inspect.review.web.part_views import drawn, views_of
from taktsight.inspect.review.web.reviews_said import MEANINGS, review_said, signed_said
from taktsight.inspect.review.web.signing_forms import meanings_for
from taktsight.inspect.review.web.stage_bar import stage_bar
from taktsight.inspect.review.web.visit import Visit
from taktsight.inspect.review.web.words import N_

STAGES = {
    "grab": N_("Grab"),
    "health": N_("Image health"),
    "prepare": N_("Prepare"),
    "wait": N_("Wait for the part before"),
    "infer": N_("Infer"),
    "locate": N_("Locate"),
    "decide": N_("Decide"),
}
KINDS = {
    "verdict": N_("Verdict: what the gate was told"),
    "judged": N_("Judged, before the gate was told"),
    "late": N_("Judged, after the part was answered"),
}
TILES = "/pictures/{image}/tiles/{level}/{column}_{row}"
PAPER_OVERLAYS_S = 20.0


def show_record(visit: Visit, record: PartRecord, wrong: str = "", status: int = 200) -> Response:
    """The page of a part.

    Args:
        visit: who looks.
        record: of the part.
        wrong: why nothing was signed, a sentence to translate; empty where nothing was tried.
        status: of the answer.
    """
    pages = visit.request.app.state.needs
    return visit.page(
        "part.html",
        status,
        **_told(visit, record),
        views=views_of(visit.bench.pictures, record.row),
        has_pictures=visit.bench.pictures is not None and TILES in pages,
        review_path=f"/review/{quote(str(record.row.key), safe='')}" if "/review/{id}" in pages else "",
        meanings=[(each, visit.words.gettext(MEANINGS[each])) for each in meanings_for(visit)],
        can_print=can_print() if visit.may(May.EXPORT) else False,
        install=INSTALL,
        wrong=wrong,
    )


def draw_pdf(visit: Visit, record: PartRecord) -> bytes:
    """The same on paper, with who printed it and when.

    Raises:
        ConfigError: If no PDF can be made here.
    """
    pictures = visit.bench.pictures
    views = views_of(pictures, record.row, PAPER_OVERLAYS_S)
    shown = []
    for view in views:
        content = None if pictures is None else drawn(pictures, view)
        shown.append((view, as_address(content, "image/jpeg") if content else ""))
    told = _told(visit, record, is_paper=True) | {"views": shown, "now": _now(visit)}
    return as_pdf(draw(visit, "part_print.html", told))


def _told(visit: Visit, record: PartRecord, *, is_paper: bool = False) -> dict[str, Any]:
    return {
        "record": record,
        "row": record.row,
        "bar": stage_bar(record),
        "stages": STAGES,
        "kinds": KINDS,
        "measures": MEASURES,
        "reviews": [review_said(visit, each, is_paper=is_paper) for each in record.reviews],
        "signatures": [signed_said(visit, each) for each in record.signatures],
        "approval": _approval(visit, record),
    }


def _approval(visit: Visit, record: PartRecord) -> str:
    """Whether the bundle that judged was approved: of this digest, and by what the log bears out."""
    found = standing_of(visit.bench, record.row.bundle)
    return "" if found is None else found.signature.meaning


def _now(visit: Visit) -> str:
    return visit.bench.store.book.clock().isoformat(timespec="seconds")
