"""The field side of the line: its trigger, its gate, and the PLC and the encoder that both may use.

Sockets and descriptors are in the line's selector; their ``data`` is what to call when they are ready.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Iterator
from dataclasses import replace

from taktsight.errors import LineError
from taktsight.inspect.belt import Belt, GpioEncoder, PlcEncoder
from taktsight.inspect.config import Station
from taktsight.inspect.gates.gate import Gate
from taktsight.inspect.messages import Exposed, Watched
from taktsight.inspect.notes import Notes
from taktsight.inspect.plc.link import PlcLink
from taktsight.inspect.triggers.camera import CameraTrigger
from taktsight.inspect.triggers.hold import Hold
from taktsight.inspect.triggers.plc import PlcTrigger
from taktsight.inspect.triggers.timer import TimerTrigger
from taktsight.inspect.triggers.trigger import Arrival, Trigger

AT_ONCE = 64
"""Arrivals that are taken before the line looks at everything else again."""


class FieldSide:
    """Opened with the line, closed with it. Nothing in here waits."""

    def __init__(self, station: Station, selector: selectors.BaseSelector, notes: Notes) -> None:
        """Opens what the station names; the PLC's connection is made afterwards, in the line's loop.

        Raises:
            LineError: If an input or output cannot be had, or a package is not installed.
        """
        self._link = None if station.plc is None else PlcLink(station.plc, selector, notes)
        self._belt: Belt | None = None
        self._encoder: PlcEncoder | GpioEncoder | None = None
        self._open_encoder(station, selector)
        self.trigger: Trigger = self._open_trigger(station, selector, notes)
        self.gate: Gate = self._open_gate(station, notes)
        outage_s = station.trigger.max_outage_s if station.trigger.kind == "camera" else None
        self._hold = Hold(self.gate, notes, outage_s)
        self._came = self._numbered_after = 0
        is_counted_twice = station.gate.kind == "plc" and station.trigger.kind != "plc"
        self._counting_link = self._link if is_counted_twice else None
        self._is_armed = False
        self._slept, self._woke_ns = "", 0
        if self._link is not None:
            self._link.start(time.monotonic_ns())

    @property
    def missing(self) -> str:
        """What is not there yet, in words; parts may come where nothing is."""
        link = "" if self._link is None else self._link.outage.reason
        return link or self.gate.missing

    @property
    def held(self) -> str:
        """Why no part passes, in words. "" where parts may pass."""
        return self._hold.reason

    @property
    def trigger_lost(self) -> str:
        """Why parts may go by that nobody counts; "" where none do."""
        return self._hold.trigger_reason

    def arm(self, now_ns: int, parts: int | None) -> None:
        """Parts come from now on; ``parts`` is what the cameras can show."""
        self.gate.arm(now_ns)
        self.trigger.arm(now_ns, parts)
        self._is_armed = True

    def take_in(self, said: Exposed | Watched) -> None:
        """Vision says that a camera exposed a frame on its own, or how that camera is."""
        if not isinstance(self.trigger, CameraTrigger):
            return
        now_ns = time.monotonic_ns()
        if isinstance(said, Exposed):
            self.trigger.exposed(said, now_ns)
        else:
            self.trigger.watched(said, now_ns)

    def vision_began_anew(self) -> None:
        """Its cameras may count from 0."""
        if isinstance(self.trigger, CameraTrigger):
            self.trigger.begin_anew(time.monotonic_ns())

    def slept(self, why: str, now_ns: int) -> None:
        """The computer slept: where parts are, and what the PLC counted meanwhile, nobody knows.

        Raises:
            LineError: If the gate cannot be closed.
        """
        self._slept, self._woke_ns = why, now_ns
        if self._link is not None:
            self._link.drop(why, now_ns)
        if self._belt is not None:
            self._belt.lose(why)
        self.gate.abandon(why)

    def next_due_ns(self) -> int | None:
        """When something is due, if nothing happens before."""
        moments = [self.trigger.next_due_ns(), self.gate.next_due_ns()]
        if self._may_hold:
            moments.append(self._hold.next_due_ns())
        if self._link is not None:
            moments.append(self._link.next_due_ns())
        return min((moment for moment in moments if moment is not None), default=None)

    def arrivals(self, now_ns: int) -> Iterator[Arrival]:
        """The parts that have come. Of one that came during a hold nobody knows which it is."""
        for _ in range(AT_ONCE):
            arrival = self.trigger.fire(now_ns)
            if arrival is None:
                return
            self._came += 1
            if self.held or arrival.triggered_ns < self._hold.ended_ns:
                self._numbered_after = self._came
                why = self.held or "it came while the line was held"
                arrival = replace(arrival, unseen=arrival.unseen or why)
            elif arrival.triggered_ns < self._woke_ns:
                arrival = replace(arrival, unseen=arrival.unseen or self._slept)
            yield arrival

    def advance(self, now_ns: int) -> None:
        """Does what is due.

        Raises:
            LineError: If the hardware was out of order for too long, or is gone.
        """
        if self._link is not None:
            self._link.advance(now_ns)
        self.gate.advance(now_ns)
        if self._may_hold:
            self._look_at_hold(now_ns)

    def close(self) -> None:
        """Gate first: it goes to its safe state."""
        self.gate.close()
        self.trigger.close()
        if self._encoder is not None:
            self._encoder.close()
        if self._link is not None:
            self._link.close()

    @property
    def _may_hold(self) -> bool:
        """Whether parts may come that two count."""
        is_counted_twice = self._counting_link is not None and not self.trigger.exhausted
        return (self._is_armed and is_counted_twice) or self._leading is not None

    def _look_at_hold(self, now_ns: int) -> None:
        camera, link = self._leading, self._counting_link
        trouble = "" if camera is None else camera.trouble(now_ns)
        plc_trouble = link.outage.reason if link is not None and self._is_armed else ""
        if plc_trouble and self._numbered_after != self._came:
            self._numbered_after = self._came  # no number of before is told to a PLC that came anew
            self.gate.abandon(plc_trouble)
        if self._hold.look(trouble, now_ns, plc_trouble):
            self._numbered_after = self._came

    @property
    def _leading(self) -> CameraTrigger | None:
        """The camera that is the trigger, as long as parts may come."""
        trigger = self.trigger
        return trigger if isinstance(trigger, CameraTrigger) and not trigger.exhausted else None

    def _needed_link(self) -> PlcLink:
        if self._link is None:
            raise LineError("the station names no plc")
        return self._link

    def _needed_belt(self) -> Belt:
        if self._belt is None:
            raise LineError("the station names no encoder")
        return self._belt

    def _open_encoder(self, station: Station, selector: selectors.BaseSelector) -> None:
        settings = station.encoder
        if settings is None:
            return
        self._belt = Belt(settings.mm_per_count)
        if settings.kind == "plc":
            counts_parts = station.trigger.kind == "plc"
            self._encoder = PlcEncoder(self._belt, self._needed_link(), settings, counts_parts=counts_parts)
        else:
            self._encoder = GpioEncoder(self._belt, settings, selector, time.monotonic_ns())

    def _open_trigger(self, station: Station, selector: selectors.BaseSelector, notes: Notes) -> Trigger:
        settings = station.trigger
        if settings.kind == "timer":
            return TimerTrigger(round(settings.takt_ms * 1e6), settings.parts)
        if settings.kind == "plc":
            return PlcTrigger(settings, self._needed_link(), notes)
        if settings.kind == "camera":
            return CameraTrigger(settings, notes)
        if settings.kind == "encoder":
            from taktsight.inspect.triggers.encoder import EncoderTrigger

            return EncoderTrigger(settings, self._needed_belt(), notes)
        from taktsight.inspect.triggers.gpio import GpioTrigger

        return GpioTrigger(settings, selector, notes)

    def _open_gate(self, station: Station, notes: Notes) -> Gate:
        settings = station.gate
        if settings.kind == "dry_run":
            from taktsight.inspect.gates.dry_run import DryRunGate

            return DryRunGate(settings.file)
        if settings.kind == "gpio":
            from taktsight.inspect.gates.gpio import GpioGate

            return GpioGate(settings, self._belt, notes)
        from taktsight.inspect.gates.plc import PlcGate

        trigger = self.trigger
        if isinstance(trigger, PlcTrigger):
            gate = PlcGate(settings, self._needed_link(), trigger.number_of, notes)
            trigger.tell_anew(gate.numbers_begin_anew)
            return gate
        return PlcGate(settings, self._needed_link(), self._number_of, notes)

    def _number_of(self, trigger: int) -> int | None:
        """What a PLC calls a part that it does not trigger itself: it counts from 1 once it is told to."""
        return trigger - self._numbered_after if trigger > self._numbered_after else None
