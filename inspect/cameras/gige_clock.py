"""A camera asked for its time: it keeps what its clock shows at a command, and that is read."""

from __future__ import annotations

import time
from dataclasses import dataclass

from taktsight.inspect.cameras.gige_features import Features

_LATCHES = (
    ("TimestampLatch", "TimestampLatchValue", False),
    ("TimestampLatch", "GevTimestampValue", True),
    ("GevTimestampControlLatch", "GevTimestampValue", True),
)
"""Command, value, and whether that counts in ticks; else in nanoseconds."""
TRIES = 3
"""The quickest answer counts: it leaves the least room for when it was given."""


@dataclass(frozen=True, slots=True)
class Latch:
    """How a camera is asked."""

    command: str
    value: str
    ns_per_unit: float

    def ask(self, features: Features) -> tuple[int, int, int]:
        """The camera's clock, and ours before and after, ns.

        Raises:
            CameraError: If it does not answer.
        """
        answers = []
        for _ in range(TRIES):
            before_ns = time.monotonic_ns()
            features.execute(self.command)
            after_ns = time.monotonic_ns()
            device_ns = round(features.integer(self.value) * self.ns_per_unit)
            answers.append((after_ns - before_ns, device_ns, before_ns, after_ns))
        return min(answers)[1:]


def find_latch(features: Features, ticks_per_s: int) -> Latch | None:
    """How this camera is asked; None where it cannot be."""
    for command, value, in_ticks in _LATCHES:
        if features.has(command) and features.has(value):
            return Latch(command, value, 1e9 / ticks_per_s if in_ticks and ticks_per_s else 1.0)
    return None
