"""Training configurations that ship with the package: ``taktsight train --like NAME`` starts from one.

Every YAML in ``configs/training`` is one. Its file name is its name, its first line, a comment, says in one
sentence when to take it.
"""

from __future__ import annotations

from pathlib import Path

import taktsight
from taktsight.errors import ConfigError

FOLDER = Path(taktsight.__file__).parent / "configs" / "training"


def starting_points() -> dict[str, str]:
    """Name → when to take it, sorted by name."""
    return {
        file.stem: file.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
        for file in sorted(FOLDER.glob("*.yaml"))
    }


def starting_point(name: str) -> Path:
    """The configuration of this name.

    Raises:
        ConfigError: If there is none; the message lists those that there are.
    """
    file = FOLDER / f"{name}.yaml"
    if name not in starting_points():
        asked = f"there is no starting point {name!r}" if name else "no name was given"
        raise ConfigError(f"--like: {asked}; there are\n{listing()}")
    return file


def listing() -> str:
    """One line per starting point, for help and messages."""
    known = starting_points()
    width = max(map(len, known))
    return "\n".join(f"  {name:<{width}}  {when}" for name, when in known.items())
