"""Requests to a running line, from this computer: a socket beside its records.

A request is one packet of JSON and gets one packet back. Nothing waits for whoever asks.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import selectors
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from taktsight.errors import LineError

log = logging.getLogger(__name__)

SOCKET = "line.sock"
MAX_CLIENTS = 4
"""One more, and who was silent for the longest time is let go."""
MAX_BYTES = 1 << 16
TIMEOUT_S = 5.0
"""How long a line may take to answer."""

Handle = Callable[[dict[str, Any]], dict[str, Any]]


class Control:
    """The line's end."""

    def __init__(self, folder: Path, selector: selectors.BaseSelector, handle: Handle) -> None:
        """Listens; the records' folder must be this line's own.

        Raises:
            LineError: If the socket cannot be made there.
        """
        self._selector = selector
        self._handle = handle
        self._path = folder / SOCKET
        self._clients: dict[socket.socket, None] = {}  # who was silent for the longest time first
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._server.setblocking(False)
        try:
            with contextlib.suppress(FileNotFoundError):
                self._path.unlink()  # of a line that was killed
            with _short(folder) as short:
                self._server.bind(f"{short}/{SOCKET}")
            self._path.chmod(0o600)
            self._inode = self._path.stat().st_ino
            self._server.listen(MAX_CLIENTS)
        except OSError as error:
            self._server.close()
            raise LineError(f"{self._path}: cannot be listened at: {error.strerror}") from error
        selector.register(self._server, selectors.EVENT_READ, self._accept)

    def close(self) -> None:
        """Nobody is listened to any more. A line that was started meanwhile keeps its socket."""
        for end in (self._server, *self._clients):
            self._selector.unregister(end)
            end.close()
        self._clients.clear()
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()

    def _accept(self) -> None:
        try:
            client, _ = self._server.accept()
        except OSError as error:  # it is gone again, or there are too many descriptors
            log.warning("control: %s", error)
            return
        if len(self._clients) >= MAX_CLIENTS:
            self._let_go(next(iter(self._clients)))
        client.setblocking(False)
        self._clients[client] = None
        self._selector.register(client, selectors.EVENT_READ, lambda: self._read(client))

    def _read(self, client: socket.socket) -> None:
        if client not in self._clients:  # let go of a moment before
            return
        try:
            content = client.recv(MAX_BYTES)
            if content:
                self._clients[client] = self._clients.pop(client)
                client.send(json.dumps(self._answer(content)).encode())
                return
        except OSError as error:  # whoever asked is gone, or does not read
            log.debug("control: %s", error)
        self._let_go(client)

    def _let_go(self, client: socket.socket) -> None:
        self._selector.unregister(client)
        del self._clients[client]
        client.close()

    def _answer(self, content: bytes) -> dict[str, Any]:
        try:
            request = json.loads(content)
        except (ValueError, RecursionError):
            return {"error": "a request is JSON"}
        if not isinstance(request, dict):
            return {"error": "a request is a JSON object"}
        return self._handle(request)


def open_control(
    folder: Path, selector: selectors.BaseSelector, handle: Handle, *, must_listen: bool
) -> Control | None:
    """The line's end; None where it cannot be had and the line can do without.

    Raises:
        LineError: If it must listen and cannot.
    """
    try:
        return Control(folder, selector, handle)
    except LineError as error:
        if must_listen:
            raise
        log.warning("no changeover while it works: %s", error)
        return None


class ControlClient:
    """The end of whoever asks a line."""

    def __init__(self, folder: Path, station: str) -> None:
        """Connects.

        Args:
            folder: the line's records.
            station: what an error calls the line.

        Raises:
            LineError: If no line listens there.
        """
        self._station = station
        self._end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._end.settimeout(TIMEOUT_S)
        try:
            with _short(folder) as short:
                self._end.connect(f"{short}/{SOCKET}")
        except OSError as error:
            self._end.close()
            raise LineError(
                f"station {station!r}: no line listens at {folder / SOCKET}: start it with 'taktsight "
                "run', as the user that asks here"
            ) from error

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The line's answer.

        Raises:
            LineError: If it has ended, does not answer, or refuses.
        """
        try:
            self._end.send(json.dumps(request).encode())
            content = self._end.recv(MAX_BYTES)
        except OSError as error:
            raise LineError(f"station {self._station!r}: the line does not answer: {error}") from error
        if not content:
            raise LineError(f"station {self._station!r}: the line has ended, or serves others")
        answer: dict[str, Any] = json.loads(content)
        if "error" in answer:
            raise LineError(f"station {self._station!r}: {answer['error']}")
        return answer

    def close(self) -> None:
        """Lets go of the line."""
        self._end.close()


@contextlib.contextmanager
def _short(folder: Path) -> Iterator[str]:
    """A path to the folder that fits into a socket's address, 108 bytes."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
