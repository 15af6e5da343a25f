"""A GenICam camera's nodes, set as the station asks and read back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from taktsight.errors import ConfigError
from taktsight.inspect.cameras.live_settings import GenicamSettings, NodeValue

FLOAT_TOLERANCE = 0.01
"""A camera takes an exposure or a rate to its next step; 1 % is what may be missing."""


class Nodes(Protocol):
    """The nodes of an open camera, by whatever library it was opened."""

    def read(self, name: str) -> NodeValue | None:
        """A node's value; None where the camera has no such node."""

    def write(self, name: str, value: NodeValue) -> None:
        """Sets a node.

        Raises:
            ConfigError: If the camera does not take the value.
        """


@dataclass(frozen=True, slots=True)
class Wanted:
    """A node as it shall be."""

    names: tuple[str, ...]
    """The first of these that the camera has: older cameras call some nodes otherwise."""
    value: NodeValue
    asked: str
    """The setting that asks for it; "" where a camera without such a node does it anyway."""


def set_nodes(nodes: Nodes, settings: GenicamSettings) -> None:
    """Sets what a station asks for, in an order that cameras take, and reads everything back.

    Raises:
        ConfigError: If a node is absent, refuses its value, or holds another one afterwards.
    """
    wanted = list(wanted_nodes(settings))
    chosen = [(each, _present(nodes, each)) for each in wanted]
    for each, name in chosen:
        if name is not None and nodes.read(name) != each.value:  # some that are right cannot be written
            nodes.write(name, each.value)
    mistakes = [
        mistake for each, name in chosen if name is not None and (mistake := _mistake(nodes, name, each))
    ]
    if mistakes:
        raise ConfigError(f"the camera does not run as asked: {'; '.join(mistakes)}")


def wanted_nodes(settings: GenicamSettings) -> Iterator[Wanted]:
    """Every node that a station's settings ask for, in the order to set them in."""
    for name, value in settings.nodes.items():
        yield Wanted((name,), value, f"nodes.{name}")
    yield Wanted(("PixelFormat",), settings.pixel_format, "pixel_format")
    yield from _region(settings)
    if settings.exposure_us is not None:
        yield Wanted(("ExposureAuto",), "Off", "")
        yield Wanted(("ExposureTime", "ExposureTimeAbs"), float(settings.exposure_us), "exposure_us")
    if settings.gain_db is not None:
        yield Wanted(("GainAuto",), "Off", "")
        yield Wanted(("Gain",), float(settings.gain_db), "gain_db")
    if settings.fps is not None:
        yield Wanted(("AcquisitionFrameRateEnable",), True, "")
        yield Wanted(("AcquisitionFrameRate", "AcquisitionFrameRateAbs"), float(settings.fps), "fps")
    yield Wanted(("AcquisitionMode",), "Continuous", "")
    yield from _trigger(settings)


def _region(settings: GenicamSettings) -> Iterator[Wanted]:
    yield Wanted(("Width",), settings.width_px, "width_px")
    yield Wanted(("Height",), settings.height_px, "height_px")
    if settings.x_px is not None:
        yield Wanted(("OffsetX",), settings.x_px, "x_px")
    if settings.y_px is not None:
        yield Wanted(("OffsetY",), settings.y_px, "y_px")


def _trigger(settings: GenicamSettings) -> Iterator[Wanted]:
    if settings.trigger == "free":
        yield Wanted(("TriggerMode",), "Off", "")  # a camera without triggers runs freely
        return
    source = settings.trigger_source or "Software"
    yield Wanted(("TriggerSelector",), "FrameStart", "")
    yield Wanted(("TriggerMode",), "On", "trigger")
    yield Wanted(("TriggerSource",), source, "trigger_source" if settings.trigger_source else "trigger")


def _present(nodes: Nodes, wanted: Wanted) -> str | None:
    name = next((name for name in wanted.names if nodes.read(name) is not None), None)
    if name is None and wanted.asked:
        raise ConfigError(f"{wanted.asked}: the camera has no node {' or '.join(wanted.names)}")
    return name


def _mistake(nodes: Nodes, name: str, wanted: Wanted) -> str:
    got = nodes.read(name)
    if got is not None and _agree(got, wanted.value):
        return ""
    return f"{wanted.asked or name} is {got!r}, asked for {wanted.value!r}"


def _agree(got: NodeValue, wanted: NodeValue) -> bool:
    if isinstance(wanted, bool | str) or isinstance(got, bool | str):
        return got == wanted
    if isinstance(got, int):
        return got == wanted
    return abs(got - wanted) <= FLOAT_TOLERANCE * abs(wanted)
