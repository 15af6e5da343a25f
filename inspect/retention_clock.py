"""The time that ages of images are counted by: a wall clock that leapt ahead is not believed at once.

A computer whose clock stands years ahead until the network has put it right would find every image too old,
and remove them all as it starts. The newest record says what time it was at least; the monotonic clock says
how much has passed since.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

log = logging.getLogger(__name__)

LEAP = timedelta(days=4)
"""A line may stand still over a long weekend. By less than this nobody notices."""
BELIEVED_S = 3600.0
"""A clock that has gone on for so long from where it leapt to is believed: the line did stand so long."""


class RetentionClock:
    """No clock of its own: both times are given to it."""

    def __init__(self, newest: datetime | None) -> None:
        """``newest``: when the newest record of the runs before was written; None where there is none."""
        self._known = newest
        self._known_s: float | None = None
        self._leapt = timedelta(0)
        self._leapt_s: float | None = None

    @property
    def is_ahead(self) -> bool:
        """Whether the wall clock is not believed."""
        return self._leapt_s is not None

    def age_at(self, now: datetime, monotonic_s: float) -> datetime:
        """The moment that ages are counted up to: now, or as late as the records allow."""
        if self._known_s is None:
            self._known, self._known_s = self._known or now, monotonic_s
        if self._known is None:
            raise ValueError("what is known is known from the first call")
        expected = self._known + timedelta(seconds=monotonic_s - self._known_s)
        ahead = now - expected
        if ahead > LEAP and not self._has_lasted(ahead, monotonic_s):
            return expected
        if self._leapt_s is not None:
            log.warning("ages of images are counted by the wall clock again, %s", now.isoformat())
        # A clock that stands behind will be put right: what the records knew, they still know then.
        self._known, self._known_s, self._leapt_s = max(now, expected), monotonic_s, None
        return now

    def _has_lasted(self, ahead: timedelta, monotonic_s: float) -> bool:
        if self._leapt_s is None or abs(ahead - self._leapt) > LEAP:
            self._leapt, self._leapt_s = ahead, monotonic_s
            log.warning(
                "the wall clock is %.0f days ahead of the newest record: no image is removed by age until "
                "it is put right, or has gone on so for %.0f min",
                ahead / timedelta(days=1),
                BELIEVED_S / 60,
            )
        return monotonic_s - self._leapt_s >= BELIEVED_S
