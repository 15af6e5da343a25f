"""The cameras that a station file can name. Strict; the unit is in every name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from taktsight.inspect.cameras.gige_settings import AravisSettings, GigeSettings, VivaSettings
from taktsight.inspect.cameras.live_settings import (
    GentlSettings,
    LiveCameraSettings,
    LiveSettings,
    VideoSettings,
)
from taktsight.strict_model import StrictModel


class FolderSettings(StrictModel):
    """Images from a disk, in the place of a camera."""

    kind: Literal["folder"]
    name: str = Field(default="camera", min_length=1)
    """The recipe's views call the camera by this name."""
    folder: Path
    """A folder (with its sub-folders, in natural order), or a text file with one image path a line."""
    repeat: bool = False
    """Begin again after the last image; else the run ends with it."""
    takt_ms: float | None = Field(default=None, ge=1, le=3_600_000)
    """Images come on their own, at this takt, ms, as from a camera that a sensor triggers."""

    @model_validator(mode="after")
    def _contradictions(self) -> FolderSettings:
        if self.takt_ms is not None and not self.repeat:
            raise ValueError("images that come on their own do so without end: takt_ms needs repeat: true")
        return self


CameraSettings = Annotated[
    FolderSettings | VideoSettings | AravisSettings | VivaSettings | LiveCameraSettings,
    Field(discriminator="kind"),
]


def placed_camera(settings: CameraSettings, base: Path) -> CameraSettings:
    """The camera with its files, if it has any, relative to a base."""
    if isinstance(settings, FolderSettings):
        return settings.model_copy(update={"folder": base / settings.folder})
    if isinstance(settings, VideoSettings):
        return settings.model_copy(update={"file": base / settings.file})
    if isinstance(settings, GentlSettings):
        return settings.model_copy(update={"producer": base / settings.producer})
    return settings


def too_late(cameras: Sequence[CameraSettings], takt_ms: float) -> list[str]:
    """Cameras that would take a frame for a part which may already show the next one."""
    return [camera.name for camera in cameras if _exposed_for_ms(camera) >= takt_ms]


def _exposed_for_ms(camera: CameraSettings) -> float:
    """Between the first and the last moment at which a frame may be exposed for its part, ms."""
    if isinstance(camera, GigeSettings):
        if camera.line_scan is not None:  # which lines are a part's is counted
            return 0.0
        return camera.expose_before_ms + camera.within_ms
    return camera.expose_within_ms if isinstance(camera, LiveSettings) else 0.0


def misused_lines(cameras: Sequence[CameraSettings], leader: str | None) -> list[str]:
    """Line-scan cameras whose lines are cut otherwise than the station's trigger says.

    Args:
        cameras: the station's.
        leader: the one that is its trigger; None where something else is.
    """
    wrong = []
    for camera in cameras:
        line_scan = camera.line_scan if isinstance(camera, GigeSettings) else None
        if line_scan is None:
            continue
        if camera.name != leader and line_scan.overlap is not None:
            wrong.append(
                f"camera {camera.name}: line_scan.overlap is of an endless web, which needs trigger: "
                f"{{kind: camera, camera: {camera.name}}}"
            )
        if camera.name == leader and line_scan.lead_lines:
            wrong.append(f"camera {camera.name}: it is the trigger: line_scan.lead_lines has no meaning")
    return wrong
