"""The live wall: a tile per station, legible from two metres."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.web.pages.live import draw_walls
from taktsight.inspect.review.web.routes import get
from taktsight.inspect.review.web.visit import Visit


def show(visit: Visit) -> Response:
    """As the line is at this moment; a script follows it, and without one the page loads itself again."""
    if visit.bench.live is None:
        raise HTTPException(404)
    language = visit.words.language
    drawn = draw_walls(visit.bench, (language,), visit.request.app.state.needs)
    return visit.page("wall.html", drawn=drawn[language])


routes = [get("/", May.SEE, show)]
