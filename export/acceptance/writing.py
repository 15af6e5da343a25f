"""Writes the report: HTML for the screen, PDF for the file, JSON for programs."""

from __future__ import annotations

import json
from pathlib import Path

from taktsight.errors import ConfigError
from taktsight.export.acceptance.document import Acceptance
from taktsight.export.acceptance.given import Pictured
from taktsight.export.acceptance.page import printed, rendered, themed
from taktsight.export.acceptance.pdf import as_pdf
from taktsight.whole_files import whole_file

STEM = "acceptance"


def write_acceptance(
    folder: Path, report: Acceptance, pictured: Pictured, *, is_pdf: bool = True
) -> tuple[Path, ...]:
    """Writes ``acceptance.html``, ``.json`` and, if asked for, ``.pdf``; returns their paths.

    Raises:
        ConfigError: If a file cannot be written, or no PDF can be made here.
    """
    page = rendered(report, pictured)
    figures = json.dumps(report.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False)
    contents = {"html": themed(page).encode(), "json": figures.encode() + b"\n"}
    if is_pdf:
        contents["pdf"] = as_pdf(printed(page))
    written = []
    for kind, content in contents.items():
        path = folder / f"{STEM}.{kind}"
        try:
            with whole_file(path) as file:
                file.write(content)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
        written.append(path)
    return tuple(written)
