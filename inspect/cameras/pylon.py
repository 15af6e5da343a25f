"""Basler cameras, by pypylon."""

from __future__ import annotations

import logging
import time
from typing import Any

import numpy as np

from taktsight.errors import CameraError, ConfigError
from taktsight.image_files import with_channels
from taktsight.inspect.cameras.camera import Exposure, Repeats
from taktsight.inspect.cameras.genicam_camera import genicam_camera
from taktsight.inspect.cameras.genicam_nodes import set_nodes
from taktsight.inspect.cameras.live import LiveCamera
from taktsight.inspect.cameras.live_settings import NodeValue, PylonSettings
from taktsight.inspect.cameras.receiver import Frame
from taktsight.inspect.cameras.source_clock import Dated, SourceClock
from taktsight.inspect.cameras.stream import Broken
from taktsight.inspect.cameras.wired import WiredCamera
from taktsight.records import Image

log = logging.getLogger(__name__)

READY_MS = 500
EMULATED = "BaslerCamEmu"
"""pylon's own simulation of a camera, whose pictures are without noise."""
NO_BLOCK_ID = 0xFFFF_FFFF_FFFF_FFFF
"""Where the transport counts no frames."""


def open_pylon(settings: PylonSettings, channels: int) -> LiveCamera | WiredCamera:
    """The camera that a station names.

    Raises:
        CameraError: If it cannot be opened, or pypylon is not installed.
        ConfigError: If it does not run as it is asked to.
    """
    return genicam_camera(settings, lambda asked: PylonSource(asked, channels))


