"""The figures that a bench's pages share."""

from __future__ import annotations

from typing import cast

from taktsight.errors import ReviewError
from taktsight.inspect.review.figures.figures import Figures
from taktsight.inspect.review.studies.book import Studies
from taktsight.inspect.review.web.visit import Visit


def figures_of(visit: Visit) -> Figures:
    """Counts and figures of the bench, made when the first page asks.

    Raises:
        ReviewError: If the bench has no index of parts.
    """
    bench = visit.bench
    if bench.index is None:
        raise ReviewError("this bench was opened without its index of parts")
    return cast(Figures, bench.shared.setdefault("figures", Figures(bench.store, bench.index)))


def studies_of(visit: Visit) -> Studies:
    """The studies of the bench."""
    return cast(Studies, visit.bench.shared.setdefault("studies", Studies(visit.bench.store)))
