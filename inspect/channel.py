"""A two-way pipe between the line and one of its processes that keeps messages whole."""

from __future__ import annotations

import pickle
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the crew starts before anything heavy is imported
    from taktsight.inspect.messages import Message

MAX_MESSAGE_BYTES = 1 << 18
BUFFER_BYTES = 1 << 20


class Channel:
    """One end, which one thread reads. A message arrives whole or not at all; the death of the other end is
    its end of file.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._received = memoryview(bytearray(MAX_MESSAGE_BYTES))  # new memory is dear once it is locked
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)

    @staticmethod
    def pair() -> tuple[Channel, socket.socket]:
        """The line's end, which never blocks, and the socket that a process inherits."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        return Channel(ours), theirs

    @staticmethod
    def inherited(descriptor: int) -> Channel:
        """A process's own end, which waits, by the number it was given at its start."""
        return Channel(socket.socket(fileno=descriptor))

    def never_wait(self) -> None:
        """From now on this end does not wait either."""
        self._end.setblocking(False)

    def fileno(self) -> int:
        """For ``select``."""
        return self._end.fileno()

    def close(self) -> None:
        """The other end sees it as the end of file."""
        self._end.close()

    def send(self, message: Message) -> None:
        """Sends, and waits for room where this end blocks.

        Raises:
            OSError: If the other end is gone.
        """
        self._end.send(pickle.dumps(message))

    def try_send(self, message: Message) -> bool:
        """Sends without waiting; False if there is no room, or nobody at the other end."""
        try:
            self._end.send(pickle.dumps(message), socket.MSG_DONTWAIT)
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            return False
        return True

    def receive(self) -> Message | None:
        """The next message; None at the end of file.

        Raises:
            BlockingIOError: If this end does not block and nothing is there.
        """
        try:
            size = self._end.recv_into(self._received)
        except ConnectionResetError:
            return None
        # Only our own processes hold the other end of this anonymous socket.
        return pickle.loads(self._received[:size]) if size else None  # noqa: S301

    def receive_all(self) -> tuple[list[Message], bool]:
        """What is there now, and whether the other end is still there; for an end that does not block."""
        messages: list[Message] = []
        while True:
            try:
                message = self.receive()
            except BlockingIOError:
                return messages, True
            if message is None:
                return messages, False
            messages.append(message)
