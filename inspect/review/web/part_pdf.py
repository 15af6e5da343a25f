"""The record of a part on paper, set by WeasyPrint from one page that needs nothing from anywhere."""

from __future__ import annotations

import base64
import functools
import importlib
import logging
from pathlib import Path
from typing import Any

from taktsight.errors import ConfigError
from taktsight.inspect.review.web.words import N_

INSTALL = N_("The PDF is set by WeasyPrint, which is not installed here: pip install 'taktsight[report]'.")
STYLES = ("tokens.css", "part_print.css")
"""Of ``static/css``: paper has the colours of the day."""


@functools.cache
def can_print() -> bool:
    """Whether WeasyPrint and the libraries it needs are there; loading them takes a second."""
    for name in ("weasyprint", "weasyprint.progress", "fontTools"):
        logging.getLogger(name).setLevel(logging.ERROR)  # they tell each step
    try:
        importlib.import_module("weasyprint")
    except (ImportError, OSError):  # OSError: Pango is missing
        return False
    return True


def as_pdf(page: str) -> bytes:
    """The page as PDF. Whatever it names by an address, but for ``data:``, is not fetched.

    Raises:
        ConfigError: If WeasyPrint or what it needs is not installed.
    """
    if not can_print():
        raise ConfigError(INSTALL)
    import weasyprint

    folder, fetcher = Path(__file__).with_name("static") / "css", _fetcher()
    said = "\n".join((folder / name).read_text(encoding="utf-8") for name in STYLES)
    style = weasyprint.CSS(string=said, url_fetcher=fetcher)
    document = weasyprint.HTML(string=page, base_url=None, url_fetcher=fetcher)
    return bytes(document.write_pdf(stylesheets=[style]))


def as_address(content: bytes, media_type: str) -> str:
    """A picture as it stands in the page."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def refuse_all_but_data(url: str) -> None:
    """Raises ``ValueError`` for every address that leads anywhere."""
    if not url.startswith("data:"):
        raise ValueError(f"{url[:200]}: the page holds all it needs")


def _fetcher() -> Any:
    """Of WeasyPrint 68 and later a class; of those before a function."""
    import weasyprint

    if not hasattr(weasyprint, "URLFetcher"):
        return _fetch_as_before

    class _DataAlone(weasyprint.URLFetcher):  # type: ignore[misc]  # WeasyPrint has no types
        def fetch(self, url: str, headers: Any = None) -> Any:
            refuse_all_but_data(url)
            return super().fetch(url, headers)

    return _DataAlone(allowed_protocols=("data",))


def _fetch_as_before(url: str, *_: object, **__: object) -> Any:
    import weasyprint

    refuse_all_but_data(url)
    return weasyprint.default_url_fetcher(url)
