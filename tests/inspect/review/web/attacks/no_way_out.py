"""A Python that connects to nothing: what it is asked to is written down and refused.

The folder that :func:`forbid` makes goes first in ``PYTHONPATH``; every process below it obeys too.
"""

from __future__ import annotations

import os
from pathlib import Path

HOOK = """
import os, sys

def _refuse(event, values):
    if event in ("socket.connect", "socket.sendto"):
        address = values[1] if event == "socket.connect" else values[1]
        if not isinstance(address, tuple):
            return
    elif event not in ("socket.getaddrinfo", "socket.gethostbyname", "urllib.Request"):
        return
    else:
        address = values[:2]
        if event == "socket.getaddrinfo" and address[0] in (None, "", "127.0.0.1", "::1", "localhost"):
            return
        if event == "urllib.Request" and str(values[0]).startswith("data:"):
            return
    with open(os.environ["NO_WAY_OUT"], "a") as file:
        file.write(f"{event} {address!r}\\n")
    raise PermissionError(f"{event} {address!r}: this test lets nothing out")

sys.addaudithook(_refuse)
"""


def forbid(folder: Path) -> dict[str, str]:
    """Environment of a process that shall reach nothing; what it tried stands in ``folder/tried``."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HOOK)
    paths = [str(folder), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "NO_WAY_OUT": str(folder / "tried")}


def tried(folder: Path) -> list[str]:
    """What was asked for and refused."""
    file = folder / "tried"
    return file.read_text().splitlines() if file.exists() else []
