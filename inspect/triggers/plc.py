"""The station's PLC counts the parts, and the line asks it how many there are.

A counter that went on by n tells of n parts. Only the last of them can still be looked at: the others
were lost on the way, and each becomes a part of its own that is UNINSPECTED.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from taktsight.inspect.notes import Notes
from taktsight.inspect.plc.blocks import steps
from taktsight.inspect.plc.link import PlcLink, Reading
from taktsight.inspect.triggers.arrivals import MAX_LOST, Arrivals
from taktsight.inspect.triggers.settings import PlcTriggerSettings
from taktsight.inspect.triggers.trigger import Arrival

MAX_NUMBERED = 1024
"""Parts whose number in the PLC is remembered for the gate."""


class PlcTrigger:
    """A part for each step of the PLC's part counter."""

    def __init__(self, settings: PlcTriggerSettings, link: PlcLink, notes: Notes) -> None:
        self._arrivals = Arrivals(settings.parts)
        self._notes = notes
        quiet_s = settings.quiet_after_s
        self._quiet_after_ns = None if quiet_s is None else round(quiet_s * 1e9)
        self._counter: int | None = None
        self._moved_ns = 0
        self._is_quiet = False
        self._fired = 0
        self._numbers: OrderedDict[int, int] = OrderedDict()
        self._told_anew: Callable[[], None] | None = None
        link.listen(self._read)

    def tell_anew(self, tell: Callable[[], None]) -> None:
        """``tell`` is called when the PLC has set its counter anew."""
        self._told_anew = tell

    def number_of(self, trigger: int) -> int | None:
        """The PLC's own number of a part; None where it was lost or counts anew since. Ask once."""
        return self._numbers.pop(trigger, None)

    @property
    def exhausted(self) -> bool:
        """Whether the last part has come."""
        return self._arrivals.exhausted

    def arm(self, now_ns: int, parts: int | None) -> None:
        """Parts that the PLC counts from now on are ours."""
        self._arrivals.arm(parts)
        self._moved_ns = now_ns

    def disarm(self) -> None:
        """No part comes any more."""
        self._arrivals.disarm()

    def next_due_ns(self) -> int | None:
        """At once, while a part waits to be taken."""
        return self._arrivals.next_due_ns()

    def fire(self, now_ns: int) -> Arrival | None:
        """The next part that has come."""
        arrival = self._arrivals.take()
        if arrival is not None:
            self._fired += 1
            if arrival.number is not None:
                self._numbers[self._fired] = arrival.number
            if len(self._numbers) > MAX_NUMBERED:
                self._numbers.popitem(last=False)
        return arrival

    def close(self) -> None:
        """The link lets go."""

    def _read(self, reading: Reading) -> None:
        counter = reading.block.counter
        if self._counter is None or not self._arrivals.is_armed:
            self._counter = counter
            return
        if reading.is_first:  # it may have been started anew: its numbers are other parts', and look alike
            self._arrivals.forget_numbers()
            self._numbers.clear()
        went_on = steps(self._counter, counter)
        if went_on == 0:
            self._note_quiet(reading.received_ns)
            return
        if went_on > MAX_LOST or not self._arrivals.has_room:
            self._begin_anew(self._counter, counter)
        else:
            self._add(self._counter, went_on, reading)
        self._counter, self._moved_ns, self._is_quiet = counter, reading.received_ns, False

    def _add(self, before: int, parts: int, reading: Reading) -> None:
        lost = parts if reading.is_first else parts - 1
        if lost:
            self._notes.count("lost_triggers", lost)
        why = (
            "the trigger was lost: the PLC could not be reached when the part came"
            if reading.is_first
            else f"the trigger was lost: the PLC counted {parts} parts between two readings"
        )
        block = reading.block
        for number in range(before + 1, before + 1 + lost):
            self._arrivals.add(Arrival(reading.not_before_ns, unseen=why, number=steps(0, number)))
        if lost < parts:
            if not block.is_serial_readable:
                self._notes.fault(f"PLC: the serial of its part {block.counter} is no printable ASCII")
            self._arrivals.add(Arrival(reading.not_before_ns, block.serial, number=block.counter))

    def _begin_anew(self, before: int, counter: int) -> None:
        """It went back, or on by more than any gap: nobody knows how many parts that were."""
        said = f"its part counter went from {before} to {counter}"
        self._notes.fault(f"PLC: {said}: it was set anew, and parts are counted from there")
        self._notes.count("counter_resets", 1)
        self._arrivals.spoil(f"the trigger was lost: {said}")
        self._numbers.clear()
        if self._told_anew is not None:
            self._told_anew()

    def _note_quiet(self, now_ns: int) -> None:
        after_ns = self._quiet_after_ns
        if after_ns is None or self._is_quiet or now_ns - self._moved_ns < after_ns:
            return
        self._is_quiet = True
        self._notes.fault(f"PLC: its part counter stands at {self._counter} since {after_ns / 1e9:g} s")
