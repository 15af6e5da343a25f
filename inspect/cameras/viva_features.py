"""What a camera can be told, through viva-genicam."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from taktsight.errors import CameraError

if TYPE_CHECKING:
    from viva_genicam import Camera, U3vDeviceInfo

Given = TypeVar("Given")
USB = Path("/sys/bus/usb/devices")
INSTALL = "pip install 'taktsight[viva]'"


def asked(question: Callable[[], Given]) -> Given:
    """What the library gives.

    Raises:
        CameraError: With the library's own words, if it fails.
    """
    from viva_genicam import GenicamError

    try:
        return question()
    except GenicamError as error:
        raise CameraError(str(error)) from error


def usb_cameras() -> list[U3vDeviceInfo]:
    """USB3 Vision cameras that are plugged in; none on a computer without USB."""
    from viva_genicam import discover_u3v

    return asked(discover_u3v) if USB.exists() else []


class VivaFeatures:
    """The features of one open camera."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._names = frozenset(asked(camera.nodes))

    def has(self, name: str) -> bool:
        """Whether it has the feature, and lets it be used now."""
        if name not in self._names:
            return False
        state = asked(lambda: self._camera.feature_state(name))
        return state.is_implemented and state.is_available

    def integer(self, name: str) -> int:
        """As the camera has it: not as it was written."""
        asked(lambda: self._camera.invalidate(name))
        return asked(lambda: self._camera.get_integer(name))

    def set_integer(self, name: str, value: int) -> None:
        """Written, not checked."""
        asked(lambda: self._camera.set_integer(name, value))

    def number(self, name: str) -> float:
        """As the camera has it."""
        asked(lambda: self._camera.invalidate(name))
        return asked(lambda: self._camera.get_float(name))

    def set_number(self, name: str, value: float) -> None:
        """Written, not checked."""
        asked(lambda: self._camera.set_float(name, value))

    def choice(self, name: str) -> str:
        """Of an enumeration, as the camera has it."""
        asked(lambda: self._camera.invalidate(name))
        return asked(lambda: self._camera.get_enum(name))

    def set_choice(self, name: str, value: str) -> None:
        """Written, not checked."""
        asked(lambda: self._camera.set_enum(name, value))

    def choices(self, name: str) -> list[str]:
        """What can be chosen now."""
        return asked(lambda: self._camera.available_enum_entries(name))

    def set_switch(self, name: str, *, on: bool) -> None:
        """Of a boolean; written, not checked."""
        asked(lambda: self._camera.set_bool(name, on))

    def highest(self, name: str) -> int:
        """The largest value that an integer may have now."""
        bounds = asked(lambda: self._camera.feature_state(name)).range
        return (1 << 63) - 1 if bounds is None else int(bounds.max)

    def execute(self, name: str) -> None:
        """Of a command; returns once the camera has acknowledged it."""
        asked(lambda: self._camera.execute(name, wait=False))
