"""Counters in shared memory: the line and the recorder write, anyone may read. One writer per field.

Anonymous memory, not a file: the first store to a page after the disk has taken it can wait for the
disk, and the line must not.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping

from taktsight.inspect.histogram import WORDS, Histogram
from taktsight.records import Outcome

ALARMS = (
    "vision_restarted",
    "deadline_missed",
    "images_shed",
    "disk_reserve",
    "ledger_behind",
    "camera_lost",
    "plc_lost",
    "golden_due",
    "health_alarm",
    "escapes_unknown",
    "computer_slept",
    "clock_ahead",
    "drift",
    "process_shift",
    "unwatched",
)
STAGES = ("grab", "health", "prepare", "wait", "infer", "locate", "decide", "gate")
"""``wait``: a part could be inspected, and vision was busy with the one before."""
HISTOGRAMS = ("cycle", "lateness", *STAGES)
"""``lateness``: a part was there → the line noticed it."""
DIGESTS = ("bundle", "recipe")
_DIGEST_WORDS = 4

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
    "missing_frames",  # views of parts for which no frame came
    "missing_in_a_row",  # parts, up to now, that lack a view
    "golden_held",  # 1 while the golden-part check is due: no part passes
    "golden_due_ns",  # monotonic: when it is due next; 0 never, or now
    "open_parts",
    "lost_triggers",  # parts that the trigger counted and nobody could look at
    "bounces",
    "counter_resets",
    "trigger_lost",  # 1 while the camera that is the trigger is lost: no part passes
    "trigger_outages",
    "plc_lost",  # 1 while the PLC cannot be relied on
    "plc_outages",
    "plc_torn_readings",
    "unacknowledged",  # verdicts that the PLC's program did not take
    "late_pulses",
    "vision_restarts",
    "sleeps",  # of the computer
    "changeovers",
    "drift_standing",  # alarms of drift that nobody has cleared
    "drift_alarms",  # that were found since the line started
    "spc_standing",  # the same of control charts
    "spc_alarms",
    "quality_held",  # 1 while one of them holds the line: no part passes
    "recorder_restarts",
    "codes_read",
    "codes_unread",
    "entries",
    "acknowledged",
    "acknowledged_trigger",
    *(f"{name}_digest_{word}" for name in DIGESTS for word in range(_DIGEST_WORDS)),
    *(f"alarm_{name}_since_ns" for name in ALARMS),  # monotonic; 0 while it is off
    *(f"alarm_{name}_times" for name in ALARMS),
    "images_stored",  # from here on the recorder writes
    "images_shed",
    "ring_overruns",
    "images_removed",
    "ledger_retries",
    "disk_free_bytes",
    "clock_ahead",  # 1 while no image is removed by age, for the wall clock is far ahead of the records
    "disk_reserve_bytes",  # what images leave to the ledger
)
_INDEX = {name: index for index, name in enumerate(FIELDS)}
STATES = ("starting", "armed", "stopping", "stopped")

_SIZE_BYTES = 8 * (len(FIELDS) + len(HISTOGRAMS) * WORDS)


def size_meters(descriptor: int) -> None:
    """Gives the anonymous memory of the meters its size; all are zero."""
    os.ftruncate(descriptor, _SIZE_BYTES)


class Meters:
    """Meters by their descriptor."""

    def __init__(self, descriptor: int, *, access: int = mmap.ACCESS_WRITE) -> None:
        """``access``: ``mmap.ACCESS_READ`` for who only looks."""
        self._values = memoryview(mmap.mmap(descriptor, _SIZE_BYTES, access=access)).cast("Q")
        first = len(FIELDS)
        self.histograms = {
            name: Histogram(self._values[first + number * WORDS : first + (number + 1) * WORDS])
            for number, name in enumerate(HISTOGRAMS)
        }
        """Trigger → verdict at the gate, and the stages in between."""

    def __getitem__(self, name: str) -> int:
        return self._values[_INDEX[name]]

    def __setitem__(self, name: str, value: int) -> None:
        self._values[_INDEX[name]] = value

    def add(self, name: str, count: int = 1) -> None:
        """Counts."""
        self._values[_INDEX[name]] += count

    def record_cycle(self, cycle_ns: int) -> None:
        """One cycle time, ns."""
        self.histograms["cycle"].record(cycle_ns)

    def cycle_max_ns(self) -> int:
        """The longest cycle time, exact."""
        return self.histograms["cycle"].max_ns

    def cycle_percentile_ns(self, percent: float) -> int:
        """The cycle time that ``percent`` of the parts stayed within: up to 3 % too high, never too low."""
        return self.histograms["cycle"].percentile_ns(percent)

    def record_stages(self, stage_ns: Mapping[str, int]) -> None:
        """The stages of one part, ns; what has no histogram is left out."""
        for stage, time_ns in stage_ns.items():
            histogram = self.histograms.get(stage)
            if histogram is not None:
                histogram.record(time_ns)

    def write_digest(self, name: str, digest: str) -> None:
        """``name``: one of ``DIGESTS``; a SHA-256 in hexadecimal, "" where nothing is known."""
        number = int(digest or "0", 16)
        for word in range(_DIGEST_WORDS):
            self[f"{name}_digest_{word}"] = number >> 64 * word & 0xFFFF_FFFF_FFFF_FFFF

    def read_digest(self, name: str) -> str:
        """The digest in hexadecimal, never half of an old one; "" where nothing is known."""
        before, now = -1, self._digest(name)
        while before != now:
            before, now = now, self._digest(name)
        return f"{now:064x}" if now else ""

    def _digest(self, name: str) -> int:
        return sum(self[f"{name}_digest_{word}"] << 64 * word for word in range(_DIGEST_WORDS))

    def snapshot(self) -> dict[str, int]:
        """Every field, and the percentiles of the cycle time."""
        values = {name: self[name] for name in FIELDS}
        for percent in (50, 99, 99.9):
            values[f"cycle_p{percent}_ns"] = self.cycle_percentile_ns(percent)
        return values | {"cycle_max_ns": self.cycle_max_ns()}
