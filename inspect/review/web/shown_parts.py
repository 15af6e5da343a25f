"""What the bench shows of one part: to the page, to the script, and to whoever reviews blind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from taktsight.inspect.review.parts.rows import FrameRef, PartRow
from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.pictures.pyramid import TILE_PX
from taktsight.inspect.review.store.values import Choice, Decision, Why
from taktsight.inspect.review.web.choosing import offers_of
from taktsight.inspect.review.web.drawing import draw
from taktsight.inspect.review.web.offers import Offer
from taktsight.inspect.review.web.visit import Visit
from taktsight.inspect.review.web.words import N_
from taktsight.records import Outcome

WHYS = {
    Why.REJECT: N_("Reject"),
    Why.REVIEW: N_("Unsure band"),
    Why.UNINSPECTED: N_("Uninspected"),
    Why.AUDIT: N_("Audit sample"),
    Why.DISAGREEMENT: N_("Disagreement"),
    Why.DRIFT: N_("Drift"),
}
CHOICES = {
    Choice.CONFIRM: N_("Confirmed"),
    Choice.FALSE_REJECT: N_("False reject"),
    Choice.MISSED_DEFECT: N_("Missed defect"),
    Choice.ESCALATE: N_("Escalated"),
    Choice.SKIP: N_("Skipped"),
}


@dataclass(frozen=True, slots=True)
class Previous:
    """A decision on the part, as its page tells it."""

    decision: Decision
    who: str
    said: str
    is_mine: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """One part on the bench."""

    row: PartRow
    offer: Offer
    sealed: str
    frames: tuple[FrameRef, ...]
    labels: tuple[str, ...]
    """That a reviewer may choose from."""
    previous: tuple[Previous, ...]
    busy: str
    """Who else looks at it now; empty where nobody does."""

    @property
    def whys(self) -> tuple[str, ...]:
        """In words; nothing where they are hidden."""
        return () if self.offer.is_hidden else (WHYS[self.offer.why],)

    @property
    def needs_label(self) -> bool:
        """Whether who confirms has to name the defect: no verdict is shown that names it."""
        return self.offer.is_hidden or self.row.outcome is Outcome.UNINSPECTED


def show_part(visit: Visit, row: PartRow, offer: Offer, busy: str = "") -> Shown:
    """Everything that this reviewer may see of it."""
    made = () if offer.is_hidden else visit.bench.store.decisions_of(row.key)
    previous = tuple(told(visit, each) for each in made if not each.blind or each.reviewer == visit.name)
    named = {label for scores in row.scores.values() for label in scores} or set(visit.bench.index.labels())
    return Shown(
        row=row,
        offer=offer,
        sealed=offers_of(visit.bench).seal(offer),
        frames=tuple(frame for frame in row.frames.values() if frame.is_kept and frame.width),
        labels=tuple(sorted(named)),
        previous=previous,
        busy=busy if visit.may(May.SEE_NAMES) or not busy else visit.words.gettext("A colleague"),
    )


def told(visit: Visit, decision: Decision) -> Previous:
    """A decision in words; colleagues' names for whoever may see them."""
    gettext = visit.words.gettext
    is_mine = decision.reviewer == visit.name
    who = gettext("You") if is_mine else decision.reviewer
    if not is_mine and not visit.may(May.SEE_NAMES):
        who = gettext("A colleague")
    said = gettext(CHOICES[decision.choice])
    what = gettext("good") if decision.truth == "good" else decision.truth
    return Previous(decision, who, f"{said}: {what}" if what else said, is_mine)


def address_of(shown: Shown, query: str) -> str:
    """Where its page is, with the filters that led to it."""
    tail = f"&{query}" if query else ""
    return f"/review/{quote(str(shown.row.key), safe='')}?offer={shown.sealed}{tail}"


def as_item(visit: Visit, shown: Shown, query: str) -> dict[str, Any]:
    """The part for the script: its frames, and the panel beside them as it is on the page."""
    return {
        "part": str(shown.row.key),
        "serial": shown.row.serial or "",
        "url": address_of(shown, query),
        "offer": shown.sealed,
        "is_hidden": shown.offer.is_hidden,
        "needs_label": shown.needs_label,
        "labels": list(shown.labels),
        "views": [_view(shown, frame) for frame in shown.frames],
        "panel": draw(visit, "bench_panel.html", {"shown": shown, "query": query}),
    }


def _view(shown: Shown, frame: FrameRef) -> dict[str, Any]:
    return {
        "view": frame.view,
        "image": frame.image_id,
        "width": frame.width,
        "height": frame.height,
        "tile_px": TILE_PX,
        "has_overlay": not shown.offer.is_hidden,
    }


def levels_of(width: int, height: int) -> int:
    """The Deep Zoom level at which a frame is shown pixel by pixel."""
    return max(0, (max(width, height) - 1).bit_length())


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile of a picture that is drawn without a script, in pixels of the frame."""

    url: str
    x: int
    y: int
    width: int
    height: int


def tiles_at(frame: FrameRef, most_px: int) -> Sequence[Tile]:
    """The tiles of the level that has this many pixels at most on its longer side."""
    top = levels_of(frame.width, frame.height)
    level = min(top, max(most_px, 1).bit_length() - 1)
    step = TILE_PX << (top - level)
    return [
        Tile(
            f"/pictures/{frame.image_id}/tiles/{level}/{x // step}_{y // step}",
            x,
            y,
            min(step, frame.width - x),
            min(step, frame.height - y),
        )
        for y in range(0, frame.height, step)
        for x in range(0, frame.width, step)
    ]
