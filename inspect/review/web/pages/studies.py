"""Agreement studies: planned, and what they show. The blind looks are in ``study_looks``."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.responses import Response

from taktsight.errors import DataError, ReviewError
from taktsight.inspect.review.figures.figures import Figures
from taktsight.inspect.review.people.accounts import Account
from taktsight.inspect.review.people.roles import May, may
from taktsight.inspect.review.store.values import GOOD, PartKey
from taktsight.inspect.review.studies.choosing import any_parts, named_parts, settled_parts
from taktsight.inspect.review.studies.report import Row, machine_name, report, rows_of, table_of
from taktsight.inspect.review.studies.values import Study
from taktsight.inspect.review.web import quality_charts as charts
from taktsight.inspect.review.web.figures_of import figures_of, studies_of
from taktsight.inspect.review.web.pages import study_looks
from taktsight.inspect.review.web.routes import get, post
from taktsight.inspect.review.web.visit import Visit
from taktsight.quality.agreement import Agreement

SOURCES = ("settled", "any", "named")
MOST_TEXT = 30_000


def show_all(visit: Visit) -> Response:
    """All studies; the visitor's own looks first of all."""
    return _all(visit)


def plan(visit: Visit) -> Response:
    """Plans a study: draws its parts, and hands the looks out."""
    form = visit.form
    figures = figures_of(visit)
    figures.catch_up()
    try:
        seed = secrets.randbelow(1 << 31)
        parts = _parts(visit, figures, seed)
        people = {account.name for account in visit.bench.accounts.all() if _looks(account)}
        chosen = tuple(name for name in form.fields.get("appraiser", []) if name in people)
        study = studies_of(visit).plan(
            visit.name,
            name=form.text("name", 80),
            parts=parts,
            appraisers=chosen,
            trials=_whole(visit, "trials"),
            seed=seed,
            machine=bool(form.text("machine")),
            reason=form.text("reason", 2000),
        )
    except (ReviewError, DataError) as error:
        return _all(visit, str(error))
    return visit.go(
        f"/studies/{study.id}",
        visit.words.gettext("Planned. Each appraiser finds the looks under Studies."),
    )


def show(visit: Visit) -> Response:
    """One study: how far it is, and what it shows to those who took their looks."""
    return _one(visit, study_looks.study_of(visit))


def close(visit: Visit) -> Response:
    """Ends a study; those who finished are compared."""
    study = study_looks.study_of(visit)
    try:
        studies_of(visit).close(visit.name, study.id, visit.form.text("reason", 2000))
    except ReviewError as error:
        return _one(visit, study, str(error))
    return visit.go(f"/studies/{study.id}", visit.words.gettext("The study is closed."))


def send_looks(visit: Visit) -> Response:
    """The looks as CSV, which ``taktsight study agreement`` reads."""
    study = _told(visit)
    headers = {"Content-Disposition": f'attachment; filename="study-{study.id}.csv"'}
    content = table_of(rows_of(study, figures_of(visit).index))
    return Response(content, headers=headers, media_type="text/csv; charset=utf-8")


def send_report(visit: Visit) -> Response:
    """The figures as JSON."""
    study = _told(visit)
    found = report(study, figures_of(visit).index)
    if found is None:
        raise HTTPException(404)
    headers = {"Content-Disposition": f'attachment; filename="study-{study.id}.json"'}
    content = json.dumps(found.model_dump(mode="json"), indent=1, ensure_ascii=False)
    return Response(content.encode(), headers=headers, media_type="application/json")


def _told(visit: Visit) -> Study:
    """A study whose looks the visitor may see, names among them."""
    study = study_looks.study_of(visit)
    if _is_hidden(visit, study) or not study.finished:
        raise HTTPException(403)
    visit.demand(May.SEE_NAMES)
    return study


def _all(visit: Visit, wrong: str = "") -> Response:
    return visit.page(
        "studies.html",
        422 if wrong else 200,
        studies=studies_of(visit).all(),
        people=[account for account in visit.bench.accounts.all() if _looks(account)],
        sent=visit.form,
        wrong=wrong,
    )


