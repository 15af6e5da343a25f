"""One line of ``taktsight check``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Grade = Literal["ok", "note", "fix"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, what it means, and what to type where it must change."""

    grade: Grade
    """ok; note: it will run, not as well as it could; fix: the line would stop, or not start."""
    subject: str
    text: str
    command: str = ""
    """Mends it when typed into a terminal; "" where there is nothing to type."""
