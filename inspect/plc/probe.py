"""What a PLC says when nobody works with it: for ``taktsight check``. It reads, and writes nothing."""

from __future__ import annotations

import selectors
import time
from dataclasses import dataclass

from taktsight.inspect.plc.blocks import VERDICT_REGISTERS, PartBlock, part_registers, read_part_block
from taktsight.inspect.plc.connection import Connection
from taktsight.inspect.plc.modbus import Modbus, Read
from taktsight.inspect.plc.settings import PlcSettings

READINGS = 20
MAX_S = 5.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back."""

    trouble: str
    """Why the part block cannot be read; "" where it can."""
    verdict_trouble: str
    """The same of the verdict block."""
    block: PartBlock | None = None
    """The last reading that was whole."""
    heartbeats: int = 0
    """How many different ones came."""
    answer_ms: float = 0.0
    """Median time of an answer."""


class PlcProbe:
    """One connection that asks until it knows enough. The only thing on its loop: it may wait."""

    def __init__(self, settings: PlcSettings) -> None:
        self._settings = settings
        self._selector = selectors.DefaultSelector()
        self._connection = Connection(
            (str(settings.host), settings.port),
            lambda: Modbus(settings.unit),
            round(settings.answer_within_ms * 1e6),
            self._selector,
            self,
        )
        self._trouble = ""
        self._registers: tuple[int, ...] | None = None
        self._times_ns: list[int] = []

    def hear(self) -> Heard:
        """Reads the part block again and again, then the verdict block once."""
        settings = self._settings
        blocks: list[PartBlock] = []
        # As long as its heartbeat may stand, and a little longer.
        until_s = time.monotonic() + min(MAX_S, 1.2 * (settings.heartbeat_within_ms or 0) / 1e3)
        try:
            while len(self._times_ns) < READINGS or (time.monotonic() < until_s and _stand(blocks)):
                read = self._read(settings.read_from, part_registers(settings.serial_registers))
                if read is None:
                    return Heard(self._trouble, "")
                block = read_part_block(read)
                blocks += [block] if block else []
                time.sleep(settings.poll_ms / 1e3)
            answer_ms = sorted(self._times_ns)[len(self._times_ns) // 2] / 1e6
            verdicts = self._read(settings.write_to, VERDICT_REGISTERS)
        finally:
            self._connection.close()
            self._selector.close()
        if not blocks:
            return Heard("its part block is never whole: its first and last register differ", "")
        trouble = "" if verdicts is not None else self._trouble
        beats = len({block.heartbeat for block in blocks})
        return Heard("", trouble, blocks[-1], beats, answer_ms)

    def connected(self, now_ns: int) -> None:
        """It may ask."""

    def answered(self, registers: tuple[int, ...], asked_ns: int, now_ns: int) -> None:
        """What it asked for."""
        self._registers = registers
        self._times_ns.append(now_ns - asked_ns)

    def lost(self, reason: str, now_ns: int) -> None:
        """It will not be answered."""
        self._trouble = reason

    def _read(self, address: int, count: int) -> tuple[int, ...] | None:
        """Registers, or None where they cannot be had."""
        self._registers, self._trouble = None, ""
        if self._connection.is_closed:
            self._connection.open(time.monotonic_ns())
        is_asked = False
        while self._registers is None and not self._trouble:
            if self._connection.is_free and not is_asked:
                is_asked = True
                self._connection.ask(Read(address, count), time.monotonic_ns())
            for key, _ in self._selector.select(0.01):
                key.data()
            self._connection.check(time.monotonic_ns())
        return self._registers


def _stand(blocks: list[PartBlock]) -> bool:
    return len({block.heartbeat for block in blocks}) < 2
