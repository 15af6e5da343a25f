"""People who decide, and what they left behind as a version of a data set."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import yaml

from taktsight.cli import main
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.values import Choice, Decision, Mark, NewDecision, PartKey, Why

from ..records import MadePart, MadeRecords

BOX = Mark("top", "spot", (3, 4, 15, 14))


def ticking() -> Callable[[], datetime]:
    """A clock that is a second later each time."""
    now = datetime(2026, 1, 5, 14, 0, tzinfo=timezone.utc)

    def tick() -> datetime:
        nonlocal now
        now += timedelta(seconds=1)
        return now

    return tick


@dataclass
class Staff:
    """Decides on parts of some records."""

    made: MadeRecords
    clock: Callable[[], datetime] = field(default_factory=ticking)
    asked: int = 0

    def decide(
        self,
        part: MadePart,
        choice: Choice,
        *marks: Mark,
        who: str = "ada",
        label: str | None = None,
        why: Why = Why.REJECT,
        blind: bool = False,
    ) -> Decision:
        """One decision, made with all earlier ones in view."""
        self.asked += 1
        store = ReviewStore.open(self.made.folder / "review", self.clock)
        try:
            key = PartKey(part.run, part.trigger)
            seen = max((each.id for each in store.decisions_of(key)), default=0)
            request = str(uuid.UUID(int=self.asked))
            new = NewDecision(key, choice, label, "", marks, why, blind, request, seen, 900)
            return store.decide(who, new)
        finally:
            store.close()

    def undo(self, decision: Decision) -> None:
        """Takes it back."""
        store = ReviewStore.open(self.made.folder / "review", self.clock)
        try:
            store.undo(decision.reviewer, decision.id, "a slip")
        finally:
            store.close()


def from_reviews(made: MadeRecords, out: Path, *more: str | Path, status: int = 0) -> Path:
    """The newest version afterwards."""
    words = ["data", "from-reviews", made.folder, out, *more]
    assert main([*map(str, words)]) == status
    return max(out.glob("v*"), default=out)


def card(version: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((version / "dataset.yaml").read_text(encoding="utf-8"))
    return found


def lineage(version: Path) -> list[dict[str, Any]]:
    text = (version / "lineage.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def content(version: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(version).as_posix(): path.read_bytes()
        for path in sorted(version.rglob("*"))
        if path.is_file()
    }
