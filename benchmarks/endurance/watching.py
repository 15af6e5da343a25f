"""Runs one line to the end of its parts, and looks at its processes all the while."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from taktsight.benchmarks.endurance.processes import Held, held_by
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.meters import STATES, Meters
from taktsight.inspect.simulation.running_line import RunningLine

WARM_UP_PARTS = 20
"""That are not counted."""
MEMBERS = {"line", "vision", "recorder", "archive"}
"""Processes of a line that keeps images."""


@dataclass(frozen=True, slots=True)
class Look:
    """All processes of a line at one moment."""

    at_s: float
    triggers: int
    misses: int
    held: Mapping[str, Held]

    @property
    def private_mb(self) -> float:
        """Of all processes together, MiB."""
        return sum(held.private_mb for held in self.held.values())

    @property
    def descriptors(self) -> int:
        """Of all processes together."""
        return sum(held.descriptors for held in self.held.values())

    @property
    def segments(self) -> int:
        """Pieces of shared memory that any of them has mapped."""
        return len(frozenset().union(*(held.segments for held in self.held.values())))


@dataclass(frozen=True, slots=True)
class Soak:
    """What a line did, from its first part to its last."""

    parts: int
    misses: int
    """Verdicts after the deadline, and parts that nobody looked at in time."""
    unrecorded: int
    """Parts without their one verdict in the ledger."""
    cycle_ms: NDArray[np.float64]
    """Trigger → verdict at the gate, in the order of the parts that were judged."""
    infer_ms: NDArray[np.float64]
    images_stored: int
    images_shed: int
    restarts: int
    """Of its processes."""
    looks: tuple[Look, ...]


def run_soak(
    station: Path,
    records: Path,
    *,
    look_s: float = 1.0,
    say: Callable[[Look], None] = lambda _: None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Soak:
    """Starts a line, and looks at it until its trigger has no more parts.

    Args:
        station: whose trigger ends by itself and whose recorder keeps images.
        records: its folder of records, of this one run.
        look_s: between two looks.
        say: told of each look.
        environment: of the line, beside that of this process.

    Raises:
        RuntimeError: If the line ends with an error or before it was looked at.
    """
    log = station.parent / "line.log"
    line = RunningLine(station, "--no-live", environment=environment, log=log)
    try:
        looks = _watch(line, look_s, say)
        status, _, _ = line.wait()
    finally:
        if line.process.poll() is None:
            line.kill_all()
    if status or len(looks) < 2:
        said = log.read_text(encoding="utf-8").splitlines()[-5:]
        raise RuntimeError(f"the line ended with {status} after {len(looks)} looks: {said}")
    return _read(line.meters, records, looks)


def _watch(line: RunningLine, look_s: float, say: Callable[[Look], None]) -> list[Look]:
    looks: list[Look] = []
    while line.process.poll() is None:
        meters = line.meters
        if STATES[meters["state"]] == "armed" and meters["triggers"] > WARM_UP_PARTS:
            held = held_by(line.process.pid)
            # While it stops its processes end one by one.
            if STATES[meters["state"]] == "armed" and set(held) >= MEMBERS:
                looks.append(Look(time.monotonic(), meters["triggers"], _misses(meters), held))
                say(looks[-1])
        time.sleep(look_s)
    return looks


def _misses(meters: Meters) -> int:
    return meters["deadline_misses"] + meters["UNINSPECTED"]


def _read(meters: Meters, records: Path, looks: list[Look]) -> Soak:
    ledger = Ledger.open(records)
    try:
        ledger.verify()
        rows = [row for row in ledger.rows() if row["kind"] == "verdict"]
    finally:
        ledger.close()
    stages = [
        (row["cycle_ns"], json.loads(row["stage_ns"])) for row in rows if row["trigger"] > WARM_UP_PARTS
    ]
    judged = [(cycle_ns, stage_ns["infer"]) for cycle_ns, stage_ns in stages if "infer" in stage_ns]
    times_ms = np.array(judged, np.float64).reshape(-1, 2) / 1e6
    wanted = list(range(1, meters["triggers"] + 1))
    return Soak(
        parts=meters["triggers"],
        misses=_misses(meters),
        unrecorded=abs(len(rows) - len(wanted)) + len({*wanted} - {row["trigger"] for row in rows}),
        cycle_ms=times_ms[:, 0],
        infer_ms=times_ms[:, 1],
        images_stored=meters["images_stored"],
        images_shed=meters["images_shed"],
        restarts=meters["vision_restarts"] + meters["recorder_restarts"] + _replaced(looks),
        looks=tuple(looks),
    )


def _replaced(looks: list[Look]) -> int:
    """Processes that took another's place: an archive has no meter of its restarts."""
    return sum(
        before.held[name].process_id != behind.held[name].process_id
        for before, behind in itertools.pairwise(looks)
        for name in MEMBERS - {"vision", "recorder"}
    )
