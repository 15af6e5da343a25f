"""The frozen reference of a station, phase I: what its parts were like, and from when on that is no chance.

One number is promised: how many parts there are, on average, from one false alarm of all detectors together
to the next (ARL₀). Of D detectors each is set to D times as many.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from taktsight.errors import ConfigError
from taktsight.quality.drift_neighbours import Neighbours
from taktsight.quality.drift_stream import Channel
from taktsight.strict_json import parse_json
from taktsight.strict_model import StrictModel
from taktsight.whole_files import whole_file

Digest = str
FRAMES_PER_WINDOW = 20
"""Kept frames of passed parts that are held against the reference's at a time."""
MAX_PERMUTATIONS = 100_000
"""Of a test that finds something; one that does not ends after some hundreds."""


class Place(StrictModel):
    """A part of the ledger."""

    run: str
    trigger: int


class ScoreDetector(StrictModel):
    """A CUSUM of normal scores on one column of numbers."""

    view: str
    kind: Literal["health", "score"]
    name: str
    block: int = Field(ge=1)
    """Parts in a row that make one value: fewer are alike in a row."""
    values: tuple[float, ...]
    """Of the reference, ascending: single parts, or means of blocks."""
    median: float
    low: float
    high: float
    """16th and 84th percentile of single parts."""
    h: float
    arl0_values: float
    """Values from one false alarm of this detector to the next; nine of ten references keep it."""
    delay_half: float
    """Parts until a shift of half a standard deviation of the values is found, on average."""
    delay_one: float
    """The same of a whole one."""

    @property
    def channel(self) -> Channel:
        """The column."""
        return Channel(self.view, self.kind, self.name)


class EventDetector(StrictModel):
    """A Bernoulli CUSUM on what happens to some parts."""

    name: Literal["review", "unlike"]
    events: int
    parts: int
    h: int
    weight: int
    share: float
    """Upper end of what the reference allows."""
    arl0_parts: float
    delay_triple: float
    """Parts until events that are three times as frequent are found, on average."""


class WindowTests(StrictModel):
    """KS of each label's score, and MMD of all of a view's scores together, window by window."""

    parts: int
    """In a window; windows do not overlap."""
    level: float
    """p-value up to which a window is an alarm: parts ÷ the detector's ARL₀."""
    columns: tuple[tuple[str, str], ...]
    """View and label of each column that is tested alone."""
    views: tuple[str, ...]
    """Whose scores are tested together."""
    order: tuple[tuple[float, ...], ...]
    """The reference's scores, one row a column, in the order of the parts."""


class FrameTests(StrictModel):
    """Stains and looks of one view, from kept frames of passed parts."""

    view: str
    size_px: tuple[int, int]
    """Width and height."""
    parts_per_frame: float
    level: float
    """p-value up to which a window of frames is an alarm."""
    cells: tuple[tuple[float, ...], ...]
    """Of each frame of the reference; see :mod:`taktsight.quality.drift_frames`."""


class DriftReference(StrictModel):
    """Everything that later parts are held against."""

    format: Literal[1] = 1
    learned_utc: str
    station: str
    bundle: Digest
    recipe: Digest
    labels: tuple[str, ...]
    first: Place
    last: Place
    parts: int
    data: Digest
    """SHA-256 of the digests of the ledger's rows that it was learned from, in order."""
    arl0_parts: float
    """Parts from one false alarm of all detectors together to the next, on average."""
    detectors: int
    """How many share it."""
    columns: tuple[ScoreDetector, ...]
    events: tuple[EventDetector, ...]
    neighbours: Neighbours | None
    windows: WindowTests | None
    frames: tuple[FrameTests, ...]
    left_out: tuple[str, ...]
    """What is not watched, and why, in sentences."""
    doubts: tuple[str, ...]
    """What speaks against the reference itself."""


def write_reference(path: Path, reference: DriftReference) -> None:
    """Writes it as one JSON file; it is whole or not there.

    Raises:
        ConfigError: If it cannot be written.
    """
    try:
        with whole_file(path) as file:
            file.write(reference.model_dump_json(indent=1).encode())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error


def read_reference(path: Path) -> DriftReference:
    """The reference in a file.

    Raises:
        ConfigError: If it cannot be read, or is no reference.
    """
    try:
        content = path.read_bytes()
        parse_json(content)  # no key twice, no NaN
        return DriftReference.model_validate_json(content, strict=True)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(place) for place in first["loc"])
        raise ConfigError(
            f"{path}: is no drift reference: {where}: {first['msg']}; learn one with "
            "'taktsight drift learn'"
        ) from error
    except ValueError as error:
        raise ConfigError(f"{path}: is no drift reference: {error}") from error
