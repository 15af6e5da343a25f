"""The pages as one application. How to add a page stands in :mod:`taktsight.inspect.review.web.pages`."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from taktsight.errors import TaktsightError
from taktsight.inspect.review.web.assets import ROUTE
from taktsight.inspect.review.web.bench import Bench
from taktsight.inspect.review.web.guard import Guard
from taktsight.inspect.review.web.pages import PAGES
from taktsight.inspect.review.web.routes import Page, routes_of
from taktsight.inspect.review.web.troubles import show_defect, show_refusal, show_trouble


def make_app(bench: Bench, pages: Sequence[Page] = PAGES) -> Starlette:
    """The application of a bench.

    Raises:
        ValueError: If a page names no permission, or two take one address.
    """
    app = Starlette(
        routes=[ROUTE, *routes_of(bench, pages)],
        middleware=[Middleware(Guard, names=bench.address.names)],
        exception_handlers={
            HTTPException: show_refusal,
            TaktsightError: show_trouble,
            Exception: show_defect,
        },
    )
    app.router.redirect_slashes = False
    app.state.bench = bench
    app.state.needs = {page.path: page.needs for page in pages if page.method == "GET"}
    return app
