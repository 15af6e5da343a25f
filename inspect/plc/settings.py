"""How a station file names its PLC."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Literal

from pydantic import Field, model_validator

from taktsight.inspect.plc.blocks import VERDICT_REGISTERS, part_registers
from taktsight.strict_model import StrictModel


class PlcSettings(StrictModel):
    """A PLC that is a Modbus TCP server. Its registers are described in docs/plc.md."""

    kind: Literal["modbus_tcp"]
    host: IPv4Address | IPv6Address
    """A number, not a name: to look a name up would hold up the line."""
    port: int = Field(default=502, ge=1, le=65_535)
    unit: int = Field(default=1, ge=0, le=255)
    """The server's unit identifier."""
    read_from: int = Field(default=0, ge=0, le=65_535)
    """Address of the first register that the PLC writes: of the part block."""
    write_to: int = Field(default=100, ge=0, le=65_535)
    """Address of the first register that the line writes: of the verdict block."""
    serial_registers: int = Field(default=0, ge=0, le=64)
    """Length of the serial number in the part block, in registers of two characters."""
    poll_ms: float = Field(default=5.0, ge=0.5, le=1000)
    """Time between two readings of the part block, ms: a part is noticed so much late at most."""
    answer_within_ms: float = Field(default=200, ge=5, le=10_000)
    """An answer that takes longer is an outage, ms: the connection is made anew."""
    heartbeat_within_ms: float | None = Field(default=1000, ge=20, le=60_000)
    """The PLC's heartbeat changes within this time, or its program has stopped, ms. null: it has none."""
    max_outage_s: float | None = Field(default=None, gt=0)
    """A longer outage stops the line, s. Absent: it waits, and parts are UNINSPECTED meanwhile."""

    @model_validator(mode="after")
    def _contradictions(self) -> PlcSettings:
        read = range(self.read_from, self.read_from + part_registers(self.serial_registers))
        written = range(self.write_to, self.write_to + VERDICT_REGISTERS)
        if read.start < written.stop and written.start < read.stop:
            raise ValueError(
                f"part block ({read.start} to {read.stop - 1}) and verdict block ({written.start} to "
                f"{written.stop - 1}) overlap: move read_from or write_to"
            )
        for block in (read, written):
            if block.stop > 65_536:
                raise ValueError(f"registers {block.start} to {block.stop - 1}: there are none after 65535")
        return self
