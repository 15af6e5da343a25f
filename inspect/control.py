"""What a person tells a running line: a request and its answer, over a socket beside the records.

One line of JSON each. The line never waits for a caller: what it cannot read or write at once, it drops.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from taktsight.errors import LineError

FILE = "control"
MAX_REQUEST_BYTES = 1 << 16
ANSWER_S = 180.0
"""An engine may have to be built before the line can answer."""


class Caller:
    """One request that is being listened to or answered."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = b""
        connection.setblocking(False)

    def fileno(self) -> int:
        """For ``select``."""
        return self._connection.fileno()

    def receive(self) -> dict[str, Any] | None:
        """The request, once all of it is there; None before.

        Raises:
            LineError: If the caller is gone, or says something else than one line of JSON.
        """
        try:
            received = self._connection.recv(MAX_REQUEST_BYTES)
        except BlockingIOError:
            return None
        except ConnectionResetError:
            received = b""
        self._received += received
        if not received or len(self._received) > MAX_REQUEST_BYTES:
            raise LineError("control: a caller left before its request was whole, or never ended it")
        if not self._received.endswith(b"\n"):
            return None
        try:
            request = json.loads(self._received)
        except ValueError as error:
            raise LineError(f"control: a caller sent no JSON: {error}") from error
        if not isinstance(request, dict):
            raise LineError(f"control: a caller sent {type(request).__name__}; an object is wanted")
        return request

    def answer(self, done: bool, message: str) -> None:
        """Says what came of the request and hangs up. A caller that is gone misses it."""
        content = json.dumps({"done": done, "message": message}).encode() + b"\n"
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            self._connection.send(content)
        self.close()

    def close(self) -> None:
        """Hangs up."""
        self._connection.close()


class ControlPort:
    """The line's ear."""

    def __init__(self, records: Path) -> None:
        records.mkdir(parents=True, exist_ok=True)
        self._file = records / FILE
        self._file.unlink(missing_ok=True)  # of a line that was killed: a living one holds the ledger
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.setblocking(False)
        with _short_name(records) as name:
            self._socket.bind(name)
        self._file.chmod(0o600)
        self._socket.listen(4)

    def fileno(self) -> int:
        """For ``select``."""
        return self._socket.fileno()

    def accept(self) -> Caller | None:
        """Who is calling; None if the caller has hung up already."""
        try:
            return Caller(self._socket.accept()[0])
        except (BlockingIOError, ConnectionAbortedError):
            return None

    def close(self) -> None:
        """Nobody can call any more."""
        self._socket.close()
        self._file.unlink(missing_ok=True)


def tell_line(records: Path, request: dict[str, Any], *, wait_s: float = ANSWER_S) -> str:
    """What the line that writes these records answers; returns once it has done what was asked.

    Raises:
        LineError: If no line runs there, it refuses, or it does not answer in time.
    """
    with socket.socket(socket.AF_UNIX) as call, _short_name(records) as name:
        call.settimeout(wait_s)
        try:
            call.connect(name)
            call.sendall(json.dumps(request).encode() + b"\n")
            with call.makefile("rb") as answers:
                answer = answers.readline()
        except TimeoutError as error:
            raise LineError(
                f"{records}: the line gave no answer within {wait_s:g} s; see its log"
            ) from error
        except OSError as error:
            raise LineError(f"{records}: no line runs that writes its records there; start it") from error
    if not answer:
        raise LineError(f"{records}: the line ended before it answered; see its log")
    said = json.loads(answer)
    if not said["done"]:
        raise LineError(str(said["message"]))
    return str(said["message"])


@contextlib.contextmanager
def _short_name(records: Path) -> Iterator[str]:
    """A socket's address holds 107 bytes, and folders have longer names."""
    try:
        folder = os.open(records, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise LineError(f"{records}: no line runs that writes its records there; start it") from error
    try:
        yield f"/proc/self/fd/{folder}/{FILE}"
    finally:
        os.close(folder)
