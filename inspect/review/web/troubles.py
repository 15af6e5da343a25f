"""Answers where a page could not be given: what happened, in words, and where to go on."""

from __future__ import annotations

import logging
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from taktsight.errors import TaktsightError
from taktsight.inspect.review.web.bench import Bench
from taktsight.inspect.review.web.guard import HEADERS
from taktsight.inspect.review.web.visit import open_visit
from taktsight.inspect.review.web.words import N_

log = logging.getLogger(__name__)

SENTENCES = {
    400: N_("The request could not be read."),
    401: N_("Please sign in."),
    403: N_("This is not for your role, or not from this page."),
    404: N_("There is no such page, or no such part."),
    405: N_("This page does not do that."),
    408: N_("The request took too long."),
    409: N_("Somebody else changed this meanwhile."),
    413: N_("That was more than this page takes."),
    415: N_("The request could not be read."),
    500: N_("Something went wrong here. It stands in the log of the server."),
    503: N_("The records are busy. Please try again in a moment."),
}


async def show_refusal(request: Request, error: Exception) -> Response:
    """The page of an HTTPException."""
    assert isinstance(error, HTTPException)
    return await _show(request, error.status_code, error.detail, dict(error.headers or {}))


async def show_trouble(request: Request, error: Exception) -> Response:
    """The page of an error of ours: the records are locked, a disk is full."""
    log.warning("%s %s: %s", request.method, request.url.path, error)
    return await _show(request, 503, str(error), {"Retry-After": "2"})


async def show_defect(request: Request, _error: Exception) -> Response:
    """The page of an error that nobody expected; the server logs it with its traceback."""
    # Starlette makes this answer outside of every middleware, the guard among them.
    return await _show(request, 500, "", {**HEADERS, "Cache-Control": "no-store", "Connection": "close"})


async def _show(request: Request, status: int, detail: str, headers: dict[str, str]) -> Response:
    phrase = HTTPStatus(status).phrase
    detail = "" if detail == phrase else detail
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"error": detail or phrase}, status, headers)
    bench: Bench = request.app.state.bench
    try:
        response = await run_in_threadpool(_page, bench, request, status, detail)
    except TaktsightError as error:  # whoever asks cannot be found out either
        return PlainTextResponse(f"{phrase}: {error}\n", 503, headers)
    response.headers.update(headers)
    return response


def _page(bench: Bench, request: Request, status: int, detail: str) -> Response:
    sentence = SENTENCES.get(status, HTTPStatus(status).phrase)
    visit = open_visit(bench, request, None)
    return visit.page("error.html", status, code=status, sentence=sentence, detail=detail)
