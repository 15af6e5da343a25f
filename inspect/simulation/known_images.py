"""Images whose verdict is known before a camera sees them: the noise of its sensor does not decide it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from taktsight.errors import ConfigError
from taktsight.image_files import read_image
from taktsight.inspect.config import load_station
from taktsight.inspect.inspector import Inspector
from taktsight.inspect.outlook import open_outlook
from taktsight.inspect.simulation.belt import SensorNoise, marked
from taktsight.records import Frame, Image, Outcome, Part

MIN_OUTCOMES = 2
LOOKS = 3
"""Exposures that must be judged alike, for the outcome of an image to be known."""


def keep_known(
    files: Sequence[Path], station_file: Path, *, camera: str, channels: int, is_exact: bool
) -> list[str]:
    """Removes the files of which the noise of a sensor decides; what the others are.

    Args:
        files: images of parts.
        station_file: says what judges them.
        camera: its name.
        channels: as the camera gives them, 1 or 3.
        is_exact: the camera has no noise.

    Raises:
        ConfigError: If all that is left is judged alike: nobody could tell one part from another.
    """
    inspector = open_outlook(load_station(station_file), datetime.now(timezone.utc).date()).inspector
    known = [_outcome(inspector, read_image(file, channels), camera, is_exact=is_exact) for file in files]
    for file, outcome in zip(files, known, strict=True):
        if outcome is None:
            file.unlink()
    left = [outcome.value for outcome in known if outcome is not None]
    if len(set(left)) < MIN_OUTCOMES:
        raise ConfigError(
            f"of {len(files)} images {len(left)} are judged alike whatever a sensor's noise is, as "
            f"{', '.join(sorted(set(left))) or 'nothing'}; give good and defective parts, to see "
            "verdicts that reach the wrong one"
        )
    return left


def _outcome(inspector: Inspector, image: Image, camera: str, *, is_exact: bool) -> Outcome | None:
    noise = SensorNoise(image.shape, seed=1)
    looks = [image] if is_exact else [marked(noise.over(image), look) for look in range(LOOKS)]
    frames = [Frame(look, 1, 0, camera) for look in looks]
    said = {inspector.inspect(Part(1, (frame,))).verdict.outcome for frame in frames}
    return said.pop() if len(said) == 1 else None
