"""Quality of station and reviews: what is flagged, whether that changes, what escapes, who agrees."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from taktsight.errors import DataError, ReviewError
from taktsight.inspect.review.audits.drawing import audits
from taktsight.inspect.review.audits.progress import Now, now
from taktsight.inspect.review.figures import frozen
from taktsight.inspect.review.figures.agreeing import LEAST_PARTS, Together, together
from taktsight.inspect.review.figures.control import KINDS, PER, Asked, Charted, Kind, charted, usual_per
from taktsight.inspect.review.figures.escapes import Rates, rates
from taktsight.inspect.review.figures.figures import Figures
from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.store.values import GOOD, PartKey
from taktsight.inspect.review.web import quality_charts as drawn
from taktsight.inspect.review.web.figures_of import figures_of
from taktsight.inspect.review.web.routes import get, post
from taktsight.inspect.review.web.visit import Visit
from taktsight.quality.pareto import ParetoRow, pareto
from taktsight.records import Outcome

COUNTED = (Outcome.REJECT, Outcome.REVIEW, Outcome.UNINSPECTED)
LEAST_PEOPLE = 3
"""Of whom a figure is told to somebody who may not see names: of two, each would know the other's."""
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Seen:
    """The page's figures of verdicts."""

    outcomes: Counter[Outcome]
    flagged: tuple[ParetoRow, ...]
    """What the station flagged parts for."""
    found: tuple[ParetoRow, ...]
    """What reviewers found."""


def show(visit: Visit) -> Response:
    """The whole page; its filters stand in the address."""
    return _show(visit)


def freeze(visit: Visit) -> Response:
    """Freezes the limits of the chart that is shown, or releases them."""
    figures = figures_of(visit)
    figures.catch_up()
    asked = _asked(figures, visit.form.text)
    why = visit.form.text("why", 2000)
    try:
        if visit.form.text("release"):
            frozen.release(figures.store, visit.name, asked, why)
            said = visit.words.gettext("Released: limits come from the points shown again.")
        else:
            frozen.freeze(figures.store, visit.name, asked, _charted(figures, asked), why)
            said = visit.words.gettext("Frozen: later points are held against these limits.")
    except (ReviewError, DataError) as error:
        return _show(visit, str(error), asked)
    query = f"kind={asked.kind}&counted={asked.counted.value}&per={asked.per}&run={asked.run}"
    return visit.go(f"/quality?{query}#control", said)


def _show(visit: Visit, wrong: str = "", asked: Asked | None = None) -> Response:
    figures = figures_of(visit)
    is_counted = figures.catch_up()
    asked = asked or _asked(figures, visit.asked)
    since = visit.asked("since") if _DAY.fullmatch(visit.asked("since")) else ""
    seen = figures.kept(("seen", asked.run, since), lambda: _seen(figures, asked.run, since))
    chart, chart_wrong = _chart(figures, asked)
    audit = figures.kept("audit", lambda: _newest_audit(figures), on_verdicts=False)
    people = figures.kept(
        "together", lambda: together(figures.decided.parts(), _golden(visit)), on_verdicts=False
    )
    return visit.page(
        "quality.html",
        422 if wrong else 200,
        is_counted=is_counted,
        parts=figures.tally.parts,
        runs=figures.tally.runs()[:200],
        asked=asked,
        since=since,
        seen=seen,
        pictures=_pictures(visit, seen, chart),
        chart=chart,
        chart_wrong=chart_wrong,
        spoken=None if chart is None else drawn.said_of(chart, visit.words),
        now=audit[0] if audit else None,
        rates=audit[1] if audit else None,
        people=_allowed(visit, people),
        kappas=_kappa_picture(visit, people),
        drawn=drawn,
        choices={"kinds": KINDS, "counted": COUNTED, "per": PER},
        least_parts=LEAST_PARTS,
        wrong=wrong,
    )


