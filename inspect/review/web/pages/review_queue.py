"""The queue: which parts wait for somebody to look at them, why, and how well people agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.store.settings import Settings
from taktsight.inspect.review.store.values import PartKey, Why
from taktsight.inspect.review.web.asked_parts import Asked, asked_parts
from taktsight.inspect.review.web.choosing import next_offers, shown_whys, wants_blind
from taktsight.inspect.review.web.doubles import Agreed
from taktsight.inspect.review.web.routes import get, post
from taktsight.inspect.review.web.shown_parts import WHYS, address_of, show_part
from taktsight.inspect.review.web.visit import Visit
from taktsight.inspect.review.web.words import N_
from taktsight.records import Outcome

PAGE = 25
"""Parts of one page of the list."""


@dataclass(frozen=True, slots=True)
class Line:
    """One part of the list."""

    item: Any
    whys: tuple[str, ...]
    path: str
    age_s: float
    image: str | None
    """Of its first view that was kept."""


def show(visit: Visit) -> Response:
    """The list, the first part of it a click or a key away."""
    asked = asked_parts(visit.request.query_params)
    page = visit.bench.queue.page(asked.filters, after=visit.asked("after") or None, most=PAGE)
    return visit.page(
        "queue.html",
        asked=asked,
        page=page,
        lines=[_line(visit, item, asked) for item in page.items],
        choices=_choices(visit),
        quotas=quotas_of(visit.bench.store.settings()),
        why_words=WHYS,
        agreed=_agreed(visit) if visit.may(May.SEE_NAMES) else None,
        is_blind=wants_blind(visit.bench, visit.name),
    )


def go_on(visit: Visit) -> Response:
    """To the next part for this reviewer; back to the list where there is none."""
    asked = asked_parts(visit.request.query_params)
    last = visit.asked("last", 20)
    found = next_offers(visit.bench, visit.name, asked)
    if not found:
        said = visit.words.gettext("Nothing is left to review here.")
        return visit.go(f"/review?{asked.query}" if asked.query else "/review", said)
    query = asked.query + (f"&last={quote(last)}" if last else "")
    return visit.go(address_of(show_part(visit, *found[0]), query.removeprefix("&")))


def choose_blind(visit: Visit) -> Response:
    """Whether verdict and colleagues are hidden until one has decided."""
    kept = visit.bench.accounts.preferences(visit.name)
    is_blind = visit.form.text("blind") == "1"
    visit.bench.accounts.set_preferences(visit.name, {**kept, "blind": is_blind})
    on, off = N_("Verdicts are hidden until you have decided."), N_("Verdicts are shown.")
    return visit.go("/review", visit.words.gettext(on if is_blind else off))


def quotas_of(settings: Settings) -> list[tuple[Why, float]]:
    """The share of the queue that each Why gets, of all of them 1."""
    shares = {why: float(getattr(settings, f"quota_{why.value}")) for why in WHYS}
    total = sum(shares.values()) or 1.0
    return [(why, share / total) for why, share in shares.items()]


def _agreed(visit: Visit) -> Agreed:
    known = visit.bench.queue.known

    def truth_of_golden(key: PartKey) -> str | None:
        found = known.part(key)
        return found.truth if found else None

    return visit.bench.doubles.of(visit.bench.store, truth_of_golden)


def _choices(visit: Visit) -> dict[str, list[tuple[str, str]]]:
    """What each filter can be, "any" first."""
    index = visit.bench.index
    names = {"station": index.stations(), "label": index.labels(), "lot": index.lots()}
    names["outcome"] = tuple(each.value for each in Outcome)
    found = {name: [(value, value) for value in values] for name, values in names.items()}
    found["why"] = [(why.value, visit.words.gettext(said)) for why, said in WHYS.items()]
    return {name: [("", visit.words.gettext("any")), *pairs] for name, pairs in found.items()}


def _line(visit: Visit, item: Any, asked: Asked) -> Line:
    row = item.part
    frame = next((frame for frame in row.frames.values() if frame.is_kept and frame.width), None)
    made = datetime.fromisoformat(row.utc.replace("Z", "+00:00"))
    tail = f"?{asked.query}" if asked.query else ""
    return Line(
        item=item,
        whys=tuple(WHYS[why] for why in shown_whys(row, item.whys)),
        path=f"/review/{quote(str(row.key), safe='')}{tail}",
        age_s=(datetime.now(timezone.utc) - made).total_seconds(),
        image=frame.image_id if frame else None,
    )


routes = [
    get("/review", May.SEE, show),
    get("/review/next", May.DECIDE, go_on),
    post("/review/blind", May.DECIDE, choose_blind),
]
