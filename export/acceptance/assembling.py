"""From what was given to the whole report: each criterion, and what is not shown and why."""

from __future__ import annotations

from taktsight import __version__
from taktsight.errors import ConfigError
from taktsight.export.acceptance.decisions import NOT_GIVEN, in_a_sentence
from taktsight.export.acceptance.document import (
    Acceptance,
    NotShown,
    Subject,
)
from taktsight.export.acceptance.given import CONFIDENCE, Given
from taktsight.export.acceptance.judged_line import line_criteria
from taktsight.export.acceptance.judged_rates import certified_criteria, rate_criteria
from taktsight.export.acceptance.judged_studies import study_criteria
from taktsight.export.acceptance.sections import population_of, production_of, rates_of, subject_of

NAMES = {
    "certificate": "certificate",
    "criteria": "agreed criteria",
    "book": "defect catalogue",
    "scores": "score histograms and trade-off",
    "lots": "rates by lot",
    "stations": "rates by station",
    "sizes": "rates by size of the defect",
    "days": "range of dates of the parts",
    "pod": "probability of detection by size",
    "agreement": "agreement of people and machine",
    "gage": "gage R&R",
    "ledger": "cycle times and verdicts of the line",
    "chart": "control chart",
    "pareto": "Pareto of labels",
    "repeats": "repeatability of the station",
    "audit": "escapes in production",
    "drift": "drift",
    "station": "station",
}


def assemble(given: Given) -> Acceptance:
    """The report.

    Raises:
        ConfigError: If nothing says which day it is of.
        DataError: If a kind of figures cannot be made of what was given.
    """
    rates = rates_of(given)
    production = production_of(given)
    criteria = [
        *rate_criteria(given.criteria, rates, given.standing),
        *certified_criteria(given.standing),
        *study_criteria(given.criteria, given.pod, given.agreement, given.gage, given.not_shown),
        *line_criteria(given.criteria, production, given.recorded, given.audit),
    ]
    subject = subject_of(given)
    return Acceptance(
        taktsight=__version__,
        date=_date(given),
        title=f"Acceptance test of the inspection of {subject.product}",
        verdict=in_a_sentence(criteria),
        confidence=CONFIDENCE,
        task=given.criteria.task or _task(subject),
        agreed=given.criteria.agreed,
        subject=subject,
        catalogue=given.catalogue,
        catalogue_source=given.catalogue_source,
        standing=given.standing,
        population=population_of(given),
        criteria=tuple(criteria),
        rates=rates,
        pod=given.pod,
        agreement=given.agreement,
        gage=given.gage,
        audit=given.audit[0] if given.audit else None,
        production=production,
        drift=given.drift,
        drift_source=given.drift_source,
        not_shown=_not_shown(given),
        signatories=given.criteria.signatories,
        sources=given.sources.listed,
    )


def _task(subject: Subject) -> str:
    labels = ", ".join(subject.labels)
    views = "one view" if len(subject.views) == 1 else f"{len(subject.views)} views"
    return (
        f"Each {subject.product} is judged from {views}. A part with any of the defects {labels} must not "
        "pass; a part without them must."
    )


def _not_shown(given: Given) -> tuple[NotShown, ...]:
    """What a reader would look for and not find."""
    said = dict(given.not_shown)
    absent = {
        "pod": given.pod,
        "agreement": given.agreement,
        "gage": given.gage,
        "audit": given.audit,
        "ledger": given.recorded,
    }
    for section, there in absent.items():
        if there is None:
            said.setdefault(section, NOT_GIVEN[section])
    if given.standing is None:
        said["certificate"] = "the bundle has none; 'taktsight certify' makes one"
    if not given.catalogue:
        said["book"] = "no defect book was given (--book), and the bundle's card describes no label"
    parts = given.measured.parts
    for section, column in (("lots", "lot"), ("stations", "station")):
        if parts.group(column) is None:
            said.setdefault(section, f"nothing says the {column} of the parts (column {column})")
    if parts.size_mm is None:
        said.setdefault("sizes", "nothing says the size of their defects (column size_mm)")
    if not given.measured.first:
        said.setdefault("days", "nothing says when the parts were taken (column time)")
    if given.station is None:
        said.setdefault("station", "no station file was given (--station)")
    order = list(NAMES)
    return tuple(
        NotShown(what=NAMES[section], why=said[section]) for section in sorted(said, key=order.index)
    )


def _date(given: Given) -> str:
    """Of the report: as it was said, else of the newest thing it is made of that has one."""
    if given.date:
        return given.date
    days = [given.measured.last] if given.measured.last else []
    if given.standing is not None:
        days.append(given.standing.certificate.issued.isoformat())
    if given.recorded is not None:
        days.append(max(row["utc"] for row in given.recorded.rows)[:10])
    if not days:
        raise ConfigError("nothing that was given says which day it is of: say it with --date 2027-03-01")
    return max(days)
