"""Whether a line runs on some records, without touching them.

A line's recorder holds a lock on ``records/lock`` for as long as it lives, and the kernel lists the locks
of this computer. To try the lock ourselves could keep a line that is just starting out of its own records.
"""

from __future__ import annotations

import os
from pathlib import Path

FILE = "lock"
LOCKS = Path("/proc/locks")


def is_held(records: Path, locks: Path = LOCKS) -> bool | None:
    """Whether a process of this computer writes there; None where nobody can tell.

    Args:
        records: folder of the ledger.
        locks: where the kernel lists them.
    """
    try:
        status = (records / FILE).stat()
    except FileNotFoundError:
        return False
    except OSError:
        return None
    try:
        held = [line.split() for line in locks.read_text(encoding="ascii").splitlines()]
    except (OSError, ValueError):
        return None
    places = [fields[5] for fields in held if len(fields) > 5 and fields[1] == "FLOCK"]
    wanted = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    if wanted in places:
        return True
    # Some file systems show another device there than a file has: the inode alone proves nothing.
    is_doubtful = any(place.rpartition(":")[2] == str(status.st_ino) for place in places)
    return None if is_doubtful else False
