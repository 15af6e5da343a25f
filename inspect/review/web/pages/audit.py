"""The audit of what passed: draw it, see how far it is, and which share of escapes it excludes by now."""

from __future__ import annotations

import csv
import io
import time
import uuid
from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.responses import Response

from taktsight.errors import ConfigError, DataError, ReviewError
from taktsight.inspect.review.audits.drawing import AuditAsked, audits, draw_audit, enlarge, keep_list
from taktsight.inspect.review.audits.progress import Looked, Now, now
from taktsight.inspect.review.audits.values import BY, Audit
from taktsight.inspect.review.figures.figures import Figures
from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.store.values import GOOD, Choice, Conflict, NewDecision, PartKey, Why
from taktsight.inspect.review.web import quality_charts as charts
from taktsight.inspect.review.web.drawing import with_query
from taktsight.inspect.review.web.figures_of import figures_of
from taktsight.inspect.review.web.routes import get, post
from taktsight.inspect.review.web.visit import Visit
from taktsight.quality.audit_file import COLUMNS

ROWS = 25
USUAL_PARTS, USUAL_PPM = "300", "10000"
LONGEST_MS = 3_600_000


def show(visit: Visit) -> Response:
    """The newest audit, or the one that ``audit`` names."""
    return _show(visit)


def plan(visit: Visit) -> Response:
    """Draws an audit."""
    figures = figures_of(visit)
    try:
        audit = draw_audit(figures.store, figures.index, visit.name, _asked(visit))
    except (ReviewError, DataError, ConfigError) as error:
        return _show(visit, str(error))
    drawn = visit.words.ngettext(
        "%(count)s part was drawn.", "%(count)s parts were drawn.", len(audit.parts)
    )
    return visit.go("/audit", drawn % {"count": len(audit.parts)})


def grow(visit: Visit) -> Response:
    """Draws more parts of the same population; what was looked at counts on."""
    figures = figures_of(visit)
    audit = _audit(audits(figures.store), visit.form.text("audit"))
    try:
        enlarge(figures.store, figures.index, visit.name, audit, _whole(visit, "parts"))
    except (ReviewError, DataError, ConfigError) as error:
        return _show(visit, str(error))
    return visit.go("/audit", visit.words.gettext("The audit is larger now; what was looked at counts on."))


def look(visit: Visit) -> Response:
    """Records what somebody saw who looked at the part itself."""
    figures, form = figures_of(visit), visit.form
    audit = _audit(audits(figures.store), form.text("audit"))
    try:
        part = PartKey.parse(form.text("part"))
        if part not in {each.key for each in audit.parts}:
            raise ReviewError(f"part {part} is not in this audit")
        is_good = form.text("truth") == GOOD
        label = None if is_good else form.text("label", 100)
        if not is_good and not label:
            raise ReviewError(visit.words.gettext("Say which defect the part has."))
        new = NewDecision(
            part=part,
            choice=Choice.CONFIRM if is_good else Choice.MISSED_DEFECT,
            label=label,
            note=form.text("note", 4000),
            marks=(),
            why=Why.AUDIT,
            blind=False,
            request_id=form.text("request_id", 64),
            seen=_whole(visit, "seen"),
            shown_ms=_shown_ms(visit),
        )
        figures.store.decide(visit.name, new)
    except Conflict as conflict:
        return _show(visit, str(conflict), status=409)
    except ReviewError as error:
        return _show(visit, str(error))
    return visit.go(f"/audit?audit={audit.id}#next", visit.words.gettext("Written down."))


def send_list(visit: Visit) -> Response:
    """The list as CSV: ``taktsight audit estimate`` reads it once every part has its truth."""
    figures = figures_of(visit)
    figures.catch_up()
    audit = _audit(audits(figures.store), visit.path("id"))
    found = now(audit, figures.decided)
    drawn = {stratum.name: stratum.drawn for stratum in found.strata}
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*COLUMNS, "serial"))
    for part in found.parts:
        name = part.drawn.stratum
        counts = (audit.strata[name], drawn[name])
        writer.writerow((part.drawn.key, name, *counts, part.truth or "", _as_text(part.drawn.serial)))
    headers = {"Content-Disposition": f'attachment; filename="audit-{audit.id}.csv"'}
    return Response(text.getvalue().encode(), headers=headers, media_type="text/csv; charset=utf-8")


