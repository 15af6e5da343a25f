"""The gate behind the station's PLC: it moves the parts, the line tells it the verdicts.

Who says nothing says no: the PLC rejects each part for which it has no PASS when the part is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from taktsight.inspect.conductor import Answer
from taktsight.inspect.gates.gate import Acted
from taktsight.inspect.gates.settings import PlcGateSettings
from taktsight.inspect.notes import Notes
from taktsight.inspect.plc.link import PlcLink, Reading
from taktsight.inspect.plc.outbox import Outbox


class PlcGate:
    """Verdicts into the PLC's registers, acknowledged by its program."""

    def __init__(
        self,
        settings: PlcGateSettings,
        link: PlcLink,
        number_of: Callable[[int], int | None],
        notes: Notes,
    ) -> None:
        """``number_of``: the PLC's own number of a part, by its trigger."""
        self._link = link
        self._number_of = number_of
        self._notes = notes
        self._acknowledge_within_ns = round(settings.acknowledge_within_ms * 1e6)
        self._outbox = Outbox(round(settings.heartbeat_ms * 1e6))
        link.listen(self._read)
        link.write_for(self._outbox, self._lose)

    @property
    def missing(self) -> str:
        """What is wrong with the PLC."""
        return self._link.outage.reason

    @property
    def is_settled(self) -> bool:
        """Whether nothing is on its way."""
        return self._outbox.is_settled

    def arm(self, now_ns: int) -> None:
        """Says so to the PLC; one that does not trigger the parts itself counts them from there."""
        self.numbers_begin_anew()
        self._outbox.set_armed(True)

    def hold(self) -> None:
        """Says that parts are not inspected. Those that were seen before still have their numbers."""
        self._outbox.set_armed(False)

    def disarm(self) -> None:
        """Says so to the PLC."""
        self._outbox.set_armed(False)

    def abandon(self, why: str) -> None:
        """What the PLC was not told it will not be told as PASS; what it did not take is taken back."""
        self._outbox.withdraw(why, time.monotonic_ns())
        self._report(self._outbox.forget_told())

    def act(self, answer: Answer) -> None:
        """The verdict goes with the next block."""
        now_ns = time.monotonic_ns()
        self._outbox.hold(self._link.outage.reason, now_ns)
        self._outbox.put(answer, self._number_of(answer.trigger), now_ns)

    def acted(self) -> list[Acted]:
        """What the PLC was told since the last call."""
        return self._outbox.take_acted()

    def next_due_ns(self) -> int | None:
        """The link knows."""
        return None

    def advance(self, now_ns: int) -> None:
        """Gives up verdicts that cannot be told."""
        self._outbox.hold(self._link.outage.reason, now_ns)

    def numbers_begin_anew(self) -> None:
        """Parts are numbered anew: what is on its way has no number any more."""
        self._report(self._outbox.forget_numbers())

    def close(self) -> None:
        """The link lets go; without the line's heartbeat the PLC rejects."""

    def _read(self, reading: Reading) -> None:
        block, now_ns, outage = reading.block, reading.received_ns, self._link.outage
        if reading.is_first:
            outage.begin("acknowledgement", "its program has not answered yet", now_ns)
            self._outbox.greet(block.acknowledged)
            return
        is_right = self._outbox.acknowledge(block.acknowledged)
        if self._outbox.is_acknowledged:
            outage.end("acknowledgement", now_ns)
            return
        oldest_ns = self._outbox.oldest_told_ns
        waited_ns = 0 if oldest_ns is None else now_ns - oldest_ns
        if not is_right or oldest_ns is None:
            reason = (
                f"its program acknowledges {block.acknowledged}, {self._outbox.handshake} was sent last"
            )
        elif waited_ns >= self._acknowledge_within_ns:
            reason = f"its program takes no verdict since {waited_ns / 1e6:.0f} ms"
        else:
            return
        outage.begin("acknowledgement", reason, now_ns)
        self._report(self._outbox.forget_told())

    def _lose(self, reason: str, now_ns: int) -> None:
        self._report(self._outbox.lose(reason, now_ns))

    def _report(self, triggers: list[int]) -> None:
        """Of parts whose verdict is in the PLC, and perhaps nobody has read it there."""
        if triggers:
            named = ", ".join(map(str, triggers))
            self._notes.count("unacknowledged", len(triggers))
            self._notes.fault(f"part {named}: the PLC was told and its program did not acknowledge it")
