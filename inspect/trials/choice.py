"""Which engine a station should run: the fastest that is proved and fits the budget."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taktsight.errors import ConfigError

_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s)")


@dataclass(frozen=True, slots=True)
class Measured:
    """One engine with one number of threads, from the frame to the verdict."""

    engine: str
    threads: int
    parts: int
    p50_ms: float
    p99_ms: float
    p999_ms: float
    stages_p50_ms: Mapping[str, float]
    cold_start_ms: float
    """From the start of a process to its first verdict."""
    rss_mb: float
    flip_share: float | None
    """Of the card's proof; None where nothing was proved of it."""
    flip_limit: float
    """Of the recipe that the line would judge by."""
    golden_mistakes: int
    """Golden samples that it does not judge as the card says."""

    def why_not(self, budget_ms: float | None) -> str:
        """What speaks against it; "" where nothing does."""
        if self.flip_share is None:
            return "not proved"
        if self.golden_mistakes:
            return f"{self.golden_mistakes} golden samples differ"
        if self.flip_share > self.flip_limit:
            return f"flips {self.flip_share:.2%}"
        if budget_ms is not None and self.p999_ms > budget_ms:
            return "over the budget"
        return ""


def choose(measured: Sequence[Measured], budget_ms: float | None) -> Measured | None:
    """The one with the lowest p99.9 of those that nothing speaks against."""
    fit = [each for each in measured if not each.why_not(budget_ms)]
    return min(fit, key=lambda each: each.p999_ms, default=None)


def budget_ms(text: str) -> float:
    """``40ms`` or ``0.04s`` as milliseconds.

    Raises:
        ConfigError: If it is no time.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise ConfigError(f"--budget {text}: give a time with its unit, such as 40ms")
    return float(found[1]) * (1000 if found[2] == "s" else 1)
