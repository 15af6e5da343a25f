"""Engines on trial: each in a process of its own, fed by its standard input."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from taktsight.card import Card
from taktsight.errors import BackendError
from taktsight.inspect.engines import ON_A_GPU
from taktsight.inspect.trials.choice import Measured

log = logging.getLogger(__name__)


class Trial:
    """One engine with one number of threads.

    Raises:
        BackendError: From any call, if its process ended; with the last line that it said.
    """

    def __init__(self, bundle: Path, engine: str, threads: int) -> None:
        self.engine, self.threads = engine, threads
        began = time.monotonic_ns()
        command = [sys.executable, "-m", "taktsight.inspect.trials.trial_process"]
        self._process = subprocess.Popen(
            [*command, str(bundle), engine, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._cold_ms = (self._answer()["first_verdict_ns"] - began) / 1e6
        self._mistakes: list[str] = self._answer()["mistakes"]
        self._times: list[dict[str, int]] = []
        self._rss_mb = 0.0

    def judge(self, parts: int) -> None:
        """So many parts, one after the other."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{parts}\n")
        self._process.stdin.flush()
        answer = self._answer()
        self._times += answer["stages_ns"]
        self._rss_mb = answer["rss_mb"]

    def forget_first(self, parts: int) -> None:
        """They warmed the engine up."""
        del self._times[:parts]

    def measured(self, card: Card) -> Measured:
        """What was measured so far, with what the card says of the engine."""
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
            flip_limit=card.flip_limit,
            golden_mistakes=len(self._mistakes),
        )

    def end(self) -> None:
        """Ends its process."""
        self._process.kill()
        self._process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            said = self._process.communicate()[1].strip().splitlines()
            raise BackendError(f"{self.engine}: {said[-1] if said else 'ended without a word'}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def open_trials(
    bundle: Path, engines: Sequence[str], threads: Sequence[int], proved: Collection[str]
) -> Iterator[list[Trial]]:
    """Every engine with every number of threads; none of their processes is left behind.

    Raises:
        BackendError: If an engine that was proved does not open. Others are left out, with a warning.
    """
    trials: list[Trial] = []
    try:
        for engine in engines:
            try:
                counts = (1,) if engine in ON_A_GPU else threads
                trials += [Trial(bundle, engine, count) for count in counts]
            except BackendError as error:
                if engine in proved:
                    raise
                log.warning("left out: %s", error)
        yield trials
    finally:
        for trial in trials:
            trial.end()
