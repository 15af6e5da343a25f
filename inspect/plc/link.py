"""The line's side of its PLC: reads the part block at every poll, writes the verdict block when it changed.

One connection, one request at a time; whoever listens gets each reading. Nothing in here waits.
"""

from __future__ import annotations

import selectors
from collections.abc import Callable
from dataclasses import dataclass

from taktsight.inspect.notes import Notes
from taktsight.inspect.plc.blocks import PartBlock, part_registers, read_part_block
from taktsight.inspect.plc.connection import Connection
from taktsight.inspect.plc.modbus import Modbus, Read, Write
from taktsight.inspect.plc.outage import Outage
from taktsight.inspect.plc.outbox import Outbox
from taktsight.inspect.plc.settings import PlcSettings

RETRY_NS = (0, 100_000_000, 200_000_000, 500_000_000)
"""Before the first, second … attempt to connect; the last one again and again."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The part block, and when it can have been so."""

    block: PartBlock
    not_before_ns: int
    """The PLC had not yet said so then: what is new in it came after this moment. Monotonic clock."""
    received_ns: int
    is_first: bool
    """The first since the connection was made: nobody looked for a while, or ever."""


class PlcLink:
    """The connection to a PLC, made anew as often as it must be."""

    def __init__(self, settings: PlcSettings, selector: selectors.BaseSelector, notes: Notes) -> None:
        self._settings = settings
        self._notes = notes
        max_outage_s = settings.max_outage_s
        max_outage_ns = None if max_outage_s is None else round(max_outage_s * 1e9)
        self.outage = Outage(f"PLC {settings.host}:{settings.port}", max_outage_ns, notes)
        self._connection = Connection(
            (str(settings.host), settings.port),
            lambda: Modbus(settings.unit),
            round(settings.answer_within_ms * 1e6),
            selector,
            self,
        )
        self._poll_ns = round(settings.poll_ms * 1e6)
        heartbeat_ms = settings.heartbeat_within_ms
        self._heartbeat_within_ns = None if heartbeat_ms is None else round(heartbeat_ms * 1e6)
        self._listeners: list[Callable[[Reading], None]] = []
        self._outbox: Outbox | None = None
        self._tell_lost: Callable[[str, int], None] | None = None
        self._retry_ns: int | None = None
        self._attempts = 0
        self._next_poll_ns = 0
        self._is_first = True
        self._wrote_last = False
        self._not_before_ns: int | None = None
        self._torn_ns: int | None = None
        self._heartbeat: int | None = None
        self._heartbeat_ns = 0

    def listen(self, listener: Callable[[Reading], None]) -> None:
        """Each reading is given to it."""
        self._listeners.append(listener)

    def write_for(self, outbox: Outbox, lost: Callable[[str, int], None]) -> None:
        """The outbox has the verdict block; ``lost`` is told why and when the connection is gone."""
        self._outbox, self._tell_lost = outbox, lost

    def start(self, now_ns: int) -> None:
        """Begins to connect."""
        self.outage.begin("connection", "not connected yet", now_ns)
        if self._heartbeat_within_ns is not None:
            self.outage.begin("heartbeat", "its heartbeat has not changed yet", now_ns)
        self._retry_ns = now_ns

    def drop(self, why: str, now_ns: int) -> None:
        """What the PLC said last is not how it is now: the connection is made anew."""
        if not self._connection.is_closed:
            self._connection.close()
            self.lost(why, now_ns)

    def close(self) -> None:
        """Lets go of the connection."""
        self._retry_ns = None
        self._connection.close()

    def next_due_ns(self) -> int | None:
        """When :meth:`advance` must be called, if nothing is received before."""
        moments = [self._connection.gives_up_ns, self.outage.next_due_ns()]
        if self._connection.is_closed:
            moments.append(self._retry_ns)
        elif self._connection.is_free:
            moments.append(self._next_poll_ns)
            moments.append(self._outbox.next_write_ns() if self._outbox else None)
        return min((moment for moment in moments if moment is not None), default=None)

    def advance(self, now_ns: int) -> None:
        """Connects, asks and gives up, as the time has come for it.

        Raises:
            LineError: If the PLC was out of order for too long.
        """
        self._connection.check(now_ns)
        if self._connection.is_closed and self._retry_ns is not None and now_ns >= self._retry_ns:
            self._attempts += 1
            self._retry_ns = None
            self._connection.open(now_ns)
        if self._connection.is_free:
            self._ask(now_ns)
        self.outage.check(now_ns)

    def _ask(self, now_ns: int) -> None:
        """The reading or the writing that is due; in turns where both are."""
        is_read_due = now_ns >= self._next_poll_ns
        write_ns = self._outbox.next_write_ns() if self._outbox else None
        is_write_due = write_ns is not None and now_ns >= write_ns
        if is_write_due and self._outbox is not None and not (is_read_due and self._wrote_last):
            self._wrote_last = True
            values = self._outbox.compose(now_ns)
            self._connection.ask(Write(self._settings.write_to, tuple(values)), now_ns)
        elif is_read_due:
            self._wrote_last = False
            self._next_poll_ns = now_ns + self._poll_ns
            count = part_registers(self._settings.serial_registers)
            self._connection.ask(Read(self._settings.read_from, count), now_ns)

    def connected(self, now_ns: int) -> None:
        """The connection is made; a reading comes first."""
        self._is_first = True
        self._wrote_last = True
        self._next_poll_ns = now_ns

    def answered(self, registers: tuple[int, ...], asked_ns: int, now_ns: int) -> None:
        """A block was read, or the verdict block is in the PLC."""
        if not registers:
            if self._outbox is not None:
                self._outbox.written(now_ns)
            return
        block = read_part_block(registers)
        if block is None:
            self._tear(now_ns)
            return
        self._torn_ns = None
        self._check_heartbeat(block.heartbeat, now_ns)
        not_before_ns = asked_ns if self._not_before_ns is None else self._not_before_ns
        reading = Reading(block, not_before_ns, now_ns, self._is_first)
        self._is_first, self._not_before_ns, self._attempts = False, asked_ns, 0
        for listener in self._listeners:
            listener(reading)
        self.outage.end("connection", now_ns)

    def lost(self, reason: str, now_ns: int) -> None:
        """The connection is gone: the next attempt comes soon."""
        self._retry_ns = now_ns + RETRY_NS[min(self._attempts, len(RETRY_NS) - 1)]
        self.outage.begin("connection", reason, now_ns)
        if self._tell_lost is not None:
            self._tell_lost(f"{self.outage.name}: {reason}", now_ns)

    def _tear(self, now_ns: int) -> None:
        """A block that was read while the PLC wrote it; the next reading has it whole."""
        self._notes.count("plc_torn_readings", 1)
        self._torn_ns = self._torn_ns or now_ns
        if now_ns - self._torn_ns >= self._settings.answer_within_ms * 1e6:
            first = self._settings.read_from
            last = first + part_registers(self._settings.serial_registers) - 1
            reason = f"its part block is never whole: registers {first} and {last} differ"
            self.outage.begin("connection", reason, now_ns)

    def _check_heartbeat(self, heartbeat: int, now_ns: int) -> None:
        if self._heartbeat_within_ns is None:
            return
        if self._heartbeat is None or self._is_first:
            self._heartbeat, self._heartbeat_ns = heartbeat, now_ns
        elif heartbeat != self._heartbeat:
            self._heartbeat, self._heartbeat_ns = heartbeat, now_ns
            self.outage.end("heartbeat", now_ns)
        elif now_ns - self._heartbeat_ns >= self._heartbeat_within_ns:
            stood_ms = (now_ns - self._heartbeat_ns) / 1e6
            reason = f"its heartbeat stands since {stood_ms:.0f} ms: its program has stopped"
            self.outage.begin("heartbeat", reason, now_ns)