def _show(visit: Visit, wrong: str = "", status: int = 422) -> Response:
    figures = figures_of(visit)
    is_counted = figures.catch_up()
    known = audits(figures.store)
    audit = _audit(known, visit.asked("audit") or visit.form.text("audit")) if known else None
    found = _now(figures, audit) if audit else None
    if audit is not None:
        keep_list(figures.index, audit)
    start = visit.asked_number("from")
    return visit.page(
        "audit.html",
        status if wrong else 200,
        is_counted=is_counted,
        audits=list(reversed(known)),
        now=found,
        is_newest=bool(known) and audit == known[-1],
        rows=found.parts[start : start + ROWS] if found else (),
        earlier=with_query(visit.request, **{"from": max(0, start - ROWS)}) if start else "",
        later=with_query(visit.request, **{"from": start + ROWS})
        if found and start + ROWS < len(found.parts)
        else "",
        picture=charts.bound_picture(found, visit.words, visit.words.gettext("Bound on escapes"))
        if found
        else None,
        next=_next(figures, found),
        labels=figures.index.labels(),
        runs=figures.tally.runs()[:200],
        by=BY,
        usual={"parts": USUAL_PARTS, "ppm": USUAL_PPM},
        wrong=wrong,
        good=GOOD,
    )


def _now(figures: Figures, audit: Audit) -> Now:
    return figures.kept(("audit", audit.id), lambda: now(audit, figures.decided), on_verdicts=False)


def _next(figures: Figures, found: Now | None) -> dict[str, object] | None:
    """The part to look at now, and what a form about it carries."""
    part: Looked | None = found.next if found else None
    if part is None:
        return None
    spoken = figures.decided.of(part.drawn.key)
    return {
        "part": part.drawn,
        "has_picture": _has_picture(figures, part),
        "request_id": str(uuid.uuid4()),
        "seen": spoken.opinions[-1].id if spoken else 0,
        "shown": round(time.time() * 1000),
    }


def _has_picture(figures: Figures, part: Looked) -> bool:
    row = figures.index.part(part.drawn.key)
    return row is not None and any(frame.is_kept for frame in row.frames.values())


def _audit(known: Sequence[Audit], number: str) -> Audit:
    """The one of this number; the newest where none is named.

    Raises:
        HTTPException: 404 if there is none.
    """
    found = next((audit for audit in known if str(audit.id) == number), None) if number else None
    if found is None and (number or not known):
        raise HTTPException(404)
    return found or known[-1]


def _asked(visit: Visit) -> AuditAsked:
    form = visit.form
    return AuditAsked(
        parts=_whole(visit, "parts"),
        claim_ppm=form.number("claim_ppm"),
        seed=_whole(visit, "seed") if form.text("seed") else None,
        by=form.text("by"),
        allocation=form.text("allocation") or "proportional",
        run=form.text("run"),
        since=form.text("since"),
        reason=form.text("reason", 2000),
    )


def _whole(visit: Visit, name: str) -> int:
    text = visit.form.text(name, 20)
    if not (text.isascii() and text.isdigit()):
        raise HTTPException(400, f"field {name} is no whole number")
    return int(text)


def _shown_ms(visit: Visit) -> int:
    shown = visit.form.text("shown", 20)
    since = round(time.time() * 1000) - int(shown) if shown.isascii() and shown.isdigit() else 0
    return max(0, min(since, LONGEST_MS))


def _as_text(cell: str) -> str:
    """A serial that a spreadsheet would take for a formula is quoted as text."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t") else cell


routes = [
    get("/audit", May.SEE, show),
    post("/audit", May.PLAN_STUDY, plan),
    post("/audit/grow", May.PLAN_STUDY, grow),
    post("/audit/look", May.DECIDE, look),
    get("/audit/{id}.csv", May.EXPORT, send_list),
]
