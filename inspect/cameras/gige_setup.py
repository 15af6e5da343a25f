"""A GenICam camera set up as the station says, feature by feature, and read back.

Which feature does what stands in the Standard Features Naming Convention (SFNC); older cameras have other
names for some.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from taktsight.errors import CameraError, ConfigError
from taktsight.inspect.cameras.gige_features import (
    Features,
    choose,
    choose_if_there,
    first_of,
    set_integer,
    set_number,
)
from taktsight.inspect.cameras.gige_settings import GigeSettings
from taktsight.inspect.cameras.line_scan_settings import LineScanSettings
from taktsight.inspect.cameras.pfnc import PixelFormat, format_of

RELATIVE_TOLERANCE = 0.01
"""Cameras count exposures in rows and rates in ticks: 1 % off is what was asked for."""
GAIN_TOLERANCE_DB = 0.1
HEARTBEAT_MS = 3000
"""As cameras come; the libraries say every second that they are there."""
NS_PER_BYTE = 15.0
"""Twice what a byte takes on gigabit Ethernet."""
TRIGGERS = ("FrameStart", "FrameBurstStart", "AcquisitionStart")
"""Which of a camera's triggers starts a frame: the first of these that it has."""


@dataclass(frozen=True, slots=True)
class Running:
    """What the camera runs with, as it says itself."""

    width_px: int
    height_px: int
    pixel_format: PixelFormat
    exposure_us: float | None
    """None where it does not say."""
    payload_bytes: int
    """Of a frame and what it carries beside its pixels."""

    @property
    def transfer_ns(self) -> int:
        """Start of the exposure → the whole frame is here, on a network of 1 Gbit/s or more."""
        return round((self.exposure_us or 0) * 1e3 + self.payload_bytes * NS_PER_BYTE)

    @property
    def frame_bytes(self) -> int:
        """Of a frame's pixels."""
        return self.pixel_format.frame_bytes(self.width_px, self.height_px)


def set_up(features: Features, settings: GigeSettings) -> Running:
    """Writes every setting, and reads it back.

    Raises:
        ConfigError: If the camera cannot do what is asked for; the message says what it does instead.
        CameraError: If it does not answer.
    """
    with contextlib.suppress(CameraError):  # whoever had it before may have left it running; else it minds
        features.execute("AcquisitionStop")
    if features.has("GevHeartbeatTimeout"):  # so long it obeys a line that was killed, and no other
        with contextlib.suppress(CameraError):
            features.set_integer("GevHeartbeatTimeout", HEARTBEAT_MS)
    choose_if_there(features, "AcquisitionMode", "Continuous")
    pixel_format = _set_format(features, settings.pixel_format)
    width_px, height_px = _set_region(features, settings)
    _set_trigger(features, settings)
    exposure_us = _set_exposure(features, settings.exposure_us)
    _set_gain(features, settings.gain_db)
    _set_chunks(features, settings)
    return Running(width_px, height_px, pixel_format, exposure_us, features.integer("PayloadSize"))


def _set_format(features: Features, name: str) -> PixelFormat:
    offered = {_known(choice): choice for choice in features.choices("PixelFormat")}
    if name not in offered:
        known = ", ".join(each for each in offered if each)
        raise ConfigError(f"pixel_format {name}: this camera offers {known}")
    choose(features, "PixelFormat", offered[name], "pixel_format")
    return format_of(name)


def _known(choice: str) -> str:
    """A camera's format by its PFNC name; "" if we cannot read it."""
    try:
        return format_of(choice).name
    except CameraError:
        return ""


def _set_region(features: Features, settings: GigeSettings) -> tuple[int, int]:
    """Offsets first to nothing: together with a larger size, what was left there might not fit."""
    for offset in ("OffsetX", "OffsetY"):
        if features.has(offset):
            features.set_integer(offset, 0)
    width_px = settings.width_px or features.highest("Width") - settings.x_px
    height_px = settings.height_px or features.highest("Height") - settings.y_px
    set_integer(features, "Width", width_px, "width_px")
    set_integer(features, "Height", height_px, "height_px")
    for name, value, key in (("OffsetX", settings.x_px, "x_px"), ("OffsetY", settings.y_px, "y_px")):
        if value:
            set_integer(features, name, value, key)
    return width_px, height_px


def _set_trigger(features: Features, settings: GigeSettings) -> None:
    selectors = features.choices("TriggerSelector") if features.has("TriggerSelector") else []
    for selector in selectors:
        features.set_choice("TriggerSelector", selector)
        choose_if_there(features, "TriggerMode", "Off")
    if settings.line_scan is not None:
        _set_line_trigger(features, settings.line_scan, selectors)
        return
    if settings.fps is not None:
        if not selectors:
            choose_if_there(features, "TriggerMode", "Off")
        _set_rate(features, settings.fps)
        return
    if features.has("AcquisitionFrameRateEnable"):  # a limit that would hold triggers up
        features.set_switch("AcquisitionFrameRateEnable", on=False)
    starts = next((name for name in TRIGGERS if name in selectors), None)
    if selectors and starts is None:
        raise ConfigError(f"trigger: this camera has none that starts a frame, only {', '.join(selectors)}")
    if starts is not None:
        choose(features, "TriggerSelector", starts, "trigger")
    _set_source(features, settings)
    choose(features, "TriggerMode", "On", "trigger")


