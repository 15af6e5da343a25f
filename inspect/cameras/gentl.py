"""Cameras behind a vendor's GenTL producer, by harvesters."""

from __future__ import annotations

import logging
import time
from typing import Any

import cv2
import numpy as np

from taktsight.errors import CameraError, ConfigError
from taktsight.image_files import with_channels
from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.cameras.genicam_camera import genicam_camera
from taktsight.inspect.cameras.genicam_nodes import set_nodes
from taktsight.inspect.cameras.gentl_producers import producer_of
from taktsight.inspect.cameras.live import LiveCamera
from taktsight.inspect.cameras.live_settings import GentlSettings, NodeValue
from taktsight.inspect.cameras.pfnc import format_of
from taktsight.inspect.cameras.pixel_formats import decode
from taktsight.inspect.cameras.receiver import Frame
from taktsight.inspect.cameras.source_clock import Dated, SourceClock
from taktsight.inspect.cameras.stream import Broken
from taktsight.inspect.cameras.wired import WiredCamera
from taktsight.records import Image

log = logging.getLogger(__name__)

EVENT_MS, FETCH_S, POLL_S = 0, 0.0002, 0.001
"""The binding keeps Python's lock while the producer waits: 20 ms of waiting are 20 ms in which no other
thread of this process runs. So nobody waits in there; it is asked every millisecond."""
WITHOUT_ALPHA = {"RGBa8": cv2.COLOR_RGBA2RGB, "BGRa8": cv2.COLOR_BGRA2RGB}
"""Formats with a fourth channel that nobody needs."""


def open_gentl(settings: GentlSettings, channels: int) -> LiveCamera | WiredCamera:
    """The camera that a station names.

    Raises:
        CameraError: If it cannot be opened, or harvesters is not installed.
        ConfigError: If it does not run as it is asked to.
    """
    return genicam_camera(settings, lambda asked: GentlSource(asked, channels))


class GentlSource:
    """An open camera that sends."""

    def __init__(self, settings: GentlSettings, channels: int) -> None:
        self._producer = producer_of(settings.producer)
        self._gentl, self._genapi = _import_genicam()
        self._channels = channels
        self._delay_ns = round(settings.delay_ms * 1e6)
        self._clock = SourceClock(self._delay_ns, settles=False)
        self._incomplete = _Counting()
        try:
            self._acquirer = self._producer.acquire(settings.serial, _config(settings.buffers))
        except self._gentl.GenericException as error:
            raise CameraError(f"the camera cannot be opened: {_said(error)}") from error
        try:
            self._start(settings)
        except (self._gentl.GenericException, self._genapi.GenericException) as error:
            self.close()
            raise CameraError(f"the camera does not start: {_said(error)}") from error
        except ConfigError:
            self.close()
            raise

    def trigger(self) -> int:
        """Exposes once; when the camera was told to, monotonic ns.

        Raises:
            CameraError: If the camera does not take the command.
        """
        commanded_ns = time.monotonic_ns()
        try:
            self._acquirer.remote_device.node_map.get_node("TriggerSoftware").execute()
        except (self._gentl.GenericException, self._genapi.GenericException) as error:
            raise CameraError(f"the camera takes no trigger: {_said(error)}") from error
        return commanded_ns

    def receive(self, until_ns: int) -> Frame | None:
        """The next frame; None if there was none until then.

        Raises:
            CameraError: If the camera is gone.
        """
        while True:
            try:
                frame = self._poll()
            except (self._gentl.GenericException, self._genapi.GenericException) as error:
                raise CameraError(f"the camera is gone: {_said(error)}") from error
            if frame is not None or time.monotonic_ns() >= until_ns:
                return frame
            time.sleep(POLL_S)

    def close(self) -> None:
        """Lets go of the camera, also of one that is gone."""
        try:
            self._producer.release(self._acquirer)
        except (self._gentl.GenericException, self._genapi.GenericException) as error:
            log.info("a camera was not closed as it should be: %s", _said(error))

    def _poll(self) -> Frame | None:
        buffer = self._acquirer.try_fetch(timeout=FETCH_S)
        arrived_ns = time.monotonic_ns()
        if buffer is None:
            return self._missed(arrived_ns)
        with buffer:
            return self._frame(buffer, arrived_ns)

    def _start(self, settings: GentlSettings) -> None:
        nodes = _GentlNodes(self._acquirer.remote_device.node_map, self._genapi)
        set_nodes(nodes, settings)
        _check_format(settings.pixel_format)
        self._acquirer.add_callback(self._acquirer.Events.INCOMPLETE_BUFFER, self._incomplete)
        self._acquirer.start()

    def _missed(self, arrived_ns: int) -> Broken | None:
        """harvesters drops a frame that is not whole, and says so beside."""
        if not self._incomplete.take():
            return None
        return Broken("a frame came that is not whole", arrived_ns - self._delay_ns)

    def _frame(self, buffer: Any, arrived_ns: int) -> Frame:
        dated = self._date(buffer, arrived_ns)
        if dated.fault:
            return Broken(dated.fault, dated.captured_ns)
        image = from_gentl(buffer.payload.components[0], self._channels)
        return Exposure(image, dated.captured_ns, self._counter(buffer))

    def _date(self, buffer: Any, arrived_ns: int) -> Dated:
        try:
            source_ns = int(buffer.timestamp_ns)
        except self._gentl.GenericException:  # the producer gives no times
            return Dated(arrived_ns - self._delay_ns)
        return self._clock.date(source_ns, arrived_ns)

    def _counter(self, buffer: Any) -> int | None:
        try:
            return int(buffer.module.frame_id)
        except self._gentl.GenericException:  # the producer counts nothing
            return None


