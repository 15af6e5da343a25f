"""What comes from a Modbus server, right or wrong: nothing but the answer becomes registers."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taktsight.inspect.plc.blocks import read_part_block, signed_steps, steps, verdict_block
from taktsight.inspect.plc.modbus import MAX_FRAME_BYTES, Modbus, Read, Write, WrongAnswerError
from taktsight.records import Outcome

UNIT = 7
READ, WRITE = Read(100, 3), Write(200, (1, 2))


def answer(number: int, body: bytes, unit: int = UNIT, protocol: int = 0) -> bytes:
    """A frame as a server sends it."""
    return struct.pack(">HHHB", number, protocol, len(body) + 1, unit) + body


RIGHT = answer(1, bytes((3, 6)) + struct.pack(">3H", 10, 20, 65535))


def asked(request: Read | Write = READ) -> Modbus:
    modbus = Modbus(UNIT)
    modbus.ask(request)
    return modbus


def test_requests_are_those_of_the_standard() -> None:
    modbus = Modbus(UNIT)
    assert modbus.ask(READ) == answer(1, struct.pack(">BHH", 3, 100, 3))
    assert modbus.hear(RIGHT) == (10, 20, 65535)
    assert modbus.ask(WRITE) == answer(2, struct.pack(">BHHBHH", 16, 200, 2, 4, 1, 2))
    assert modbus.hear(answer(2, struct.pack(">BHH", 16, 200, 2))) == ()


def test_answer_that_comes_in_pieces_is_put_together() -> None:
    modbus = asked()
    heard = [modbus.hear(RIGHT[place : place + 1]) for place in range(len(RIGHT))]
    assert heard == [None] * (len(RIGHT) - 1) + [(10, 20, 65535)]


@pytest.mark.parametrize(
    ("request_", "content", "said"),
    [
        (READ, answer(2, RIGHT[7:]), "what was not asked"),
        (READ, answer(1, RIGHT[7:], unit=8), "what was not asked"),
        (READ, answer(1, RIGHT[7:], protocol=1), "no Modbus"),
        (READ, RIGHT + RIGHT, "what was not asked"),
        (READ, b"HTTP/1.1 400 Bad Request\r\n\r\n", "no Modbus"),
        (READ, answer(1, bytes((3,))), "is wrong"),
        (READ, answer(1, bytes((3, 4)) + bytes(4)), "registers 100 to 102 is wrong"),
        (READ, answer(1, bytes((3, 6)) + bytes(5)), "is wrong"),
        (READ, answer(1, bytes((3, 6)) + bytes(8)), "is wrong"),
        (READ, answer(1, bytes((4, 6)) + bytes(6)), "is wrong"),
        (READ, answer(1, struct.pack(">BHH", 16, 100, 3)), "is wrong"),
        (READ, answer(1, bytes((0x83, 2))), "registers 100 to 102: exception 2, it has no such registers"),
        (READ, answer(1, bytes((0x83, 99))), "exception 99, unknown"),
        (WRITE, answer(1, struct.pack(">BHH", 16, 200, 3)), "registers 200 to 201 is wrong"),
        (WRITE, answer(1, struct.pack(">BHH", 16, 201, 2)), "is wrong"),
        (WRITE, answer(1, bytes((0x90, 3))), "exception 3, it takes no such value"),
        (READ, b"\0\1\0\0\xff\xff\7" + bytes(MAX_FRAME_BYTES), "has no end"),
    ],
)
def test_wrong_answer_is_none(request_: Read | Write, content: bytes, said: str) -> None:
    with pytest.raises(WrongAnswerError, match=said):
        asked(request_).hear(content)


def test_answer_that_is_cut_off_is_waited_for() -> None:
    for length in range(len(RIGHT)):
        assert asked().hear(RIGHT[:length]) is None
    assert asked().hear(answer(1, b"")) is None


def test_answer_to_nothing_is_wrong() -> None:
    with pytest.raises(WrongAnswerError, match="what was not asked"):
        Modbus(UNIT).hear(answer(0, RIGHT[7:]))


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_no_bytes_whatever_become_registers_that_were_not_sent(data: st.DataObject) -> None:
    """A right answer with bytes changed, cut out and put in: of another shape, it gives nothing."""
    content = bytearray(RIGHT)
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(content)))
        if data.draw(st.booleans()):
            content[place : place + 1] = data.draw(st.binary(max_size=3))
    modbus = asked()
    try:
        heard = modbus.hear(bytes(content))
    except WrongAnswerError:
        return
    if heard is not None:
        assert bytes(content[:9]) == RIGHT[:9]
        assert heard == struct.unpack(">3H", content[9:])


def test_counters_go_on_after_their_last_number() -> None:
    assert (steps(65535, 0), steps(0, 65535), steps(5, 5)) == (1, 65535, 0)
    assert (signed_steps(65535, 2), signed_steps(2, 65535), signed_steps(0, 32767)) == (3, -3, 32767)


def test_blocks_are_as_the_page_says() -> None:
    serial = [0x4142, 0x3100]
    block = read_part_block([9, 1, 2, 65535, *serial, 9])
    assert block is not None
    assert (block.counter, block.heartbeat, block.acknowledged, block.encoder) == (9, 1, 2, 65535)
    assert block.serial == "AB1"
    assert read_part_block([9, 1, 2, 65535, *serial, 8]) is None
    written = verdict_block(5, 6, True, [(9, Outcome.PASS), (8, Outcome.UNINSPECTED)])
    assert written == [5, 6, 1, 9, 1, 8, 4, *[0] * 12, 5]