def _set_source(features: Features, settings: GigeSettings) -> None:
    if settings.trigger_source is None:
        choose(features, "TriggerSource", "Software", "trigger software:")
        return
    choose(features, "TriggerSource", settings.trigger_source, "trigger_source")
    edge = "RisingEdge" if settings.trigger_edge == "rising" else "FallingEdge"
    if features.has("TriggerActivation"):
        choose(features, "TriggerActivation", edge, "trigger_edge")
    elif settings.trigger_edge != "rising":
        raise ConfigError(f"trigger_edge {settings.trigger_edge}: this camera has no choice of edges")


def _set_rate(features: Features, fps: float) -> None:
    if features.has("AcquisitionFrameRateEnable"):
        features.set_switch("AcquisitionFrameRateEnable", on=True)
    name = first_of(features, ("AcquisitionFrameRate", "AcquisitionFrameRateAbs"), "fps")
    set_number(features, name, fps, "fps", fps * RELATIVE_TOLERANCE)


def _set_exposure(features: Features, exposure_us: float | None) -> float | None:
    choose_if_there(features, "ExposureMode", "Timed")
    choose_if_there(features, "ExposureAuto", "Off")
    names = ("ExposureTime", "ExposureTimeAbs")
    if exposure_us is None:
        name = next((name for name in names if features.has(name)), None)
        return None if name is None else features.number(name)
    name = first_of(features, names, "exposure_us")
    return set_number(features, name, exposure_us, "exposure_us", exposure_us * RELATIVE_TOLERANCE)


def _set_gain(features: Features, gain_db: float | None) -> None:
    if features.has("GainSelector"):
        of_all = [each for each in features.choices("GainSelector") if each in ("All", "AnalogAll")]
        features.set_choice("GainSelector", [*of_all, features.choice("GainSelector")][0])
    choose_if_there(features, "GainAuto", "Off")
    if gain_db is None:
        return
    if not features.has("Gain"):
        raise ConfigError("gain_db: this camera does not count gain in dB; leave gain_db out")
    set_number(features, "Gain", gain_db, "gain_db", GAIN_TOLERANCE_DB)


def carries_chunks(settings: GigeSettings) -> bool:
    """Whether frames carry something beside their pixels."""
    return bool(_wanted_chunks(settings))


def _wanted_chunks(settings: GigeSettings) -> dict[str, str]:
    """Chunk → the setting that asks for it."""
    wanted: dict[str, str] = dict.fromkeys(settings.chunks, "chunks")
    line_scan = settings.line_scan
    if line_scan is not None and line_scan.chunk is not None:
        wanted[line_scan.chunk] = f"line_scan.count {line_scan.count}: its chunk"
    return wanted


def _set_chunks(features: Features, settings: GigeSettings) -> None:
    wanted = _wanted_chunks(settings)
    if not features.has("ChunkModeActive"):
        if wanted:
            asked = ", ".join(dict.fromkeys(wanted.values()))
            end = "; leave chunks out" if settings.chunks else "; count: frame_number does without"
            raise ConfigError(f"{asked}: this camera's frames carry none{end}")
        return
    features.set_switch("ChunkModeActive", on=bool(wanted))
    if not wanted:
        return
    offered = features.choices("ChunkSelector")
    missing = {chunk: key for chunk, key in wanted.items() if chunk not in offered}
    if missing:
        asked = " and ".join(dict.fromkeys(missing.values()))
        raise ConfigError(f"{asked} {', '.join(missing)}: this camera offers {', '.join(offered)}")
    for chunk in offered:
        features.set_choice("ChunkSelector", chunk)
        if features.has("ChunkEnable"):
            features.set_switch("ChunkEnable", on=chunk in wanted)
    if settings.line_scan is not None:
        _choose_counter(features, settings.line_scan)


def _choose_counter(features: Features, line_scan: LineScanSettings) -> None:
    """Which of several encoders or counters the chunk is of."""
    if line_scan.count_selector is not None:
        name = "ChunkEncoderSelector" if line_scan.count == "encoder" else "ChunkCounterSelector"
        choose(features, name, line_scan.count_selector, "line_scan.count_selector")


def _set_line_trigger(features: Features, line_scan: LineScanSettings, selectors: list[str]) -> None:
    """Lines are started by a source or by the camera's clock, frames by nobody."""
    if features.has("AcquisitionFrameRateEnable"):  # a limit that would hold blocks up
        features.set_switch("AcquisitionFrameRateEnable", on=False)
    if line_scan.lines_per_s is not None:
        if features.has("AcquisitionLineRateEnable"):
            features.set_switch("AcquisitionLineRateEnable", on=True)
        key, rate = "line_scan.lines_per_s", line_scan.lines_per_s
        name = first_of(features, ("AcquisitionLineRate", "AcquisitionLineRateAbs"), key)
        set_number(features, name, rate, key, rate * RELATIVE_TOLERANCE)
        return
    if "LineStart" not in selectors:
        said = ", ".join(selectors) or "none at all"
        raise ConfigError(f"line_scan.line_source: this camera has no trigger LineStart, but {said}")
    choose(features, "TriggerSelector", "LineStart", "line_scan")
    choose(features, "TriggerSource", line_scan.line_source or "", "line_scan.line_source")
    choose(features, "TriggerMode", "On", "line_scan.line_source")