def _one(visit: Visit, study: Study, wrong: str = "") -> Response:
    figures = figures_of(visit)
    figures.catch_up()
    is_hidden = _is_hidden(visit, study)
    found, trouble = (None, "") if is_hidden else _report(study, figures)
    names = _names(visit, study)
    words = visit.words
    return visit.page(
        "study.html",
        422 if wrong else 200,
        study=study,
        found=found,
        trouble=trouble,
        is_hidden=is_hidden,
        names=names,
        differing=_differing(study, figures) if found and visit.may(May.SEE_NAMES) else (),
        picture=charts.effectiveness_picture(found, names, words, words.gettext("Effectiveness"))
        if found
        else None,
        kappas=_kappas(visit, found, names),
        charts=charts,
        wrong=wrong,
    )


def _report(study: Study, figures: Figures) -> tuple[Agreement | None, str]:
    try:
        return figures.kept(
            ("study", study.id, study.finished), lambda: report(study, figures.index), on_verdicts=False
        ), ""
    except DataError as error:
        return None, str(error)


def _is_hidden(visit: Visit, study: Study) -> bool:
    """Whoever still has looks to take is told nothing of the others'."""
    return study.is_open_for(visit.name)


def _names(visit: Visit, study: Study) -> dict[str, str]:
    """What each appraiser is called on the visitor's page."""
    words = visit.words
    named = {machine_name(study): words.gettext("Station")}
    for number, name in enumerate(study.appraisers, start=1):
        if name == visit.name:
            named[name] = words.gettext("You")
        else:
            hidden = words.gettext("Appraiser %(number)s") % {"number": number}
            named[name] = name if visit.may(May.SEE_NAMES) else hidden
    return named


def _kappas(visit: Visit, found: Agreement | None, names: dict[str, str]) -> object:
    if found is None:
        return None
    reference = visit.words.gettext("reference")
    rows = [
        (f"{names[each.name]} – {reference}", each.to_reference)
        for each in found.appraisers
        if each.to_reference is not None
    ]
    rows += [(f"{names[pair.first]} – {names[pair.second]}", pair.kappa) for pair in found.pairs]
    return charts.kappa_picture(rows, visit.words, visit.words.gettext("Kappa"))


@dataclass(frozen=True, slots=True)
class Differing:
    """A part that was not judged alike, or not right."""

    part: str
    reference: str
    said: tuple[tuple[str, str], ...]
    """Appraiser, and the verdicts in order of the trials."""


def _differing(study: Study, figures: Figures) -> tuple[Differing, ...]:
    by_part: dict[str, list[Row]] = {}
    for row in rows_of(study, figures.index):
        by_part.setdefault(row.part, []).append(row)
    found = []
    for part, rows in by_part.items():
        passed = {row.verdict in (GOOD, "PASS") for row in rows}
        reference = study.parts[PartKey.parse(part)]
        if len(passed) > 1 or (reference and passed != {reference == GOOD}):
            people = dict.fromkeys(row.appraiser for row in rows)
            said = tuple(
                (name, ", ".join(row.verdict for row in rows if row.appraiser == name)) for name in people
            )
            found.append(Differing(part, reference, said))
    return tuple(found[:100])


def _parts(visit: Visit, figures: Figures, seed: int) -> dict[PartKey, str]:
    source = visit.form.text("source")
    if source == "named":
        return named_parts(figures.index, visit.form.text("named", MOST_TEXT))
    parts = _whole(visit, "parts")
    if parts < 2:
        raise ReviewError(f"{parts} parts: a study has 2 at least")
    if source == "any":
        return any_parts(figures.index, parts, seed)
    return settled_parts(figures.index, figures.decided, parts, seed)


def _looks(account: Account) -> bool:
    return bool(account.enabled and may(account.role, May.DECIDE))


def _whole(visit: Visit, name: str) -> int:
    text = visit.form.text(name, 10)
    if not (text.isascii() and text.isdigit()):
        raise HTTPException(400, f"field {name} is no whole number")
    return int(text)


routes = [
    get("/studies", May.SEE, show_all),
    post("/studies", May.PLAN_STUDY, plan),
    get("/studies/{id:int}", May.SEE, show),
    post("/studies/{id:int}/close", May.PLAN_STUDY, close),
    get("/studies/{id:int}/looks.csv", May.EXPORT, send_looks),
    get("/studies/{id:int}/report.json", May.EXPORT, send_report),
    *study_looks.routes,
]
