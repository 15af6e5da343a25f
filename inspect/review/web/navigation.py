"""The pages in the order in which they are offered. An entry is shown once a page answers to its path."""

from __future__ import annotations

from dataclasses import dataclass

from taktsight.inspect.review.web.words import N_


@dataclass(frozen=True, slots=True)
class Entry:
    """One place to go to."""

    path: str
    label: str


NAVIGATION = (
    Entry("/", N_("Wall")),
    Entry("/review", N_("Review")),
    Entry("/parts", N_("Parts")),
    Entry("/audit", N_("Audit")),
    Entry("/studies", N_("Studies")),
    Entry("/quality", N_("Quality")),
    Entry("/models", N_("Models")),
    Entry("/stations", N_("Station")),
    Entry("/log", N_("Log")),
    Entry("/people", N_("People")),
    Entry("/help", N_("Help")),
)
