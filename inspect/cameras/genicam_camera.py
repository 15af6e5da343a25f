"""A camera with GenICam nodes, by its trigger: told by the line, by a wire, or running freely."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from taktsight.inspect.cameras.live import LiveCamera, triggered_camera
from taktsight.inspect.cameras.live_settings import GenicamSettings
from taktsight.inspect.cameras.on_demand import TriggeredSource
from taktsight.inspect.cameras.wired import WiredCamera

Settings = TypeVar("Settings", bound=GenicamSettings)


def genicam_camera(
    settings: Settings, open_source: Callable[[Settings], TriggeredSource]
) -> LiveCamera | WiredCamera:
    """The camera that a station names.

    Args:
        settings: as the station file has them.
        open_source: opens the camera as settings say.

    Raises:
        CameraError: If it cannot be opened.
        ConfigError: If it does not run as it is asked to.
    """
    if settings.trigger == "software":
        return triggered_camera(settings, lambda: open_source(settings))
    if settings.trigger == "hardware":
        by_command = settings.model_copy(update={"trigger": "software", "trigger_source": None})
        return WiredCamera(settings, lambda: open_source(settings), lambda: open_source(by_command))
    return LiveCamera(settings, lambda: open_source(settings))
