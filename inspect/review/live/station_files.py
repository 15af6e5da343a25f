"""Station file and recipe as they are now, read again where they change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from taktsight.errors import TaktsightError
from taktsight.health_bands import Band

if TYPE_CHECKING:
    from taktsight.inspect.config import Station

Bands = Mapping[str, Mapping[str, Band]]
"""View → measure → band."""


@dataclass(frozen=True, slots=True)
class StationFile:
    """What a station file says, or why it says nothing."""

    path: Path | None = None
    station: Station | None = None
    sha256: str = ""
    wrong: str = ""
    """Why it cannot be read; empty where it can, and where there is none."""
    bands: Bands | None = None
    """Of the recipe that it names; None where there is no such recipe, or it cannot be read."""
    recipe: str = ""
    """Digest of that recipe; empty where the limits on the bundle's card hold."""
    wrong_recipe: str = ""


class StationFiles:
    """One station's files."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp: tuple[object, ...] = ()
        self._read = StationFile(path)

    def read(self) -> StationFile:
        """As they are now."""
        if self._path is None:
            return self._read
        recipe = self._read.station.recipe if self._read.station is not None else None
        stamp = (_stamp(self._path), _stamp(recipe))
        if stamp != self._stamp:
            self._read = read_station_file(self._path)
            recipe = self._read.station.recipe if self._read.station is not None else None
            self._stamp = (stamp[0], _stamp(recipe))
        return self._read


def read_station_file(path: Path) -> StationFile:
    """The station, and the recipe that it names."""
    from taktsight.inspect.config import load_station

    try:
        content = path.read_bytes()
        station = load_station(path)
    except OSError as error:
        return StationFile(path, wrong=f"{path.name}: {error.strerror}")
    except TaktsightError as error:
        return StationFile(path, wrong=str(error))
    sha256 = hashlib.sha256(content).hexdigest()
    if station.recipe is None:
        return StationFile(path, station, sha256)
    from taktsight.inspect.references import read_recipe

    try:
        recipe, _ = read_recipe(station.recipe, 1)
    except (TaktsightError, OSError) as error:
        return StationFile(path, station, sha256, wrong_recipe=str(error))
    bands = {view.camera: view.health.bands if view.health else {} for view in recipe.views}
    return StationFile(path, station, sha256, bands=bands, recipe=recipe.digest)


def _stamp(path: Path | None) -> object:
    try:
        status = path.stat() if path is not None else None
    except OSError:
        return None
    return None if status is None else (status.st_mtime_ns, status.st_size, status.st_ino)