def _asked(figures: Figures, read: Callable[[str], str]) -> Asked:
    """The chart that an address or a form names; what it does not name is usual."""
    value = {name: read(name) for name in ("kind", "counted", "per", "run")}
    kind: Kind = next((each for each in KINDS if each == value["kind"]), "p")
    counted = next((each for each in COUNTED if each.value == value["counted"]), Outcome.REJECT)
    run = value["run"] if value["run"] in figures.tally.runs() else ""
    per = (
        int(value["per"]) if value["per"] in {str(each) for each in PER} else usual_per(figures.tally, run)
    )
    return Asked(kind, counted, per, run=run)


def _seen(figures: Figures, run: str, since: str) -> Seen:
    counted = figures.tally.counted(run, since)
    labels: Counter[str] = Counter()
    for outcome in (Outcome.REJECT, Outcome.REVIEW):
        labels.update(counted.labels.get(outcome, Counter()))
    found = Counter(
        part.truth
        for part in figures.decided.parts()
        if part.truth and part.truth != GOOD and run in ("", part.key.run)
    )
    return Seen(
        counted.outcomes,
        pareto(dict(labels)) if labels else (),
        pareto({str(label): float(count) for label, count in found.items()}) if found else (),
    )


def _chart(figures: Figures, asked: Asked) -> tuple[Charted | None, str]:
    try:
        return figures.kept(
            ("chart", asked, _frozen_row(figures, asked)), lambda: _charted(figures, asked)
        ), ""
    except DataError as error:
        return None, str(error)


def _frozen_row(figures: Figures, asked: Asked) -> str:
    held = frozen.frozen_limits(figures.store, asked)
    return held.frozen_utc if held else ""


def _charted(figures: Figures, asked: Asked) -> Charted:
    return charted(figures.tally, figures.index, asked, frozen.frozen_limits(figures.store, asked))


def _newest_audit(figures: Figures) -> tuple[Now, Rates] | None:
    drawn_audits = audits(figures.store)
    if not drawn_audits:
        return None
    newest = now(drawn_audits[-1], figures.decided)
    return newest, rates(newest)


def _pictures(visit: Visit, seen: Seen, chart: Charted | None) -> dict[str, object]:
    words = visit.words
    return {
        "flagged": drawn.pareto_picture(
            seen.flagged, words, words.gettext("What the station flagged parts for")
        ),
        "found": drawn.pareto_picture(seen.found, words, words.gettext("What reviewers found")),
        "control": drawn.control_picture(chart, words, words.gettext("Control chart")) if chart else None,
    }


def _golden(visit: Visit) -> Callable[[PartKey], str | None]:
    """What golden samples are, where the bench has a queue that shows some."""
    queue = visit.bench.queue

    def truth(key: PartKey) -> str | None:
        known = None if queue is None else queue.known.part(key)
        return None if known is None else str(known.truth)

    return truth


@dataclass(frozen=True, slots=True)
class Allowed:
    """What of the agreement the visitor may see."""

    all: Together | None
    """None where so few people reviewed that a figure would tell of one of them."""
    reviewers: tuple[object, ...]
    """Everybody's rows, or the visitor's own."""
    has_names: bool


def _allowed(visit: Visit, people: Together) -> Allowed:
    if visit.may(May.SEE_NAMES):
        return Allowed(people, people.reviewers, has_names=True)
    own = tuple(each for each in people.reviewers if each.name == visit.name)
    return Allowed(people if people.people >= LEAST_PEOPLE else None, own, has_names=False)


def _kappa_picture(visit: Visit, people: Together) -> object:
    if not visit.may(May.SEE_NAMES):
        return None
    rows = [(f"{pair.first} – {pair.second}", pair.kappa) for pair in people.pairs]
    return drawn.kappa_picture(rows, visit.words, visit.words.gettext("Kappa of two reviewers"))


routes = [
    get("/quality", May.SEE, show),
    post("/quality/limits", May.CHANGE_SETTINGS, freeze),
]
