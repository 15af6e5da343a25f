"""One TCP connection to a Modbus server, which asks one thing at a time. It never waits."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import struct
import time
from collections.abc import Callable
from typing import Protocol

from taktsight.inspect.plc.modbus import MAX_FRAME_BYTES, Modbus, Request, WrongAnswerError

CONNECT_WITHIN_NS = 1_000_000_000


class Asker(Protocol):
    """Who is told what becomes of a connection."""

    def connected(self, now_ns: int) -> None:
        """It may ask."""

    def answered(self, registers: tuple[int, ...], asked_ns: int, now_ns: int) -> None:
        """The answer to what it asked last; it may ask again."""

    def lost(self, reason: str, now_ns: int) -> None:
        """The connection is closed; what was asked last was answered, or was not, and nobody will know."""


class Connection:
    """Closed until :meth:`open`, and again after each fault."""

    def __init__(
        self,
        address: tuple[str, int],
        modbus: Callable[[], Modbus],
        answer_within_ns: int,
        selector: selectors.BaseSelector,
        asker: Asker,
    ) -> None:
        self._address = address
        self._make_modbus = modbus
        self._answer_within_ns = answer_within_ns
        self._selector = selector
        self._asker = asker
        self._socket: socket.socket | None = None
        self._modbus = modbus()
        self._is_connected = False
        self._gives_up_ns: int | None = None
        self._asked_ns = 0

    @property
    def is_closed(self) -> bool:
        """Whether it must be opened."""
        return self._socket is None

    @property
    def is_free(self) -> bool:
        """Whether it may ask."""
        return self._is_connected and self._gives_up_ns is None

    @property
    def gives_up_ns(self) -> int | None:
        """When :meth:`check` must be called; None while nothing is awaited."""
        return self._gives_up_ns

    def open(self, now_ns: int) -> None:
        """Begins to connect."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self._modbus = self._make_modbus()
        try:
            self._socket = connecting = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:  # a service that may not, or no descriptor is left
            self._lose(os.strerror(error.errno or 0), now_ns)
            return
        connecting.setblocking(False)
        connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A reset instead of a farewell: what was not sent yet must not reach the PLC later.
        connecting.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._gives_up_ns = now_ns + CONNECT_WITHIN_NS
        refused = connecting.connect_ex(self._address)
        if refused not in (0, errno.EINPROGRESS):
            self._lose(os.strerror(refused), now_ns)
            return
        self._selector.register(connecting, selectors.EVENT_WRITE, self._finish_connecting)

    def ask(self, request: Request, now_ns: int) -> None:
        """Sends a request; the asker is told of its answer.

        Raises:
            ValueError: If it is not free.
        """
        if self._socket is None or not self.is_free:
            raise ValueError("one thing is asked at a time")
        self._asked_ns, self._gives_up_ns = now_ns, now_ns + self._answer_within_ns
        frame = self._modbus.ask(request)
        try:
            sent = self._socket.send(frame)
        except OSError as error:
            self._lose(os.strerror(error.errno or 0), now_ns)
            return
        if sent != len(frame):  # a request always fits, unless nothing leaves any more
            self._lose("it takes nothing more", now_ns)

    def check(self, now_ns: int) -> None:
        """Gives up what was awaited too long."""
        if self._gives_up_ns is not None and now_ns >= self._gives_up_ns:
            what = "answer" if self._is_connected else "connection"
            within_ns = self._answer_within_ns if self._is_connected else CONNECT_WITHIN_NS
            self._lose(f"no {what} within {within_ns / 1e6:g} ms", now_ns)

    def close(self) -> None:
        """Nobody is told."""
        if self._socket is not None:
            if self._socket in self._selector.get_map():
                self._selector.unregister(self._socket)
            self._socket.close()
        self._socket, self._is_connected, self._gives_up_ns = None, False, None

    def _lose(self, reason: str, now_ns: int) -> None:
        self.close()
        self._asker.lost(reason, now_ns)

    def _finish_connecting(self) -> None:
        if self._socket is None:
            return
        now_ns = time.monotonic_ns()
        refused = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if refused:
            self._lose(os.strerror(refused), now_ns)
            return
        self._selector.modify(self._socket, selectors.EVENT_READ, self._receive)
        self._is_connected, self._gives_up_ns = True, None
        self._asker.connected(now_ns)

    def _receive(self) -> None:
        if self._socket is None:
            return
        now_ns = time.monotonic_ns()
        try:
            content = self._socket.recv(4 * MAX_FRAME_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(os.strerror(error.errno or 0), now_ns)
            return
        if not content:
            self._lose("it closed the connection", now_ns)
            return
        try:
            registers = self._modbus.hear(content)
        except WrongAnswerError as error:
            self._lose(str(error), now_ns)
            return
        if registers is not None:
            self._gives_up_ns = None
            self._asker.answered(registers, self._asked_ns, now_ns)
