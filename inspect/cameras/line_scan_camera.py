"""A line-scan camera behind the protocol that the line grabs by: lines joined to images of parts.

It may be the station's trigger: then its lines are an endless web, and each tile of it is a part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.cameras.frame_intake import FrameIntake
from taktsight.inspect.cameras.gige_settings import GigeSettings
from taktsight.inspect.cameras.keeper import OpenSession, open_keeper
from taktsight.inspect.cameras.line_blocks import LATE
from taktsight.inspect.cameras.line_feed import LineFeed, kept_lines
from taktsight.inspect.cameras.session import Session
from taktsight.inspect.messages import Expose
from taktsight.records import Image

Settings = TypeVar("Settings", bound=GigeSettings)
ON_THEIR_WAY = 12
"""Buffers beside those whose lines are kept: received, waiting, and in images of a single block."""


class LineScanCamera:
    """GigE Vision or USB3 Vision, through whichever library opens it."""

    def __init__(self, settings: GigeSettings, channels: int, open_session: OpenSession) -> None:
        """Opens it. Whether its blocks come shows when the belt runs.

        Raises:
            ConfigError: If it cannot do what the station asks for.
            CameraError: If it is not there, or somebody else has it.
        """
        if settings.line_scan is None or settings.height_px is None:
            raise ValueError("it has no line_scan, or no height_px")
        self.name = settings.name
        self._line_scan, self._channels = settings.line_scan, channels
        self._open_session = open_session
        self._feed = LineFeed(settings, settings.line_scan, settings.height_px)
        intake = FrameIntake(self._feed, channels)
        self._keeper = open_keeper(settings, self._feed, intake, self._opened)

    @property
    def parts(self) -> int | None:
        """Without end."""
        return None

    @property
    def losses(self) -> int:
        """How often it was lost."""
        return self._keeper.losses

    @property
    def strays(self) -> int:
        """Tiles that were asked for too late, or never."""
        return self._feed.strays

    def rehearsal(self) -> Image:
        """Grey, of the size of a part."""
        width_px = self._keeper.running.width_px
        return np.full((self._line_scan.lines, width_px, self._channels), 128, np.uint8)

    def tell_exposures(self, tell: Callable[[int, int], object]) -> None:
        """From now on the lines are a web; ``tell`` is given number and time of each of its tiles.

        Of one with missing lines too: it is a part that nobody can look at.
        """
        self._feed.tell_tiles(tell)

    def outage(self) -> str:
        """Why no tile will come; "" while one may."""
        return self._feed.outage

    def grab(self, expose: Expose) -> Exposure:
        """The lines of a part.

        Raises:
            CameraError: If some are missing, they did not come in time, or the camera is gone.
        """
        return self._feed.take_tile(expose) if self._feed.is_web else self._feed.take_part(expose)

    def close(self) -> None:
        """Lets go of it; no thread of it runs any more."""
        self._keeper.close()

    def _opened(self, wait_s: float) -> Session:
        session = self._open_session(wait_s)
        self._feed.begin_anew()
        return session


def with_room(settings: Settings) -> Settings:
    """The settings with buffers for all lines that are kept: the camera's buffers are their memory.

    A part of many low blocks wants many; they hold what the same lines would hold elsewhere.
    """
    line_scan, height = settings.line_scan, settings.height_px
    if line_scan is None or height is None:
        return settings
    blocks = -(-kept_lines(line_scan, height) // height)
    return settings.model_copy(update={"buffers": blocks + LATE + ON_THEIR_WAY})
