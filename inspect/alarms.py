"""Named conditions that somebody should see to: since when they last, and a row in the ledger.

The line looks at its own meters four times a second. What is written to the ledger elsewhere is not
written here again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from types import MappingProxyType

from taktsight.inspect.alarm_settings import AlarmSettings
from taktsight.inspect.meters import ALARMS, STATES, Meters
from taktsight.records import Outcome

LOOK_NS = 250_000_000
WINDOW_NS = 60_000_000_000
SAMPLE_NS = 1_000_000_000
IMAGE_BYTES = 32 << 20
"""The last image that was shed for the reserve would have taken so much at most."""

COUNTED = {
    "vision_restarted": (("vision_restarts",), "restarts of vision"),
    "deadline_missed": (("deadline_misses", "late_results", "withdrawn"), "verdicts or results too late"),
    "images_shed": (("images_shed",), "images were not kept"),
    "computer_slept": (("sleeps",), "times that this computer slept"),
    "health_alarm": (("health_alarms", "out_of_band"), "measures out of band"),
}
"""What has happened once is an alarm for some time."""
WRITTEN_ELSEWHERE = ("vision_restarted", "plc_lost", "golden_due", "computer_slept")
"""The line says so in entries of its own."""
WATCHED = ("drift", "process_shift", "unwatched")
"""What the quality watch says, or that nobody watches."""
_CLOCK = "the wall clock is far ahead of the newest record, and no image is removed by age"
_ARMED = STATES.index("armed")


class Alarms:
    """Of one run. No clock of its own."""

    def __init__(self, settings: AlarmSettings, meters: Meters, fault: Callable[[str], None]) -> None:
        """``fault`` writes a sentence into the ledger; it does not wait."""
        self._settings = settings
        self._meters = meters
        self._fault = fault
        self._hold_ns = round(settings.hold_s * 1e9)
        self._look_ns = 0
        self._counted = dict.fromkeys(COUNTED, (0, 0))
        self._parts: deque[tuple[int, int, int]] = deque()
        self._acknowledged, self._acknowledged_ns = 0, 0
        self._said_ns: dict[str, int] = {}
        self._is_said: set[str] = set()

    def next_look_ns(self) -> int | None:
        """When :meth:`look` must be called; None while no part comes."""
        return self._look_ns if self._meters["state"] == _ARMED else None

    def look(
        self,
        now_ns: int,
        plc_trouble: str,
        trigger_trouble: str = "",
        watched: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Raises and ends alarms; most calls are not due.

        Args:
            now_ns: monotonic clock.
            plc_trouble: what is wrong with the PLC, in words; "" where nothing is.
            trigger_trouble: why parts may go by that nobody counts; "" where none do. Nobody waits for the
                next look with that.
            watched: name → why, of the alarms in ``WATCHED``.
        """
        is_new = bool(trigger_trouble) != bool(self._meters["trigger_lost"])
        self._meters["trigger_lost"] = int(bool(trigger_trouble))
        if self._meters["state"] != _ARMED or (now_ns < self._look_ns and not is_new):
            return
        self._look_ns = now_ns + LOOK_NS
        self._meters["plc_lost"] = int(bool(plc_trouble))
        why = self._counts(now_ns) | {
            "disk_reserve": self._disk(),
            "ledger_behind": self._ledger(now_ns),
            "camera_lost": trigger_trouble or self._camera(),
            "plc_lost": plc_trouble,
            "golden_due": "golden parts are due" if self._meters["golden_held"] else "",
            "clock_ahead": _CLOCK if self._meters["clock_ahead"] else "",
            "escapes_unknown": self._escapes(now_ns),
            **{name: watched.get(name, "") for name in WATCHED},
        }
        for name in ALARMS:
            self._turn(name, why[name], now_ns)

    def _turn(self, name: str, why: str, now_ns: int) -> None:
        field = f"alarm_{name}_since_ns"
        since_ns = self._meters[field]
        if why and not since_ns:
            self._meters[field] = now_ns
            self._meters.add(f"alarm_{name}_times")
            self._say_raised(name, why, now_ns)
        elif since_ns and not why:
            self._meters[field] = 0
            if name in self._is_said:
                self._is_said.discard(name)
                self._fault(f"alarm {name}: over after {(now_ns - since_ns) / 1e9:.1f} s")

    def _say_raised(self, name: str, why: str, now_ns: int) -> None:
        """One that comes and goes does not fill the ledger."""
        is_fresh = name in self._said_ns and now_ns - self._said_ns[name] < self._hold_ns
        if name in WRITTEN_ELSEWHERE or is_fresh:
            return
        self._said_ns[name] = now_ns
        self._is_said.add(name)
        self._fault(f"alarm {name}: {why}")

    def _counts(self, now_ns: int) -> dict[str, str]:
        why = {}
        for name, (fields, said) in COUNTED.items():
            count = sum(self._meters[field] for field in fields)
            before, until_ns = self._counted[name]
            if count > before:
                until_ns = now_ns + self._hold_ns
                self._counted[name] = (count, until_ns)
            why[name] = f"{count - before} {said}" if now_ns < until_ns else ""
        return why

    def _disk(self) -> str:
        free, reserve = self._meters["disk_free_bytes"], self._meters["disk_reserve_bytes"]
        if not reserve or free >= reserve + IMAGE_BYTES:
            return ""
        return f"{free / 1e6:.0f} MB are free, reserve_mb is {reserve / 1e6:g}"

    def _ledger(self, now_ns: int) -> str:
        entries, acknowledged = self._meters["entries"], self._meters["acknowledged"]
        if acknowledged != self._acknowledged or acknowledged >= entries or not self._acknowledged_ns:
            self._acknowledged, self._acknowledged_ns = acknowledged, now_ns
        waits_s = (now_ns - self._acknowledged_ns) / 1e9
        if waits_s < self._settings.ledger_behind_s:
            return ""
        return f"it takes no entry for {waits_s:.1f} s, {entries - acknowledged} wait"

    def _camera(self) -> str:
        missing = self._meters["missing_in_a_row"]
        return (
            f"{missing} parts in a row lack a view" if missing >= self._settings.camera_lost_parts else ""
        )

    def _escapes(self, now_ns: int) -> str:
        """The share of UNINSPECTED in the last minute, where it is too high."""
        uninspected = self._meters[Outcome.UNINSPECTED.value]
        parts = sum(self._meters[outcome.value] for outcome in Outcome)
        if not self._parts or now_ns - self._parts[-1][0] >= SAMPLE_NS:
            self._parts.append((now_ns, parts, uninspected))
        while now_ns - self._parts[0][0] > WINDOW_NS and len(self._parts) > 1:
            self._parts.popleft()
        _, parts_before, uninspected_before = self._parts[0]
        came, not_looked_at = parts - parts_before, uninspected - uninspected_before
        if came < self._settings.uninspected_of_parts:
            return ""
        if not_looked_at <= self._settings.uninspected_share * came:
            return ""
        return f"{not_looked_at} of the last {came} parts are UNINSPECTED"
