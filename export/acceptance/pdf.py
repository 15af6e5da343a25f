"""The page as PDF, set by WeasyPrint: the same words and pictures, with page numbers."""

from __future__ import annotations

import logging

from taktsight.errors import ConfigError

INSTALL = (
    "the PDF is set by WeasyPrint: pip install 'taktsight[report]', and Pango from the system (Debian, "
    "Ubuntu: apt install libpango-1.0-0 libpangoft2-1.0-0); or leave the PDF out with --no-pdf"
)


def check_pdf() -> None:
    """Raises ``ConfigError`` that says what to install where no PDF can be made."""
    for name in ("weasyprint", "weasyprint.progress", "fontTools"):
        # They tell each step, and each rule of the screen's style that paper has no use for.
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        import weasyprint
    except ModuleNotFoundError as error:
        raise ConfigError(f"{error.name} is not installed; {INSTALL}") from error
    except OSError as error:  # a shared library of the system is missing
        raise ConfigError(f"a library of the system is missing ({error}); {INSTALL}") from error
    del weasyprint


def as_pdf(page: str) -> bytes:
    """The page, which needs no other file.

    Raises:
        ConfigError: If WeasyPrint or what it needs is not installed.
    """
    check_pdf()
    import weasyprint

    return bytes(weasyprint.HTML(string=page, url_fetcher=_nothing).write_pdf())


def _nothing(url: str, *_: object, **__: object) -> dict[str, object]:
    raise ValueError(f"{url}: the page holds all it needs")
