"""A leak in the recorder of a line, put there from outside: what a soak must find.

Every Python process looks for a ``sitecustomize`` on ``PYTHONPATH``. The one that is laid here calls
:func:`plant`, which in the recorder, and only there, wraps the ledger's ``append``. Nothing of the line
knows of it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

BYTES, EVERY = "PLANTED_LEAK_BYTES_PER_ENTRY", "PLANTED_LEAK_ENTRIES_PER_DESCRIPTOR"


def leaky_environment(
    folder: Path, *, bytes_per_part: int = 0, parts_per_descriptor: int = 0
) -> dict[str, str]:
    """The environment of a line whose recorder leaks.

    Args:
        folder: empty; gets the file that plants the leak.
        bytes_per_part: kept of each part; 0: none.
        parts_per_descriptor: one descriptor stays open of so many parts; 0: none.
    """
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(f"from {__name__} import plant\n\nplant()\n", encoding="utf-8")
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    return {"PYTHONPATH": path, BYTES: str(bytes_per_part), EVERY: str(parts_per_descriptor)}


def plant() -> None:
    """In the recorder's process: from now on it leaks."""
    if not any("from taktsight.inspect.recorder import" in argument for argument in sys.orig_argv):
        return
    from taktsight.inspect.ledger import Ledger

    append, kept_bytes, every = Ledger.append, int(os.environ[BYTES]), int(os.environ[EVERY])
    kept: list[bytes] = []
    seen = 0

    def leaking(ledger: Ledger, run: str, new: Sequence[Any], *rest: Any) -> None:
        nonlocal seen
        for _ in new:
            seen += 1
            if kept_bytes:
                kept.append(b"\x01" * kept_bytes)  # zeros would take no memory until they are touched
            if every and seen % every == 0:
                os.open(os.devnull, os.O_RDONLY)
        append(ledger, run, new, *rest)

    Ledger.append = leaking  # type: ignore[assignment,method-assign]  # what is meant
