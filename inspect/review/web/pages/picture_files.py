"""Pictures by their opaque ids: thumbnails, tiles of the deep zoom, heat maps. They never change."""

from __future__ import annotations

from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.responses import Response

from taktsight.errors import TaktsightError
from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.web.routes import get
from taktsight.inspect.review.web.visit import Visit

FOR_EVER = "private, max-age=31536000, immutable"
"""Of the browser alone: who may see it is asked for each time that it is fetched."""
KINDS = {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png", b"RI": "image/webp"}


def thumbnail(visit: Visit) -> Response:
    """A small one."""
    return _answer(lambda: visit.bench.pictures.thumbnail(visit.path("image")))


def tile(visit: Visit) -> Response:
    """One tile of the Deep Zoom layout."""
    level, column, row = (_number(visit.path(name)) for name in ("level", "column", "row"))
    return _answer(lambda: visit.bench.pictures.tile(visit.path("image"), level, column, row))


def heat_map(visit: Visit) -> Response:
    """Where one label is found, at the resolution of the map."""
    place = _number(visit.path("place"))

    def found() -> bytes:
        overlay = visit.bench.pictures.overlay(visit.path("image"), wait_s=2.0)
        label = overlay.labels[place] if place < len(overlay.labels) else ""
        content: bytes | None = overlay.maps.get(label)
        if content is None:
            raise HTTPException(404)
        return content

    return _answer(found)


def _answer(make: Callable[[], bytes]) -> Response:
    try:
        content = make()
    except TaktsightError as error:
        raise HTTPException(404) from error
    return Response(content, media_type=KINDS[content[:2]], headers={"Cache-Control": FOR_EVER})


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise HTTPException(404)
    return int(text)


routes = [
    get("/pictures/{image}/thumbnail", May.SEE, thumbnail, pool="pictures"),
    get("/pictures/{image}/tiles/{level}/{column}_{row}", May.SEE, tile, pool="pictures"),
    get("/pictures/{image}/maps/{place}", May.SEE, heat_map, pool="pictures"),
]
