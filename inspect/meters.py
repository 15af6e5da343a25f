"""Counters in shared memory: the line and the recorder write, anyone may read. One writer per field.

Anonymous memory, not a file: the first store to a page after the disk has taken it can wait for the
disk, and the line must not.
"""

from __future__ import annotations

import mmap
import os

from taktsight.records import Outcome

FIELDS = (
    "state",
    "started_ns",  # monotonic: the command
    "armed_ns",  # monotonic: the first trigger
    "takt_ns",
    "deadline_ns",
    "triggers",
    *(outcome.value for outcome in Outcome),
    "late_results",
    "stranger_results",
    "deadline_misses",  # the gate was told after the deadline
    "withdrawn",  # verdicts that the ledger did not have in time, in strict mode
    "trigger_lateness_max_ns",  # how late the line noticed a trigger
    "first_answer_ns",  # monotonic: the first verdict at the gate
    "frame_faults",  # frames that were repeated, torn, stale, of a wrong size or format
    "out_of_band",  # frames outside a band of the recipe: their parts are UNINSPECTED
    "health_alarms",  # measures outside a band whose parts were judged all the same
    "lost_frames",  # by the cameras' own count
    "golden_held",  # 1 while the golden-part check is due: no part passes
    "golden_due_ns",  # monotonic: when it is due next; 0 never, or now
    "open_parts",
    "lost_triggers",  # parts that the trigger counted and nobody could look at
    "bounces",
    "counter_resets",
    "plc_outages",
    "plc_torn_readings",
    "unacknowledged",  # verdicts that the PLC's program did not take
    "late_pulses",
    "vision_restarts",
    "changeovers",
    "recorder_restarts",
    "codes_read",
    "codes_unread",
    "entries",
    "acknowledged",
    "acknowledged_trigger",
    "images_stored",  # from here on the recorder writes
    "images_shed",
    "ring_overruns",
    "images_removed",
    "ledger_retries",
)
_INDEX = {name: index for index, name in enumerate(FIELDS)}
STATES = ("starting", "armed", "stopping", "stopped")

SUB_BUCKETS = 32
"""Per octave: a percentile is at most 3 % too high."""
FIRST_OCTAVE = 10
OCTAVES = 32
_BUCKETS = SUB_BUCKETS * OCTAVES
_MAX = len(FIELDS)
_HISTOGRAM = _MAX + 1
_SIZE_BYTES = 8 * (_HISTOGRAM + _BUCKETS)


def size_meters(descriptor: int) -> None:
    """Gives the anonymous memory of the meters its size; all are zero."""
    os.ftruncate(descriptor, _SIZE_BYTES)


class Meters:
    """Meters by their descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._values = memoryview(mmap.mmap(descriptor, _SIZE_BYTES)).cast("Q")

    def __getitem__(self, name: str) -> int:
        return self._values[_INDEX[name]]

    def __setitem__(self, name: str, value: int) -> None:
        self._values[_INDEX[name]] = value

    def add(self, name: str, count: int = 1) -> None:
        """Counts."""
        self._values[_INDEX[name]] += count

    def record_cycle(self, cycle_ns: int) -> None:
        """One cycle time, ns."""
        self._values[_HISTOGRAM + _bucket(cycle_ns)] += 1
        self._values[_MAX] = max(self._values[_MAX], cycle_ns)

    def cycle_max_ns(self) -> int:
        """The longest cycle time, exact."""
        return self._values[_MAX]

    def cycle_percentile_ns(self, percent: float) -> int:
        """The cycle time that ``percent`` of the parts stayed within: up to 3 % too high, never too low."""
        counts = self._values[_HISTOGRAM:].tolist()
        wanted = sum(counts) * percent / 100
        seen = 0
        for bucket, count in enumerate(counts):
            seen += count
            if count and seen >= wanted:
                return min(_upper_ns(bucket), self.cycle_max_ns())
        return 0

    def snapshot(self) -> dict[str, int]:
        """Every field, and the percentiles of the cycle time."""
        values = {name: self[name] for name in FIELDS}
        for percent in (50, 99, 99.9):
            values[f"cycle_p{percent}_ns"] = self.cycle_percentile_ns(percent)
        return values | {"cycle_max_ns": self.cycle_max_ns()}


def _bucket(cycle_ns: int) -> int:
    octave = max(cycle_ns.bit_length() - 1, FIRST_OCTAVE)
    if octave >= FIRST_OCTAVE + OCTAVES:
        return _BUCKETS - 1
    within = max(cycle_ns - (1 << octave), 0) * SUB_BUCKETS >> octave
    return (octave - FIRST_OCTAVE) * SUB_BUCKETS + within


def _upper_ns(bucket: int) -> int:
    octave, within = divmod(bucket, SUB_BUCKETS)
    return (SUB_BUCKETS + within + 1) << (octave + FIRST_OCTAVE) >> 5
