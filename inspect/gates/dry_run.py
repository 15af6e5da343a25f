"""A gate that moves nothing and writes down what it was told."""

from __future__ import annotations

import os
import time
from pathlib import Path

from taktsight.errors import LineError
from taktsight.records import Outcome


class DryRunGate:
    """Each action is one line of a file, by one ``write``: a witness that the line cannot correct."""

    def __init__(self, file: Path | None) -> None:
        self._descriptor: int | None = None
        if file is None:
            return
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise LineError(f"gate: {file} cannot be written: {error.strerror}") from error

    def act(self, trigger: int, outcome: Outcome) -> None:
        """Tells the gate what to do with a part.

        Raises:
            LineError: If the gate cannot act; nothing more may be sent to it.
        """
        if self._descriptor is None:
            return
        line = f"{trigger} {outcome.value} {time.monotonic_ns()}\n".encode()
        try:
            written = os.write(self._descriptor, line)
        except OSError as error:
            raise LineError(f"gate: part {trigger} cannot be acted on: {error.strerror}") from error
        if written != len(line):
            raise LineError(f"gate: part {trigger} cannot be acted on: the disk is full")

    def close(self) -> None:
        """Lets go of the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
