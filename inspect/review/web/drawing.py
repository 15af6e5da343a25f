"""Templates become pages, in the reader's language."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request

from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.web.assets import asset
from taktsight.inspect.review.web.following import is_behind
from taktsight.inspect.review.web.navigation import NAVIGATION
from taktsight.inspect.review.web.words import LANGUAGES, words_of

if TYPE_CHECKING:
    from taktsight.inspect.review.web.visit import Visit


def draw(visit: Visit, template: str, values: dict[str, Any]) -> str:
    """The page as HTML."""
    said = visit.bench.said.take(visit.csrf) if visit.token else ""
    return _templates(visit.words.language).get_template(template).render(visit=visit, said=said, **values)


def draw_piece(language: str, template: str, values: dict[str, Any]) -> str:
    """A part of a page, for whoever reads this language: it knows no visit."""
    return _templates(language).get_template(template).render(**values)


@cache
def _templates(language: str) -> Environment:
    """One environment a language: macros then have its words without being handed them."""
    words = words_of(language)
    environment = Environment(
        loader=PackageLoader("taktsight.inspect.review.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    environment.install_gettext_callables(words.gettext, words.ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.globals |= {
        "May": May,
        "LANGUAGES": LANGUAGES,
        "asset": asset,
        "home": home,
        "is_behind": is_behind,
        "navigation": _navigation,
        "words": words,
        "with_query": with_query,
    }
    for name in ("number", "percent", "moment", "day", "clock", "ago"):
        environment.filters[name] = getattr(words, name)
    environment.filters["translated"] = words.gettext
    environment.filters["pair"] = lambda value: (value, value)
    return environment


def _navigation(visit: Visit) -> list[tuple[str, str, bool]]:
    """Path, label and whether it is where the visit is, of the pages that the visitor may see."""
    pages = visit.request.app.state.needs
    here = visit.request.url.path
    shown = [
        (entry.path, visit.words.gettext(entry.label))
        for entry in NAVIGATION
        if entry.path in pages and (not isinstance(pages[entry.path], May) or visit.may(pages[entry.path]))
    ]
    return [
        (path, label, here == path or (path != "/" and here.startswith(f"{path}/")))
        for path, label in shown
    ]


def home(visit: Visit) -> str:
    """The first page that the visitor may see."""
    return next((path for path, _, _ in _navigation(visit)), "/help")


def with_query(request: Request, **changes: str | int | None) -> str:
    """The page's own address with other values after ``?``; None takes one away."""
    url = request.url.include_query_params(
        **{key: str(value) for key, value in changes.items() if value is not None}
    )
    url = url.remove_query_params([key for key, value in changes.items() if value is None])
    return f"{url.path}?{url.query}" if url.query else url.path
