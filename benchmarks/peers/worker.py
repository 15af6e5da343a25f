"""A pipeline in a process of its own, spoken to over a pipe, and what keeps a peer quiet."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NOWHERE = "http://127.0.0.1:9"
"""A proxy that is not there: whatever a peer asks of a network fails at once."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Who runs, on what, in which environment."""

    name: str
    python: str
    subject: str
    """A module in this folder with ``open_cycle``."""
    variant: str
    engine: str
    """Which engine computes the network, for a reader."""
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one cycle."""

    spent_ms: float
    passed: bool
    score: float


class Worker:
    """A process that judges a frame when it is told to, and waits otherwise."""

    def __init__(self, pipeline: Pipeline, folder: Path, threads: int, gib: int) -> None:
        self.pipeline = pipeline
        self._log = folder / f"{pipeline.name}.log".replace(" ", "-").replace(":", "-")
        arguments = [pipeline.subject, str(folder), pipeline.variant, str(threads), str(gib)]
        with self._log.open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [pipeline.python, str(HERE / "serve.py"), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                bufsize=1,
                cwd=folder,
                env=quiet(folder, threads, ours=pipeline.ours),
            )
        self.versions: dict[str, str] = {}

    def wait_ready(self) -> None:
        """Until its model is loaded."""
        self.versions = self._read()["ready"]

    def judge(self, number: int, before: int) -> Answer:
        """The cycle of frame ``number``; ``before`` is judged first, untimed."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{number} {before}\n")
        self._process.stdin.flush()
        spent_ns, passed, score = self._read()
        return Answer(spent_ns / 1e6, passed, score)

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            said = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise SystemExit(f"{self.pipeline.name} ended with {self._process.wait()}:\n{said}")
        return json.loads(line)

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def quiet(folder: Path, threads: int, *, ours: bool = False) -> dict[str, str]:
    """A peer's environment: no network, no telemetry, no installing, a home that is thrown away."""
    kept = {
        name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LD_LIBRARY_PATH")
    }
    if ours:
        return kept | {"PYTHONPATH": os.environ.get("PYTHONPATH", ""), "HOME": str(folder)}
    return kept | {
        "HOME": str(folder),
        "YOLO_CONFIG_DIR": str(folder),
        "MPLCONFIGDIR": str(folder),
        "YOLO_OFFLINE": "true",
        "YOLO_AUTOINSTALL": "false",
        "OFFLINE_MODE": "True",
        "TELEMETRY_OPT_OUT": "True",
        "METRICS_ENABLED": "False",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "TRUST_REMOTE_CODE": "1",  # anomalib wants it before it opens its own file, which we made
        "OMP_NUM_THREADS": str(threads),
        "HTTP_PROXY": NOWHERE,
        "HTTPS_PROXY": NOWHERE,
    }


def make(python: str, subject: str, folder: Path, threads: int, gib: int) -> None:
    """Lets a peer make its model in ``folder``, under the same limits."""
    limited = (
        f"import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_AS, ({gib} << 30, {gib} << 30)); "
    )
    file = str(HERE / f"{subject}.py")
    script = (
        f"{limited}sys.argv = [{file!r}, {str(folder)!r}]; runpy.run_path({file!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [python, "-c", script],
        cwd=folder,
        env=quiet(folder, threads),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{subject} could not make its model ({done.returncode}):\n{done.stdout[-2000:]}")
