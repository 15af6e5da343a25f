"""Which engine a station should run: the fastest that is proved and fits the budget."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from taktsight.errors import ConfigError
from taktsight.inspect.config import load_station
from taktsight.inspect.engines import engine_named
from taktsight.whole_files import whole_file

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
    golden_mistakes: int
    """Golden samples that it does not judge as the card says."""

    def why_not(self, budget_ms: float | None) -> str:
        """What speaks against it; "" where nothing does."""
        if self.golden_mistakes:
            return f"{self.golden_mistakes} golden samples differ"
        if self.flip_share is None:
            return "not proved"
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


def write_backend(station: Path, best: Measured) -> None:
    """Puts the engine in the place of the station's ``backend``; all else stays as it is written.

    Raises:
        ConfigError: If the station cannot be read, before or afterwards; it is then as it was.
    """
    load_station(station)
    text = station.read_text(encoding="utf-8")
    engine = engine_named(best.engine, threads=best.threads)
    lines = [f"  {key}: {value}" for key, value in engine.model_dump(mode="json").items()]
    block = "\n".join(["backend:", *lines]) + "\n"
    changed, count = re.subn(r"(?m)^backend:.*\n(?:[ \t]+.*\n)*", block, text)
    if not count:
        changed = text.rstrip("\n") + "\n\n" + block
    with whole_file(station) as file:
        file.write(changed.encode())
    try:
        load_station(station)
    except ConfigError:
        with whole_file(station) as file:
            file.write(text.encode())
        raise
