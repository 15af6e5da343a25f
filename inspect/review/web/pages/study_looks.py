"""The blind looks of a study: a picture, two answers, no way back; nothing tells of part or verdict."""

from __future__ import annotations

import time

from starlette.exceptions import HTTPException
from starlette.responses import Response

from taktsight.errors import ReviewError
from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.store.values import GOOD, PartKey
from taktsight.inspect.review.studies.pictures import picture_of, views_of
from taktsight.inspect.review.studies.values import HELD_UP, Study
from taktsight.inspect.review.web.figures_of import figures_of, studies_of
from taktsight.inspect.review.web.routes import get, post
from taktsight.inspect.review.web.visit import Visit

LONGEST_MS = 3_600_000


def show(visit: Visit) -> Response:
    """The look that comes now; the study itself where none is left."""
    return _show(visit)


def answer(visit: Visit) -> Response:
    """Records the look and goes on to the next one."""
    study, form = study_of(visit), visit.form
    shown = form.text("shown", 20)
    since = round(time.time() * 1000) - int(shown) if shown.isascii() and shown.isdigit() else 0
    try:
        studies_of(visit).answer(
            visit.name,
            study.id,
            form.text("code", 20),
            form.text("answer", 20),
            max(0, min(since, LONGEST_MS)),
        )
    except ReviewError as error:
        return _show(visit, str(error))
    return visit.go(f"/studies/{study.id}/look")


def send_picture(visit: Visit) -> Response:
    """A picture of the look that comes now, and of no other one."""
    study = study_of(visit)
    due = studies_of(visit).next_look(study, visit.name) if study.is_open_for(visit.name) else None
    if due is None or due.code != visit.path("code"):
        raise HTTPException(404)
    view = int(visit.path("view"))
    content = picture_of(visit.bench.records, figures_of(visit).index, PartKey.parse(due.part), view)
    if content is None:
        raise HTTPException(404)
    return Response(content, media_type="image/png")


def study_of(visit: Visit) -> Study:
    """The study that the address names.

    Raises:
        HTTPException: 404 if there is none.
    """
    study = studies_of(visit).of(int(visit.path("id")))
    if study is None:
        raise HTTPException(404)
    return study


def _show(visit: Visit, wrong: str = "") -> Response:
    study = study_of(visit)
    if visit.name not in study.appraisers:
        raise HTTPException(403, "you are no appraiser of this study")
    due = studies_of(visit).next_look(study, visit.name)
    if due is None or study.closed:
        return visit.go(f"/studies/{study.id}")
    return visit.page(
        "study_look.html",
        409 if wrong else 200,
        study=study,
        code=due.code,
        order=due.order,
        views=len(views_of(figures_of(visit).index, PartKey.parse(due.part))),
        shown=round(time.time() * 1000),
        good=GOOD,
        held_up=HELD_UP,
        wrong=wrong,
    )


routes = [
    get("/studies/{id:int}/look", May.DECIDE, show),
    post("/studies/{id:int}/look", May.DECIDE, answer),
    get("/studies/{id:int}/look/{code}/{view:int}.png", May.DECIDE, send_picture, pool="pictures"),
]
