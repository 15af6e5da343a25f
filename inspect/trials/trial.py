"""Engines on trial: each in a process of its own, fed by its standard input."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from taktsight.card import Card
from taktsight.errors import BackendError
from taktsight.inspect.backends.backend import engine_name
from taktsight.inspect.children import CALM, SAFE_PATH
from taktsight.inspect.trials.choice import Measured
from taktsight.inspect.trials.task import Task

log = logging.getLogger(__name__)
MODULE = "taktsight.inspect.trials.trial_process"
LAST_BYTES = 4096
"""Of what a process said: the line that it ended with is among them."""


class Trial:
    """One engine with one number of threads.

    Raises:
        BackendError: From any call, if its process ended; with the last line that it said.
    """

    def __init__(self, task: Task) -> None:
        self.engine, self.threads = engine_name(task.engine), task.engine.threads or 1
        self._times: list[dict[str, int]] = []
        self._rss_mb = 0.0
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  a pipe that nobody reads would fill up
        began = time.monotonic_ns()
        self._process = subprocess.Popen(
            [sys.executable, "-m", MODULE, task.model_dump_json()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env=os.environ | SAFE_PATH | CALM,
        )
        try:
            self._cold_ms = (self._answer()["first_verdict_ns"] - began) / 1e6
            self._mistakes: list[str] = self._answer()["mistakes"]
        except BaseException:
            self.end()
            raise

    def judge(self, parts: int) -> None:
        """So many parts, one after the other."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it ended: it is asked for its last word below
            self._process.stdin.write(f"{parts}\n")
            self._process.stdin.flush()
        answer = self._answer()
        self._times += answer["stages_ns"]
        self._rss_mb = answer["rss_mb"]

    def forget_first(self, parts: int) -> None:
        """They warmed the engine up."""
        del self._times[:parts]

    def measured(self, card: Card, flip_limit: float) -> Measured:
        """What was measured so far, what the card says of the engine, and how much may have flipped."""
        whole = np.array([each["whole"] for each in self._times]) / 1e6
        p50, p99, p999 = np.percentile(whole, (50, 99, 99.9))
        parity = card.parity_of(self.engine)
        return Measured(
            engine=self.engine,
            threads=self.threads,
            parts=len(whole),
            p50_ms=float(p50),
            p99_ms=float(p99),
            p999_ms=float(p999),
            stages_p50_ms={
                stage: float(np.median([each[stage] for each in self._times])) / 1e6
                for stage in self._times[0]
            },
            cold_start_ms=self._cold_ms,
            rss_mb=self._rss_mb,
            flip_share=parity.flip_share if parity else None,
            flip_limit=flip_limit,
            golden_mistakes=len(self._mistakes),
        )

    def end(self) -> None:
        """Ends its process."""
        self._process.kill()
        self._process.communicate()
        self._said.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise BackendError(f"{self.engine}: {self._last_line()}")
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError as error:
            raise BackendError(f"{self.engine}: answered {line.strip()!r}, which is no answer") from error
        return answer

    def _last_line(self) -> str:
        """Of a process that ended: while it runs it writes where this reads."""
        self._process.wait()
        self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - LAST_BYTES))
        lines = self._said.read().decode("utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "ended without a word"


@contextmanager
def open_trials(tasks: Sequence[Task], proved: Collection[str]) -> Iterator[list[Trial]]:
    """Every task in a process; none of them is left behind.

    Raises:
        BackendError: If an engine that was proved does not open. Others are left out, with a warning.
    """
    trials: list[Trial] = []
    try:
        for task in tasks:
            try:
                trials.append(Trial(task))
            except BackendError as error:
                if engine_name(task.engine) in proved:
                    raise
                log.warning("left out: %s", error)
        yield trials
    finally:
        for trial in trials:
            trial.end()
