"""The cameras that a station file can name. Strict; the unit is in every name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from taktsight.inspect.cameras.gige_settings import AravisSettings, GigeSettings, VivaSettings
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
    FolderSettings | AravisSettings | VivaSettings,
    Field(discriminator="kind"),
]


def placed_camera(settings: CameraSettings, base: Path) -> CameraSettings:
    """The camera with its files, if it has any, relative to a base."""
    if isinstance(settings, FolderSettings):
        return settings.model_copy(update={"folder": base / settings.folder})
    return settings


def too_late(cameras: Sequence[CameraSettings], takt_ms: float) -> list[str]:
    """Cameras that would take a frame for a part which may already show the next one."""
    gige = [camera for camera in cameras if isinstance(camera, GigeSettings)]
    return [camera.name for camera in gige if camera.expose_before_ms + camera.within_ms >= takt_ms]