class PylonSource:
    """An open camera that grabs."""

    def __init__(self, settings: PylonSettings, channels: int) -> None:
        self._pylon, self._genicam = _import_pypylon()
        self._channels = channels
        self._delay_ns = round(settings.delay_ms * 1e6)
        self._clock = SourceClock(self._delay_ns, settles=False)
        self._converter = self._make_converter(settings.pixel_format)
        self._camera = self._open(settings.serial)
        try:
            nodes = _PylonNodes(self._camera.GetNodeMap(), self._genicam)
            set_nodes(nodes, settings)
            self._tick_ns = 1e9 / float(nodes.read("GevTimestampTickFrequency") or 1e9)
            is_emulated = self._camera.GetDeviceInfo().GetDeviceClass() == EMULATED
            self._may_repeat: Repeats = "frames" if is_emulated else "nothing"
            self._camera.MaxNumBuffer.Value = settings.buffers
            self._camera.StartGrabbing(self._pylon.GrabStrategy_OneByOne)
            self._can_wait = self._camera.CanWaitForFrameTriggerReady()
        except self._genicam.GenericException as error:
            self.close()
            raise CameraError(f"the camera does not start: {_said(error)}") from error
        except ConfigError:
            self.close()
            raise

    def trigger(self) -> int:
        """Exposes once, as soon as the camera is ready: a command before would be lost. When, monotonic ns.

        Raises:
            CameraError: If the camera does not take the command.
        """
        try:
            if self._can_wait and not self._camera.WaitForFrameTriggerReady(
                READY_MS, self._pylon.TimeoutHandling_Return
            ):
                raise CameraError(f"the camera is not ready for a trigger within {READY_MS} ms")
            commanded_ns = time.monotonic_ns()
            self._camera.GetNodeMap().GetNode("TriggerSoftware").Execute()
        except self._genicam.GenericException as error:
            raise CameraError(f"the camera takes no trigger: {_said(error)}") from error
        return commanded_ns

    def receive(self, until_ns: int) -> Frame | None:
        """The next frame; None if there was none until then.

        Raises:
            CameraError: If the camera was removed.
        """
        wait_ms = max(0, (until_ns - time.monotonic_ns()) // 1_000_000)
        try:
            if self._camera.IsCameraDeviceRemoved():
                raise CameraError("the camera was removed")
            result = self._camera.RetrieveResult(wait_ms, self._pylon.TimeoutHandling_Return)
            arrived_ns = time.monotonic_ns()
            if not result.IsValid():
                return None
            try:
                return self._frame(result, arrived_ns)
            finally:
                result.Release()
        except self._genicam.GenericException as error:
            raise CameraError(f"the camera is gone: {_said(error)}") from error

    def close(self) -> None:
        """Lets go of the camera, also of one that is gone."""
        try:
            self._camera.Close()
            self._camera.DestroyDevice()
        except self._genicam.GenericException as error:
            log.info("a camera was not closed as it should be: %s", _said(error))

    def _open(self, serial: str | None) -> Any:
        factory = self._pylon.TlFactory.GetInstance()
        found = [device.GetSerialNumber() for device in factory.EnumerateDevices()]
        if serial is None and len(found) != 1:
            raise CameraError(f"{len(found)} cameras are there ({', '.join(found)}): name its serial")
        info = self._pylon.DeviceInfo()
        info.SetSerialNumber(found[0] if serial is None else serial)
        try:
            camera = self._pylon.InstantCamera(factory.CreateDevice(info))
            camera.Open()
        except self._genicam.GenericException as error:
            raise CameraError(
                f"camera {serial or found[0]} cannot be opened (there are: {', '.join(found) or 'none'}): "
                f"{_said(error)}"
            ) from error
        return camera

    def _make_converter(self, pixel_format: str) -> Any:
        """To 8 bits: of more, the upper eight are kept. Bayer patterns are interpolated bilinearly."""
        converter = self._pylon.ImageFormatConverter()
        is_mono = pixel_format.startswith("Mono")
        converter.OutputPixelFormat = (
            self._pylon.PixelType_Mono8 if is_mono else self._pylon.PixelType_RGB8packed
        )
        return converter

    def _frame(self, result: Any, arrived_ns: int) -> Frame:
        dated = self._date(result, arrived_ns)
        counter = None if result.BlockID == NO_BLOCK_ID else int(result.BlockID)
        fault = dated.fault
        if not result.GrabSucceeded():
            fault = f"a frame came that is not whole: {result.ErrorDescription}"
        if fault:
            return Broken(fault, dated.captured_ns, counter)
        image = from_pylon(result, self._converter, self._channels)
        return Exposure(image, dated.captured_ns, counter, may_repeat=self._may_repeat)

    def _date(self, result: Any, arrived_ns: int) -> Dated:
        if not result.TimeStamp:  # the camera has no clock, as the emulated one
            return Dated(arrived_ns - self._delay_ns)
        return self._clock.date(round(result.TimeStamp * self._tick_ns), arrived_ns)


def from_pylon(result: Any, converter: Any, channels: int) -> Image:
    """A grab result as (H, W, 1) or (H, W, 3) RGB, in memory of its own."""
    held = result if converter.ImageHasDestinationFormat(result) else converter.Convert(result)
    image = np.asarray(held.GetArray(), np.uint8)  # a copy
    return with_channels(image.reshape(*image.shape[:2], -1), channels)


class _PylonNodes:
    """The nodes of a camera that pypylon opened."""

    def __init__(self, nodes: Any, genicam: Any) -> None:
        self._nodes = nodes
        self._genicam = genicam

    def read(self, name: str) -> NodeValue | None:
        node = self._nodes.GetNode(name)
        if node is None or not self._genicam.IsReadable(node):
            return None
        value: NodeValue = node.Value
        return value

    def write(self, name: str, value: NodeValue) -> None:
        node = self._nodes.GetNode(name)
        try:
            node.Value = value
        except (self._genicam.GenericException, TypeError) as error:
            raise ConfigError(f"node {name} does not take {value!r}: {_said(error)}") from error


def _said(error: Exception) -> str:
    return str(error).split(" : ", maxsplit=1)[0].strip()


def _import_pypylon() -> tuple[Any, Any]:
    try:
        from pypylon import genicam, pylon
    except ImportError as error:
        raise CameraError("kind: pylon needs Basler's pypylon; pip install 'taktsight[pylon]'") from error
    return pylon, genicam
