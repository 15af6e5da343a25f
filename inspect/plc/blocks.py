"""The two blocks of registers that a PLC and the line share, as docs/plc.md describes them. Pure.

The PLC writes the *part block* and the line reads it; the line writes the *verdict block*. The first
register of each stands again at its end: where the two differ, the block was read half written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from taktsight.records import Outcome

VERDICTS = 8
"""Verdicts in a block: so many may wait for the PLC's program at once."""
VERDICT_REGISTERS = 3 + 2 * VERDICTS + 1
CODES = {Outcome.PASS: 1, Outcome.REJECT: 2, Outcome.REVIEW: 3, Outcome.UNINSPECTED: 4}
"""0 is no verdict."""
_HALF = 1 << 15
_ALL = (1 << 16) - 1


def part_registers(serial_registers: int) -> int:
    """Length of the part block."""
    return 4 + serial_registers + 1


def steps(before: int, after: int) -> int:
    """How far a 16-bit counter went on, 0 to 65,535."""
    return (after - before) & _ALL


def signed_steps(before: int, after: int) -> int:
    """How far a 16-bit counter went, -32,768 to 32,767: the shorter way round."""
    return (steps(before, after) + _HALF & _ALL) - _HALF


@dataclass(frozen=True, slots=True)
class PartBlock:
    """What the PLC says."""

    counter: int
    """Parts, counted by the PLC; after 65,535 comes 0."""
    heartbeat: int
    """Changes while its program runs."""
    acknowledged: int
    """The last handshake whose verdicts its program has taken."""
    encoder: int
    """Counts of the belt, ±1 step for ±1 count; after 65,535 comes 0."""
    serial: str | None
    """Of the newest part; None where there is none, or nothing that can be read."""
    is_serial_readable: bool = True
    """False where something stands there that is no printable ASCII."""


def read_part_block(registers: Sequence[int]) -> PartBlock | None:
    """The block, or None where it was read half written."""
    if registers[0] != registers[-1]:
        return None
    counter, heartbeat, acknowledged, encoder = registers[:4]
    content = b"".join(register.to_bytes(2, "big") for register in registers[4:-1])
    serial = content.split(b"\0")[0].decode("latin-1").strip()
    is_readable = serial.isascii() and serial.isprintable()
    return PartBlock(
        counter, heartbeat, acknowledged, encoder, serial if serial and is_readable else None, is_readable
    )


def verdict_block(
    handshake: int, heartbeat: int, armed: bool, verdicts: Sequence[tuple[int, Outcome]]
) -> list[int]:
    """The line's block.

    Args:
        handshake: goes on by one with every block that holds a new verdict.
        heartbeat: changes with every block.
        armed: whether parts are inspected.
        verdicts: those that the PLC has not acknowledged, newest first, with the parts' numbers.
    """
    pairs = [value for number, outcome in verdicts for value in (number, CODES[outcome])]
    pairs += [0] * (2 * VERDICTS - len(pairs))
    return [handshake, heartbeat, int(armed), *pairs, handshake]
