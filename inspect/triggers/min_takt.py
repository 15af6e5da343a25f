"""Tells a part from the second edge that the same part made."""

from __future__ import annotations


class MinTakt:
    """Two edges closer than this are one part."""

    def __init__(self, min_takt_ns: int) -> None:
        self._min_takt_ns = min_takt_ns
        self._last_ns: int | None = None

    def is_bounce(self, at_ns: int) -> bool:
        """Whether it comes too soon after the last part to be another one. Ask once for each edge.

        The time runs from the edge that counted: an input that never comes to rest still makes a part
        each ``min_takt``, and the line learns of it.
        """
        last_ns = self._last_ns
        if last_ns is not None and at_ns - last_ns < self._min_takt_ns:
            return True
        self._last_ns = at_ns
        return False
