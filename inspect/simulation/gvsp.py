"""The packets of a GigE Vision stream, written by hand: frames with chunk data, and faults on demand.

GVSP 1 with its 16-bit block numbers; payload type 0x4001, an image with chunks behind it. A chunk is its
data, its identifier and its length, and is read from the end of the frame backward.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

HEADERS = 20 + 8 + 8
"""Of IP, UDP and GVSP: a packet's size counts them all."""
LEADER, TRAILER, PAYLOAD = 1, 2, 3
IMAGE, WITH_CHUNKS = 0x0001, 0x4000
PIXELS_CHUNK = 0x0001
_HEADER = struct.Struct(">HHI")
_LEADER = struct.Struct(">HHQIIIIIHH")
_TRAILER = struct.Struct(">HHI")
_CHUNK = struct.Struct(">II")


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a frame says of itself beside its pixels."""

    identifier: int
    data: bytes


@dataclass(frozen=True, slots=True)
class SentFrame:
    """What is sent as one block."""

    number: int
    """From 1 on; it is sent in 16 bits, without 0."""
    device_ns: int
    format_code: int
    width: int
    height: int
    pixels: bytes
    chunks: Sequence[Chunk] = ()

    @property
    def payload(self) -> bytes:
        """Pixels and chunks, as they come one behind the other."""
        if not self.chunks:
            return self.pixels
        said = [self.pixels, _CHUNK.pack(PIXELS_CHUNK, len(self.pixels))]
        for chunk in self.chunks:
            said += [chunk.data, _CHUNK.pack(chunk.identifier, len(chunk.data))]
        return b"".join(said)


def packets(frame: SentFrame, packet_size: int) -> list[bytes]:
    """The packets of a frame, the leader first.

    Args:
        frame: what is sent.
        packet_size: bytes, with all headers, as the register has it.
    """
    kind = IMAGE | (WITH_CHUNKS if frame.chunks else 0)
    number = (frame.number - 1) % 65_535 + 1
    leader = _LEADER.pack(
        0, kind, frame.device_ns, frame.format_code, frame.width, frame.height, 0, 0, 0, 0
    )
    payload, room = memoryview(frame.payload), packet_size - HEADERS
    parts = [payload[at : at + room] for at in range(0, len(payload), room)]
    sent = [_HEADER.pack(0, number, LEADER << 24) + leader]
    sent += [_HEADER.pack(0, number, PAYLOAD << 24 | at) + part for at, part in enumerate(parts, start=1)]
    trailer = _TRAILER.pack(0, kind, frame.height)
    if frame.chunks:
        trailer += _CHUNK.pack(len(payload), 0)
    return [*sent, _HEADER.pack(0, number, TRAILER << 24 | len(parts) + 1) + trailer]


class StreamSender:
    """Sends frames to where the camera was told to send them."""

    def __init__(self, address: str) -> None:
        """``address``: the camera's own."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 0))

    def send(self, frame: SentFrame, packet_size: int, where: tuple[str, int], *, skip: int = 0) -> None:
        """All packets of a frame; the first ``skip`` of its pixels' are lost on the way."""
        for place, packet in enumerate(packets(frame, packet_size)):
            if not 0 < place <= skip:
                self._socket.sendto(packet, where)

    def close(self) -> None:
        """Nothing is sent any more."""
        self._socket.close()
