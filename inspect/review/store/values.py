"""What people say of parts: decisions, marks, signatures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal, get_args

from taktsight.errors import ReviewError

GOOD = "good"
"""The truth of a part without a defect; of any other part it is a label."""
MAX_NOTE = 4000
MAX_LABEL = 100
MAX_MARKS = 200
MAX_BRUSH = 1 << 20
_REQUEST = re.compile(r"[0-9A-Za-z-]{8,64}")

Meaning = Literal["reviewed", "approved", "rejected", "responsibility"]
MEANINGS: tuple[Meaning, ...] = get_args(Meaning)
"""What a signature says; 21 CFR 11.50 wants it beside the name."""


@dataclass(frozen=True, slots=True, order=True)
class PartKey:
    """One part of one run."""

    run: str
    trigger: int

    def __str__(self) -> str:
        return f"{self.run}:{self.trigger}"

    @classmethod
    def parse(cls, text: str) -> PartKey:
        """Of ``RUN:TRIGGER``.

        Raises:
            ReviewError: If it is none.
        """
        run, _, trigger = text.rpartition(":")
        if not run or not re.fullmatch(r"[0-9]{1,18}", trigger):
            raise ReviewError(f"{text[:80]!r} is no part; a part is named RUN:TRIGGER")
        return cls(run, int(trigger))


class Choice(str, Enum):
    """What a person says of a part."""

    CONFIRM = "confirm"
    FALSE_REJECT = "false_reject"
    MISSED_DEFECT = "missed_defect"
    ESCALATE = "escalate"
    SKIP = "skip"


class Why(str, Enum):
    """Why a part stands in the queue."""

    REJECT = "reject"
    REVIEW = "review"
    UNINSPECTED = "uninspected"
    AUDIT = "audit"
    DISAGREEMENT = "disagreement"
    DRIFT = "drift"
    SECOND = "second"
    """A blind double: decided already, by somebody else."""
    KNOWN = "known"
    """Its truth is known: it measures the reviewer, and says nothing of the part."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a person saw a defect."""

    view: str
    label: str
    box_px: tuple[int, int, int, int]
    """x0, y0, x1, y1 in pixels of the frame, end-exclusive."""
    brush_rle: str | None = None
    """The painted region as COCO's compressed run lengths; None where only a box was drawn."""

    def __post_init__(self) -> None:
        if len(self.box_px) != 4 or not all(isinstance(edge, int) for edge in self.box_px):
            raise ReviewError(f"a mark's box is four whole numbers, not {self.box_px!r}")
        x0, y0, x1, y1 = self.box_px
        if not (0 <= x0 < x1 <= 1_000_000 and 0 <= y0 < y1 <= 1_000_000):
            raise ReviewError(f"a mark's box {list(self.box_px)} is empty or lies outside of any frame")
        check_label(self.label)
        if self.brush_rle is not None and not _is_rle(self.brush_rle):
            raise ReviewError(f"the brush of a mark in {self.view!r} is no compressed run-length code")


@dataclass(frozen=True, slots=True)
class NewDecision:
    """What a page sends."""

    part: PartKey
    choice: Choice
    label: str | None
    """Of the defect; None where there is none, or the one that the verdict names."""
    note: str
    marks: tuple[Mark, ...]
    why: Why
    blind: bool
    """Verdict and colleagues were hidden: an independent opinion, which conflicts with none."""
    request_id: str
    """Made by the browser: the same one sent again is the same decision."""
    seen: int = 0
    """Id of the last decision on this part that the page had shown; 0 where it showed none."""
    shown_ms: int = 0
    """For how long the part was looked at."""

    def __post_init__(self) -> None:
        if not _REQUEST.fullmatch(self.request_id):
            raise ReviewError("a decision's request_id is 8 to 64 letters, digits and '-', as a UUID is")
        if len(self.note) > MAX_NOTE or len(self.marks) > MAX_MARKS:
            raise ReviewError(f"a decision has {MAX_NOTE} characters of note and {MAX_MARKS} marks at most")
        if sum(len(mark.brush_rle or "") for mark in self.marks) > MAX_BRUSH:
            raise ReviewError(f"the brushes of a decision have {MAX_BRUSH} characters at most")
        if self.label is not None:
            check_label(self.label)
        if not (0 <= self.seen < 1 << 63 and 0 <= self.shown_ms < 1 << 31):
            raise ReviewError(f"seen {self.seen} or shown_ms {self.shown_ms} is out of range")


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person said of one part."""

    part: PartKey
    choice: Choice
    label: str | None
    note: str
    marks: tuple[Mark, ...]
    why: Why
    blind: bool
    request_id: str
    seen: int
    shown_ms: int
    id: int
    """Number of its row in the log: later ones are greater, and there are gaps."""
    reviewer: str
    utc: str
    frames: Mapping[str, str]
    """View → SHA-256 of the pixels that were kept, as the line's ledger has it."""
    undone_by: int | None
    """Number of the log row that undid it; None while it stands."""
    truth: str | None
    """"good", or the label of the defect; None where it was escalated or skipped."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A name under a record, in the shape of 21 CFR 11.50 and 11.70."""

    id: int
    """Number of its row in the log."""
    utc: str
    actor: str
    full_name: str
    """The printed name of the signer."""
    meaning: Meaning
    subject: str
    """What was signed: "decision:12", "bundle:SHA256", "part:RUN:TRIGGER"."""
    digest: str
    """SHA-256 of the record as it was signed."""


class Conflict(ReviewError):  # noqa: N818  # two people, no mistake
    """Somebody else decided since the page was made; nothing was written."""

    def __init__(self, other: Decision) -> None:
        super().__init__(
            f"part {other.part}: {other.reviewer} decided {other.choice.value} at {other.utc}, after this "
            "page was made; look at it and decide again"
        )
        self.other = other


def check_label(label: str) -> None:
    """Whether a text can be the label of a defect.

    Raises:
        ReviewError: If it cannot.
    """
    if (
        not label.strip()
        or len(label) > MAX_LABEL
        or not label.isprintable()
        or label == GOOD
        or "|" in label
    ):
        raise ReviewError(f"{label[:MAX_LABEL]!r} is no label of a defect")


def _is_rle(text: str) -> bool:
    return 0 < len(text) <= MAX_BRUSH and all("0" <= digit <= "o" for digit in text)
