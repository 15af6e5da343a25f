"""What each process of a running line holds: memory of its own, memory it shares, descriptors."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_MODULE = re.compile(rb"from taktsight\.inspect\.(\w+) import")
_SHARED = ("/memfd:", "/dev/shm/", "/SYSV")
"""How the mappings of shared memory are named."""


@dataclass(frozen=True, slots=True)
class Held:
    """What one process holds at one moment."""

    process_id: int
    private_mb: float
    """Anonymous resident memory, MiB: what it shares with others is not in it."""
    shared_mb: float
    """Resident shared memory that it has mapped, MiB."""
    descriptors: int
    segments: frozenset[str]
    """Device and inode of each piece of shared memory that it has mapped."""


def held_by(line_process: int) -> dict[str, Held]:
    """Of the line and of every process below it, by name; one that is just ending is left out."""
    held = {}
    for process_id in _family(line_process):
        with contextlib.suppress(OSError, KeyError):  # it has just ended
            name = "line" if process_id == line_process else _name(PROC / str(process_id))
            held[name] = _held(process_id)
    return held


def private_mb(process: Path) -> float:
    """Anonymous resident memory, MiB, by the process's folder in ``/proc``; 0 of one that has ended."""
    return _status_mb(process, "RssAnon")


def _family(line_process: int) -> list[int]:
    parents = {}
    for stat in PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    family = [line_process]
    for member in family:  # grows while it is walked
        family += [child for child, parent in parents.items() if parent == member]
    return family


def _name(process: Path) -> str:
    found = _MODULE.search((process / "cmdline").read_bytes())
    return found[1].decode() if found else f"process {process.name}"


def _held(process_id: int) -> Held:
    process = PROC / str(process_id)
    mapped = [line.split(maxsplit=5) for line in (process / "maps").read_text().splitlines()]
    segments = {f"{at[3]}:{at[4]}" for at in mapped if len(at) > 5 and at[5].startswith(_SHARED)}
    descriptors = len(list((process / "fd").iterdir()))
    return Held(
        process_id, private_mb(process), _status_mb(process, "RssShmem"), descriptors, frozenset(segments)
    )


def _status_mb(process: Path, name: str) -> float:
    lines = (process / "status").read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:")), 0.0)
