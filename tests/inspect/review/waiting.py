"""What runs beside a test is waited for, not slept for."""

from __future__ import annotations

import time
from collections.abc import Callable

WAIT_S = 60.0
"""For a machine that does much else; what takes longer is a fault."""


def wait_until(true: Callable[[], bool]) -> None:
    """Until it is true.

    Raises:
        AssertionError: If it does not become so.
    """
    until_s = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < until_s, "it did not happen"
        time.sleep(0.05)