class _Counting:
    """Called by harvesters for every frame that it drops."""

    def __init__(self) -> None:
        self._count = 0

    def emit(self, context: object = None) -> None:
        self._count += 1

    def take(self) -> int:
        count, self._count = self._count, 0
        return count


class _GentlNodes:
    """The nodes of a camera that harvesters opened."""

    def __init__(self, nodes: Any, genapi: Any) -> None:
        self._nodes = nodes
        self._genapi = genapi

    def read(self, name: str) -> NodeValue | None:
        try:
            node = self._nodes.get_node(name)
            value: NodeValue = node.value
        except (self._genapi.GenericException, AttributeError):  # absent, or a command
            return None
        return value

    def write(self, name: str, value: NodeValue) -> None:
        try:
            self._nodes.get_node(name).value = value
        except (self._genapi.GenericException, TypeError) as error:
            raise ConfigError(f"node {name} does not take {value!r}: {_said(error)}") from error


def from_gentl(component: Any, channels: int) -> Image:
    """A component as (H, W, 1) or (H, W, 3) RGB, in memory of its own.

    Raises:
        CameraError: If its format is not known here, or its size is not as it says.
    """
    name, height, width = component.data_format, component.height, component.width
    data = np.ascontiguousarray(component.data).view(np.uint8)
    if (code := WITHOUT_ALPHA.get(name)) is None:
        return decode(data, width, height, format_of(name), channels)
    if data.size != height * width * 4:
        raise CameraError(
            f"{data.size} bytes came; {width} × {height} px of {name} are {height * width * 4}"
        )
    rgb = np.asarray(cv2.cvtColor(data.reshape(height, width, 4), code), np.uint8)
    return with_channels(rgb, channels)


def _check_format(name: str) -> None:
    """harvesters unpacks packed formats in ways of its own; those are left out."""
    if name in WITHOUT_ALPHA:
        return
    try:
        known = format_of(name)
    except CameraError as error:
        raise ConfigError(f"{error}, {', '.join(WITHOUT_ALPHA)}") from error
    if known.packing not in ("bytes", "words"):
        raise ConfigError(f"pixel_format {name} is packed; choose the one that is not")


def _config(buffers: int) -> Any:
    from harvesters.core import ParameterKey, ParameterSet

    return ParameterSet(
        {
            ParameterKey.NUM_BUFFERS_FOR_FETCH_CALL: buffers,
            ParameterKey.TIMEOUT_PERIOD_ON_UPDATE_EVENT_DATA_CALL: EVENT_MS,
        }
    )


def _said(error: Exception) -> str:
    return str(error).split(" : ", maxsplit=1)[0].strip() or type(error).__name__


def _import_genicam() -> tuple[Any, Any]:
    from genicam import genapi, gentl

    return gentl, genapi
