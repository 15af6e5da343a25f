"""The real command line, and what a line must have told its gate."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from taktsight.inspect.simulation.running_line import RunningLine, StartLine

from .place import Place

__all__ = ["RunningLine", "StartLine", "assert_one_verdict_each", "taktsight"]


def taktsight(*arguments: str | Path, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """The command line, to its end."""
    command = [sys.executable, "-m", "taktsight.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


def assert_one_verdict_each(place: Place, line: RunningLine) -> list[tuple[int, str]]:
    """Exactly one gate action for each trigger, in order, as the ledger says too."""
    gate = place.gate()
    assert [trigger for trigger, _ in gate] == list(range(1, line.meters["triggers"] + 1))
    assert [(row["trigger"], row["outcome"]) for row in place.rows("verdict")] == gate
    return gate
