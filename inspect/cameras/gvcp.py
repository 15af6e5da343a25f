"""Signs of life of a GigE Vision camera: single questions to its control port, which never wait.

The camera libraries ask too, but wait for an answer up to 2.5 s, and keep everybody else waiting meanwhile.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time

PORT = 3956
CONTROL = 0x0A00
"""Register that says who controls the camera: 0 for nobody."""
_ASK = struct.Struct(">BBHHHI")
_HEADER = struct.Struct(">HHHH")
_KEY, _ANSWER_WANTED, _READ_REGISTER, _READ_REGISTER_ANSWER = 0x42, 0x01, 0x0080, 0x0081


class Pulse:
    """Asks a camera who controls it, and notes when it answered."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.asked_ns = 0
        """Monotonic clock."""
        self.answered_ns: int | None = None
        """Monotonic clock; None until the first answer."""
        self.is_controlled = True
        """Whether anybody controls it, by its last answer to a question that counts."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._number = self._first = 1
        with contextlib.suppress(OSError):  # no way there now: later, or never an answer
            self._socket.connect((address, PORT))

    def begin_anew(self) -> None:
        """Who controls the camera has changed: answers to earlier questions do not count."""
        self._first, self.is_controlled = self._next(), True

    def ask(self) -> None:
        """Sends a question; its answer is heard at a later :meth:`listen`."""
        self.asked_ns = time.monotonic_ns()
        self._number = self._next()
        question = _ASK.pack(_KEY, _ANSWER_WANTED, _READ_REGISTER, 4, self._number, CONTROL)
        with contextlib.suppress(OSError):  # no way there, or nobody: that no answer comes says the same
            self._socket.send(question)

    def listen(self) -> None:
        """Notes what has been answered meanwhile."""
        while True:
            try:
                answer = self._socket.recv(64)
            except OSError:  # nothing there, or nobody listens at the other end
                return
            if len(answer) < _HEADER.size:
                continue
            status, kind, _, number = _HEADER.unpack_from(answer)
            if kind != _READ_REGISTER_ANSWER:
                continue
            self.answered_ns = time.monotonic_ns()
            counts = (number - self._first) % 0xFFFF < 0x8000
            if counts and status == 0 and len(answer) >= _HEADER.size + 4:
                self.is_controlled = any(answer[_HEADER.size : _HEADER.size + 4])

    def close(self) -> None:
        """No more questions."""
        self._socket.close()

    def _next(self) -> int:
        return self._number % 0xFFFF + 1


def answers(address: str, within_s: float) -> bool:
    """Whether a camera answers at an address; it is asked every 50 ms."""
    pulse = Pulse(address)
    until_ns = time.monotonic_ns() + round(within_s * 1e9)
    try:
        while pulse.answered_ns is None and time.monotonic_ns() < until_ns:
            pulse.ask()
            time.sleep(0.05)
            pulse.listen()
    finally:
        pulse.close()
    return pulse.answered_ns is not None
