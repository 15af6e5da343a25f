"""Where a machine is read: a file tree and a way to run commands. A folder of recordings will do."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from taktsight.inspect.children import SAFE_PATH

PYTHON = "python"
"""In a command: the interpreter that runs Taktsight."""
ABSENT, HUNG = 127, 124
"""Exit status of a command that does not exist, and of one that did not end."""
LONGEST_S = 20.0
END_S = 1.0
"""What was killed may take so long to end. What hangs in the kernel does not end, and is left behind."""
_SYSTEM_PATH = "/usr/sbin:/sbin:/usr/local/cuda/bin"
"""nvpmodel and its like are not on everybody's PATH."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    status: int
    text: str
    """Standard output."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Reads a machine."""

    root: Path
    """``/``, or a folder that holds what a machine's files said."""
    run: Callable[[Sequence[str]], Ran]

    def text(self, path: str) -> str:
        """A file's text without the NUL that device trees end with; "" where there is none."""
        try:
            content = (self.root / path.lstrip("/")).read_bytes()
        except OSError:  # absent, or not ours to read: both say nothing
            return ""
        return content.decode("utf-8", errors="replace").strip("\0\n ")

    def matching(self, pattern: str) -> list[str]:
        """Paths that match, as the machine calls them."""
        found = self.root.glob(pattern.lstrip("/"))
        return sorted(f"/{path.relative_to(self.root).as_posix()}" for path in found)

    def output(self, *command: str) -> str:
        """What a command printed; "" where it is absent or failed."""
        ran = self.run(command)
        return ran.text if ran.status == 0 else ""


def this_machine() -> Probe:
    """Reads the machine that this runs on."""
    return Probe(Path("/"), _run_here)


def _run_here(command: Sequence[str]) -> Ran:
    program = [sys.executable, *command[1:]] if command[0] == PYTHON else list(command)
    path = f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}"
    try:
        process = subprocess.Popen(
            program,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | SAFE_PATH | {"LC_ALL": "C", "PATH": path},
        )
    except OSError:
        return Ran(ABSENT, "")
    try:
        said, _ = process.communicate(timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        _leave(process)
        return Ran(HUNG, "")
    return Ran(process.returncode, said.decode("utf-8", errors="replace"))


def _leave(process: subprocess.Popen[bytes]) -> None:
    """Kills it, and waits for neither its end nor that of its children."""
    process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(END_S)
    if process.stdout is not None:
        process.stdout.close()
