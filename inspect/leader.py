"""The camera that is the station's trigger, in vision: its frames are told to the line, and its absence."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from taktsight.inspect.cameras.camera import Camera, SelfTriggered, leader_of
from taktsight.inspect.channel import Channel
from taktsight.inspect.messages import Exposed, Watched
from taktsight.inspect.triggers.settings import TriggerSettings

LOOK_S = 0.02
"""How often somebody looks whether it is there."""
BEAT_S = 0.1
"""How often the line is told so, where nothing has changed: silence is a vision that hangs."""


class Leader:
    """Tells the line of each frame at once, and several times a second whether frames can come."""

    def __init__(self, cameras: Sequence[Camera], trigger: TriggerSettings) -> None:
        """Nothing is to be told where something else is the trigger.

        Raises:
            ConfigError: If the camera does not say when it is triggered.
        """
        self._leading = leader_of(cameras, trigger)
        self._ending = threading.Event()

    def tell(self, channel: Channel) -> None:
        """From now on the line is told."""
        if self._leading is None:
            return
        name, camera = self._leading
        # One that finds no room is a gap in the camera's count: the line makes a lost part of it.
        camera.tell_exposures(
            lambda counter, captured_ns: channel.try_send(Exposed(name, counter, captured_ns))
        )
        arguments = (channel, name, camera)
        threading.Thread(target=self._watch, args=arguments, name="watch", daemon=True).start()

    def close(self) -> None:
        """Nobody looks after it any more."""
        self._ending.set()

    def _watch(self, channel: Channel, name: str, camera: SelfTriggered) -> None:
        told, told_s = "", 0.0
        while not self._ending.wait(LOOK_S):
            lost, now_s = camera.outage(), time.monotonic()
            is_due = lost != told or now_s - told_s >= BEAT_S
            if is_due and channel.try_send(Watched(name, lost)):  # no room: at the next look
                told, told_s = lost, now_s
