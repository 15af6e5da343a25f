"""What a page sends becomes a decision, checked against what was offered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taktsight.errors import ReviewError
from taktsight.inspect.review.parts.rows import PartRow
from taktsight.inspect.review.store.values import MAX_NOTE, Choice, Decision, Mark, NewDecision
from taktsight.inspect.review.web.brushes import box_of, counts_of
from taktsight.inspect.review.web.choosing import offers_of, row_of
from taktsight.inspect.review.web.offers import Offer
from taktsight.inspect.review.web.visit import Visit
from taktsight.records import Outcome

MOST_BYTES = 2 << 20
"""Of a decision: painted marks of several views."""
_BOX = ("x0", "y0", "x1", "y1")


@dataclass(frozen=True, slots=True)
class Sent:
    """A decision before it is written."""

    offer: Offer
    choice: Choice
    label: str | None
    note: str
    marks: Sequence[Mapping[str, Any]]
    request_id: str
    shown_ms: int


def offer_sent(visit: Visit, sealed: str) -> Offer:
    """The offer that a page sends back.

    Raises:
        ReviewError: If it was made for somebody else, or not here.
    """
    offer = offers_of(visit.bench).open(sealed)
    if offer.reviewer != visit.name:
        raise ReviewError("this part was offered to somebody else")
    return offer


def decide(visit: Visit, sent: Sent) -> Decision:
    """Writes it; on the disk when this returns.

    Raises:
        Conflict: If somebody else decided meanwhile.
        ReviewError: If it cannot be written as it is.
    """
    row = row_of(visit.bench, sent.offer.part)
    if row is None:
        raise ReviewError(f"there is no part {sent.offer.part}")
    choice = _meant(sent, row)
    new = NewDecision(
        part=row.key,
        choice=choice,
        label=sent.label if choice not in (Choice.FALSE_REJECT, Choice.ESCALATE, Choice.SKIP) else None,
        note=sent.note,
        marks=tuple(_mark(mark, row) for mark in sent.marks),
        why=sent.offer.why,
        blind=sent.offer.is_blind,
        request_id=sent.request_id,
        seen=sent.offer.seen,
        shown_ms=sent.shown_ms,
    )
    golden = None if row.seq else visit.bench.queue.known.judged(row.key)
    return visit.bench.store.decide(visit.name, new, golden)


def _meant(sent: Sent, row: PartRow) -> Choice:
    """Who does not see the verdict says "defective" or "good"; what that says of the verdict follows.

    Raises:
        ReviewError: If a defect is claimed and not named, where no verdict was shown that names it.
    """
    is_passed = row.outcome is Outcome.PASS
    if sent.choice is Choice.FALSE_REJECT and is_passed:
        return Choice.CONFIRM
    if sent.choice is not Choice.CONFIRM or not sent.offer.is_hidden:
        return sent.choice
    if not sent.label and not sent.marks:
        raise ReviewError("say which defect it has, or that it is good")
    return Choice.MISSED_DEFECT if is_passed else Choice.CONFIRM


def sent_json(visit: Visit, value: Any) -> Sent:
    """Of the script.

    Raises:
        ReviewError: If it is not what the API says.
    """
    if not isinstance(value, dict):
        raise ReviewError("send a JSON object")
    strange = value.keys() - {"offer", "choice", "label", "note", "marks", "request_id", "shown_ms"}
    if strange:
        raise ReviewError(f"there is no field {sorted(strange)[0][:80]!r}")
    marks, shown_ms = value.get("marks", []), value.get("shown_ms", 0)
    if not isinstance(marks, list) or not all(isinstance(mark, dict) for mark in marks):
        raise ReviewError("marks is a list of objects")
    if not isinstance(shown_ms, int) or isinstance(shown_ms, bool):
        raise ReviewError("shown_ms is a whole number")
    return Sent(
        offer=offer_sent(visit, _text(value, "offer", 4096)),
        choice=_choice(_text(value, "choice", 40)),
        label=_text(value, "label", 100).strip() or None,
        note=_text(value, "note", MAX_NOTE).strip(),
        marks=marks,
        request_id=_text(value, "request_id", 64),
        shown_ms=min(max(shown_ms, 0), (1 << 31) - 1),
    )


def sent_form(visit: Visit) -> Sent:
    """Of the form that works without a script.

    Raises:
        ReviewError: If a field is wrong.
    """
    form = visit.form
    label = form.text("other_label", 100) or form.text("label", 100)
    box = [form.text(edge, 12) for edge in _BOX]
    marks: list[Mapping[str, Any]] = []
    if any(box):
        if not all(edge.isascii() and edge.isdigit() for edge in box):
            raise ReviewError("the box of a defect is four whole numbers of pixels")
        edges = [int(edge) for edge in box]
        marks.append({"view": form.text("view", 200), "label": label, "box_px": edges})
    return Sent(
        offer=offer_sent(visit, form.text("offer", 4096)),
        choice=_choice(form.text("choice", 40)),
        label=label or None,
        note=form.text("note", MAX_NOTE),
        marks=marks,
        request_id=form.text("request_id", 64),
        shown_ms=0,
    )


def _mark(said: Mapping[str, Any], row: PartRow) -> Mark:
    """A mark within its frame; the box of a painted one is the one around the paint."""
    view, box = said.get("view"), said.get("box_px")
    frame = row.frames.get(view) if isinstance(view, str) else None
    if frame is None:
        raise ReviewError(f"part {row.key} has no view {str(view)[:80]!r}")
    label, brush = _text(said, "label", 100).strip(), said.get("brush_rle")
    if brush is not None:
        if not isinstance(brush, str):
            raise ReviewError("brush_rle is a text")
        return Mark(frame.view, label, box_of(counts_of(brush), frame.width, frame.height), brush)
    if not isinstance(box, list) or len(box) != 4 or not all(type(edge) is int for edge in box):
        raise ReviewError("box_px is four whole numbers: x0, y0, x1, y1")
    x0, y0, x1, y1 = box
    if x1 > frame.width or y1 > frame.height:
        raise ReviewError(f"the box {box} leaves the frame of {frame.width} × {frame.height} pixels")
    return Mark(frame.view, label, (x0, y0, x1, y1))


def _choice(text: str) -> Choice:
    try:
        return Choice(text)
    except ValueError:
        known = ", ".join(each.value for each in Choice)
        raise ReviewError(f"there is no choice {text!r}; choose one of {known}") from None


def _text(value: Mapping[str, Any], name: str, most: int) -> str:
    text = value.get(name)
    if text is None:
        return ""
    if not isinstance(text, str) or len(text) > most:
        raise ReviewError(f"{name} is a text of {most} characters at most")
    return text
