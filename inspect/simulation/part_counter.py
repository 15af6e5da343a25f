"""A PLC that counts parts, as a Modbus TCP server: the part block of docs/plc.md, and nothing else.

It knows functions 3 and 16 by hand: the line's own Modbus speaks to it, so it must not be the same code.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading

SERIAL_REGISTERS = 8
_REGISTERS = 500
_COUNTER, _SERIAL, _END = 0, 4, 4 + SERIAL_REGISTERS
_HEADER = struct.Struct(">HHHBB")
_READ, _WRITE, _UNKNOWN, _NO_SUCH = 3, 16, 1, 2


class PartCounter:
    """Counts parts, and says how many and which serial the newest has."""

    def __init__(self) -> None:
        """Begins to listen on a port of its own of 127.0.0.1."""
        self._registers = [0] * _REGISTERS
        self._lock = threading.Lock()
        self._clients: set[socket.socket] = set()
        counter = self

        class Conversation(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                counter._converse(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def count(self, serial: str, parts: int = 1) -> None:
        """So many parts have come at once; the newest has this serial."""
        content = serial.encode("ascii").ljust(2 * SERIAL_REGISTERS, b"\0")[: 2 * SERIAL_REGISTERS]
        with self._lock:
            number = (self._registers[_COUNTER] + parts) & 0xFFFF
            self._registers[_SERIAL:_END] = struct.unpack(f">{SERIAL_REGISTERS}H", content)
            self._registers[_COUNTER] = self._registers[_END] = number

    def close(self) -> None:
        """It is switched off."""
        self._server.shutdown()
        self._server.server_close()
        for client in tuple(self._clients):
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def _converse(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._clients.add(client)
        with contextlib.suppress(ConnectionError):
            while (header := _received(client, _HEADER.size)) is not None:
                number, protocol, length, unit, function = _HEADER.unpack(header)
                body = _received(client, length - 2)
                if body is None:
                    break
                answer = self._answer(function, body)
                client.sendall(struct.pack(">HHHB", number, protocol, len(answer) + 1, unit) + answer)
        self._clients.discard(client)

    def _answer(self, function: int, body: bytes) -> bytes:
        if function not in (_READ, _WRITE):
            return bytes([function | 0x80, _UNKNOWN])
        address, count = struct.unpack(">HH", body[:4])
        if address + count > _REGISTERS:
            return bytes([function | 0x80, _NO_SUCH])
        with self._lock:
            if function == _READ:
                values = self._registers[address : address + count]
                return struct.pack(f">BB{count}H", _READ, 2 * count, *values)
            self._registers[address : address + count] = struct.unpack(f">{count}H", body[5:])
        return struct.pack(">BHH", _WRITE, address, count)


def _received(client: socket.socket, size: int) -> bytes | None:
    """So many bytes; None at the end of the conversation."""
    content = b""
    while len(content) < size:
        piece = client.recv(size - len(content))
        if not piece:
            return None
        content += piece
    return content
