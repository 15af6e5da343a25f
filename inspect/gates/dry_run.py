"""A gate that moves nothing and writes down what it was told."""

from __future__ import annotations

import os
import time
from pathlib import Path

from taktsight.errors import LineError
from taktsight.inspect.conductor import Answer
from taktsight.inspect.gates.gate import Acted


class DryRunGate:
    """Each action is one line of a file, by one ``write``: a witness that the line cannot correct."""

    def __init__(self, file: Path | None) -> None:
        self._descriptor: int | None = None
        self._acted: list[Acted] = []
        if file is None:
            return
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise LineError(f"gate: {file} cannot be written: {error.strerror}") from error

    @property
    def missing(self) -> str:
        """Nothing."""
        return ""

    @property
    def is_settled(self) -> bool:
        """Always: what it is told is done at once."""
        return True

    def arm(self, now_ns: int) -> None:
        """Nothing is to be prepared."""

    def hold(self) -> None:
        """Nothing moves."""

    def disarm(self) -> None:
        """Nothing is to be ended."""

    def abandon(self, why: str) -> None:
        """Nothing waits."""

    def act(self, answer: Answer) -> None:
        """Writes down the verdict of a part.

        Raises:
            LineError: If it cannot; nothing more may be sent to it.
        """
        self._write(answer)
        self._acted.append(Acted(answer, answer.verdict, time.monotonic_ns()))

    def acted(self) -> list[Acted]:
        """What was written down since the last call."""
        acted, self._acted = self._acted, []
        return acted

    def next_due_ns(self) -> int | None:
        """Nothing is ever due."""
        return None

    def advance(self, now_ns: int) -> None:
        """Nothing is ever due."""

    def close(self) -> None:
        """Lets go of the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, answer: Answer) -> None:
        if self._descriptor is None:
            return
        trigger, outcome = answer.trigger, answer.verdict.outcome
        line = f"{trigger} {outcome.value} {time.monotonic_ns()}\n".encode()
        try:
            written = os.write(self._descriptor, line)
        except OSError as error:
            raise LineError(f"gate: part {trigger} cannot be acted on: {error.strerror}") from error
        if written != len(line):
            raise LineError(f"gate: part {trigger} cannot be acted on: the disk is full")
