"""What is said to a Modbus TCP server, and what its answers mean. No socket, no clock, never waits.

The frames are pymodbus's, which is imported here and nowhere else: a line without a PLC does without.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from taktsight.errors import LineError

MAX_FRAME_BYTES = 260
"""Of Modbus TCP; what is longer is no answer."""

EXCEPTIONS = {
    1: "it does not know the function",
    2: "it has no such registers",
    3: "it takes no such value",
    4: "it is out of order",
    6: "it is busy",
    11: "the device behind the gateway does not answer",
}


class WrongAnswerError(Exception):
    """What came is not the answer to what was asked; nothing that comes after it can be trusted."""


@dataclass(frozen=True, slots=True)
class Read:
    """Holding registers are to be read (function 3)."""

    address: int
    count: int


@dataclass(frozen=True, slots=True)
class Write:
    """Holding registers are to be written (function 16)."""

    address: int
    values: tuple[int, ...]


Request = Read | Write


class Modbus:
    """One conversation: a request, its answer, the next request."""

    def __init__(self, unit: int) -> None:
        try:
            from pymodbus import pdu
            from pymodbus.framer import FramerSocket
        except ImportError as error:
            raise LineError("plc: pymodbus is not installed; pip install 'taktsight[modbus]'") from error
        self._pdu = pdu
        self._unit = unit
        self._framer = FramerSocket(pdu.DecodePDU(is_server=False))
        self._asked: Request | None = None
        self._number = 0
        self._received = bytearray()

    def ask(self, request: Request) -> bytes:
        """The frame to be sent."""
        self._asked = request
        self._number = self._number % 0xFFFF + 1
        registers = self._pdu.register_message
        if isinstance(request, Read):
            asked = registers.ReadHoldingRegistersRequest(
                self._unit, self._number, request.address, request.count
            )
        else:
            asked = registers.WriteMultipleRegistersRequest(
                self._unit, self._number, request.address, len(request.values), registers=request.values
            )
        return bytes(self._framer.buildFrame(asked))

    def hear(self, content: bytes) -> tuple[int, ...] | None:
        """Takes in what was received: the registers once the answer is whole, none for a write's.

        Raises:
            WrongAnswerError: If it is no answer to what was asked.
        """
        self._received += content
        if len(self._received) >= 4 and self._received[2:4] != b"\0\0":
            raise WrongAnswerError("what it sends is no Modbus")
        used, unit, number, frame = self._framer.decode(bytes(self._received))
        if not used:
            if len(self._received) >= MAX_FRAME_BYTES:
                raise WrongAnswerError("what it sends has no end")
            return None
        left = bytes(self._received[used:])
        self._received.clear()
        asked, self._asked = self._asked, None
        if left or asked is None or (unit, number) != (self._unit, self._number):
            raise WrongAnswerError("it answered what was not asked")
        return self._registers(asked, frame)

    def _registers(self, asked: Request, frame: bytes) -> tuple[int, ...]:
        answer = self._framer.decoder.decode(frame)
        if isinstance(answer, self._pdu.ExceptionResponse):
            why = EXCEPTIONS.get(answer.exception_code, "unknown")
            raise WrongAnswerError(f"it refuses {_said(asked)}: exception {answer.exception_code}, {why}")
        kinds = self._pdu.register_message
        if isinstance(asked, Read):
            # An odd or wrong number of bytes must not become registers.
            is_whole = len(frame) == 2 + 2 * asked.count and frame[1] == 2 * asked.count
            # Exactly this one: pymodbus takes that of function 4 for a kind of it.
            is_right = type(answer) is kinds.ReadHoldingRegistersResponse and is_whole
        else:
            written = (asked.address, len(asked.values))
            is_right = isinstance(answer, kinds.WriteMultipleRegistersResponse)
            is_right = is_right and answer is not None and (answer.address, answer.count) == written
        if not is_right:
            raise WrongAnswerError(f"its answer to {_said(asked)} is wrong")
        return struct.unpack(f">{asked.count}H", frame[2:]) if isinstance(asked, Read) else ()


def _said(request: Request) -> str:
    if isinstance(request, Read):
        return f"the reading of registers {request.address} to {request.address + request.count - 1}"
    return f"the writing of registers {request.address} to {request.address + len(request.values) - 1}"
