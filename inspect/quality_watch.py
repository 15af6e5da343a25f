"""The quality watch: a process that follows the ledger of a running line and tells it what stands.

Once it has said what stands it runs when nobody else wants the core. The line waits for nothing that it
says after that.
"""

from __future__ import annotations

import logging
import os
import select
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from taktsight.errors import TaktsightError
from taktsight.inspect.channel import Channel
from taktsight.inspect.log_thread import log_through_thread
from taktsight.inspect.messages import Refused, StartWatch
from taktsight.inspect.realtime import all_yield_to_everyone, die_with_line

if TYPE_CHECKING:  # imported once it is polite: vision starts at the same time
    from taktsight.inspect.quality_following import QualityFollower

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""How often the ledger is looked at."""
POLITE = 19
"""Until it has said what stands: vision, which starts at the same time, gets sixty times as much."""
TELL_S = 2.0
"""How often the line is told while much is read."""


class Watch:
    """Reads and tells in turns."""

    def __init__(self, follower: QualityFollower, channel: Channel) -> None:
        self._follower = follower
        self._channel = channel
        self._tell_s = 0.0

    def run(self) -> None:
        """Until the line says stop, or is gone."""
        self._tell()
        all_yield_to_everyone()
        while True:
            self._follower.look(self._pause)
            self._tell()
            self._listen(LOOK_S)

    def _pause(self) -> None:
        if time.monotonic() >= self._tell_s:
            self._tell()
            self._listen(0)

    def _tell(self) -> None:
        self._tell_s = time.monotonic() + TELL_S
        self._channel.send(self._follower.standing())

    def _listen(self, wait_s: float) -> None:
        """Ends with the first word of the line, and with the line."""
        if select.select([self._channel], [], [], wait_s)[0]:
            self._follower.close()
            sys.exit(0)


def main(arguments: Sequence[str]) -> int:
    """Runs as a process of the line: its process id, descriptor of the channel."""
    line_process, channel_descriptor = map(int, arguments)
    die_with_line(line_process)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    channel = Channel.inherited(channel_descriptor)
    start = channel.receive()
    if not isinstance(start, StartWatch):
        return 1
    if not start.is_waited_for:
        # Before NumPy is imported and starts its threads. Idle instead, it might say nothing for long.
        os.nice(POLITE)
    with log_through_thread():
        from taktsight.inspect.quality_following import QualityFollower

        try:
            follower = QualityFollower(start)
        except TaktsightError as error:
            channel.send(Refused(type(error).__name__, str(error)))
            return error.exit_code
        Watch(follower, channel).run()
    return 0
