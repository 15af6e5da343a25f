"""What the bench's script asks for, as JSON. Described by openapi.yaml, which is served beside it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from starlette.exceptions import HTTPException
from starlette.responses import Response

from taktsight.errors import ReviewError, TaktsightError
from taktsight.inspect.review.parts.rows import PartRow
from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.pictures.nearest import GOLDEN, TRAINED, Example
from taktsight.inspect.review.pictures.overlays import Overlay
from taktsight.inspect.review.pictures.pictures import Described
from taktsight.inspect.review.store.values import GOOD, Conflict, Decision, PartKey
from taktsight.inspect.review.web.asked_parts import asked_parts
from taktsight.inspect.review.web.choosing import next_offers, offers_of
from taktsight.inspect.review.web.pages.bench_page import offer_asked, part_asked
from taktsight.inspect.review.web.routes import Open, get, post
from taktsight.inspect.review.web.sent_decisions import MOST_BYTES, decide, sent_json
from taktsight.inspect.review.web.shown_parts import as_item, show_part, told
from taktsight.inspect.review.web.visit import Visit
from taktsight.inspect.review.web.words import N_

DESCRIPTION = Path(__file__).parent.parent / "openapi.yaml"
MOST_AHEAD = 4
SOURCES = {GOLDEN: N_("golden sample"), TRAINED: N_("training example")}
MOST_NAMED = 64


def decide_by_script(visit: Visit) -> Response:
    """Records a decision: on the disk once this is answered. The same request_id is the same decision."""
    try:
        sent = sent_json(visit, visit.form.json)
        decision = decide(visit, sent)
    except Conflict as conflict:
        offer = offers_of(visit.bench).seal(replace(sent.offer, seen=conflict.other.id))
        other = _told(visit, conflict.other)
        return visit.json({"error": str(conflict), "other": other, "offer": offer}, 409)
    except ReviewError as error:
        return visit.json({"error": str(error)}, 422)
    return visit.json({"decision": decision.id, "part": str(decision.part), "utc": decision.utc})


def undo_by_script(visit: Visit) -> Response:
    """Takes a decision back; it stands in the log as before, with the undoing after it."""
    sent = visit.form.json
    number = sent.get("decision") if isinstance(sent, dict) else None
    reason = sent.get("reason", "") if isinstance(sent, dict) else ""
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 1 << 62:
        return visit.json({"error": "decision is the number of one"}, 422)
    if not isinstance(reason, str) or len(reason) > 500:
        return visit.json({"error": "reason is a text of 500 characters at most"}, 422)
    try:
        undone = visit.bench.store.undo(visit.name, number, reason)
    except ReviewError as error:
        return visit.json({"error": str(error)}, 409)
    return visit.json({"undone": undone.id, "part": str(undone.part)})


def next_parts(visit: Visit) -> Response:
    """The next parts of the queue, each offered to whoever asks."""
    asked = asked_parts(visit.request.query_params)
    most = min(max(visit.asked_number("most", 1), 1), MOST_AHEAD)
    found = next_offers(visit.bench, visit.name, asked, most, _keys(visit, "held"), _keys(visit, "besides"))
    visit.bench.pictures.prepare([frame.image_id for row, _ in found for frame in row.frames.values()])
    return visit.json({"items": [as_item(visit, show_part(visit, *each), asked.query) for each in found]})


def one_part(visit: Visit) -> Response:
    """One part, as the address of its page names it."""
    row = part_asked(visit)
    query = asked_parts(visit.request.query_params).query
    return visit.json(as_item(visit, show_part(visit, row, offer_asked(visit, row)), query))


def overlay(visit: Visit) -> Response:
    """What the bundle finds in a frame: a heat map by label, and the outlines of each defect.

    It is judged again where nobody asked before; until that is done it says so, and can be asked again.
    """
    image = visit.path("image")
    try:
        found: Overlay = visit.bench.pictures.overlay(image, wait_s=0.0)
    except TaktsightError as error:
        return visit.json({"error": str(error)}, 404)
    labels = [_label(image, found, place) for place in range(len(found.labels))]
    return visit.json({"is_ready": found.is_ready, "why": found.why, "labels": labels})


def about(visit: Visit) -> Response:
    """Whether a frame is the one that was judged, and a good golden sample of the same view."""
    image, pictures = visit.path("image"), visit.bench.pictures
    try:
        fault = pictures.describe(image).fault
        good = next((each for each in pictures.golden(image) if each.truth == GOOD), None)
        golden = pictures.describe(good.image_id) if good else None
    except TaktsightError as error:
        return visit.json({"error": str(error)}, 404)
    return visit.json({"fault": fault, "golden": _frame(golden) if golden else None})


def nearest(visit: Visit) -> Response:
    """The examples that look most like a frame, with what each of them is."""
    try:
        found = visit.bench.pictures.nearest(visit.path("image"))
    except TaktsightError as error:
        return visit.json({"error": str(error)}, 404)
    return visit.json({"examples": [_example(visit, each) for each in found]})


def search(visit: Visit) -> Response:
    """Parts by the beginning of their serial, or RUN:TRIGGER."""
    found = visit.bench.index.search(visit.asked("q"), most=min(max(visit.asked_number("most", 20), 1), 50))
    return visit.json({"parts": [_found(row) for row in found], "is_all": found.is_all})


def describe(visit: Visit) -> Response:
    """The interface, as OpenAPI describes it."""
    return visit.json(description())


@cache
def description() -> Any:
    """The description, read once."""
    return yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))


def _frame(golden: Described) -> dict[str, Any]:
    size = {"width": golden.width, "height": golden.height, "tile_px": golden.tile_px}
    return {"image": golden.image_id} | size


def _keys(visit: Visit, name: str) -> list[PartKey]:
    """Parts that the address names, with commas between them."""
    try:
        return [PartKey.parse(text) for text in visit.asked(name, 8000).split(",")[:MOST_NAMED] if text]
    except ReviewError as error:
        raise HTTPException(400, str(error)) from error


def _told(visit: Visit, decision: Decision) -> dict[str, Any]:
    previous = told(visit, decision)
    return {
        "who": previous.who,
        "said": previous.said,
        "note": decision.note,
        "utc": decision.utc,
        "when": visit.words.moment(decision.utc),
    }


def _label(image: str, found: Overlay, place: int) -> dict[str, Any]:
    label = found.labels[place]
    return {
        "label": label,
        "map": f"/pictures/{image}/maps/{place}" if label in found.maps else None,
        "map_box_px": list(found.map_box_px),
        "contours": [
            {"points": each.points, "score": each.score, "area_mm2": each.area_mm2}
            for each in found.contours
            if each.label == label
        ],
    }


def _example(visit: Visit, each: Example) -> dict[str, Any]:
    truth = visit.words.gettext("good") if each.truth == GOOD else each.truth
    source = visit.words.gettext(SOURCES[each.source]) if each.source in SOURCES else each.source
    return {"image": each.image_id, "said": f"{truth} · {source}", "distance": each.distance}


def _found(row: PartRow) -> dict[str, Any]:
    return {
        "part": str(row.key),
        "serial": row.serial or "",
        "outcome": row.outcome.value,
        "utc": row.utc,
        "image": next((frame.image_id for frame in row.frames.values() if frame.is_kept), None),
    }


routes = [
    post("/api/decide", May.DECIDE, decide_by_script, most_bytes=MOST_BYTES),
    post("/api/undo", May.DECIDE, undo_by_script),
    get("/api/next", May.DECIDE, next_parts),
    get("/api/parts/{id}", May.SEE, one_part),
    get("/api/overlay/{image}", May.SEE, overlay, pool="pictures"),
    get("/api/about/{image}", May.SEE, about, pool="pictures"),
    get("/api/nearest/{image}", May.SEE, nearest, pool="pictures"),
    get("/api/search", May.SEE, search),
    get("/api/openapi.json", Open.SIGNED_IN, describe),
]
