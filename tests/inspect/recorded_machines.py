"""Machines that are not here: their files and the output of their commands, laid out in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from taktsight.inspect.machine.demand import Demand
from taktsight.inspect.machine.examine import examine
from taktsight.inspect.machine.finding import Finding
from taktsight.inspect.machine.probe import ABSENT, Probe, Ran

RECORDINGS = Path(__file__).parent / "machines"
NAMES = sorted(path.stem for path in RECORDINGS.glob("*.yaml"))


def recorded(name: str, folder: Path, **changes: str | None) -> Probe:
    """A probe of a recorded machine.

    Args:
        name: of the recording.
        folder: where its files are laid out.
        changes: files and commands with another content, by a word of theirs; None takes one away.
    """
    said: dict[str, dict[str, Any]] = yaml.safe_load(
        (RECORDINGS / f"{name}.yaml").read_text(encoding="utf-8")
    )
    for key, content in changes.items():
        places = [(part, entry) for part in said.values() for entry in part if _is_called(entry, key)]
        ((section, entry),) = places
        section[entry] = content
    for path, text in said["files"].items():
        if text is not None:
            file = folder / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    commands = {command: _ran(answer) for command, answer in said["commands"].items()}
    return Probe(folder, lambda command: commands.get(" ".join(command), Ran(ABSENT, "")))


def looked_at(probe: Probe, engine: str | None = None, *, model_mb: float = 6.2) -> dict[str, Finding]:
    """What is said of the machine, by subject, for a station with this engine."""
    demand = None if engine is None else Demand(engine, model_mb)
    return {finding.subject: finding for finding in examine(probe, demand)}


def graded(findings: dict[str, Finding], grade: str) -> list[str]:
    """Subjects with this grade."""
    return [subject for subject, finding in findings.items() if finding.grade == grade]


def unanswered(command: Sequence[str]) -> Ran:
    """A machine that has no commands at all."""
    return Ran(ABSENT, "")


def _is_called(entry: str, key: str) -> bool:
    words = entry.replace("/", " ").replace("-", "_").split()
    return key in words


def _ran(answer: Any) -> Ran:
    if answer is None:
        return Ran(ABSENT, "")
    return Ran(answer["status"], answer["text"]) if isinstance(answer, dict) else Ran(0, answer)
