"""What a trial's process is to run, and which settings of a station go with an engine on trial."""

from __future__ import annotations

from pathlib import Path

from taktsight.inspect.config import Engine, with_values
from taktsight.inspect.engines import engine_named
from taktsight.strict_model import StrictModel

CHOSEN = frozenset({"kind", "precision", "device", "dla_core", "threads"})
"""Settings that an engine's name and its number of threads say; a station's others stay as they are."""


class Task(StrictModel):
    """One engine with one bundle. It goes to the trial's process as JSON."""

    bundle: Path
    bundle_digest: str
    """SHA-256 of the bundle that was verified. Another one that took its place is refused."""
    allowed_keys: tuple[Path, ...] = ()
    """With any given, one of them must have signed."""
    engine: Engine


def candidate(name: str, threads: int, running: Engine | None) -> Engine:
    """An engine to be tried, with the settings of the one that runs now where both are of a kind.

    Args:
        name: kind, precision and device.
        threads: for one inference.
        running: the station's; None without a station.

    Raises:
        ConfigError: If there is no such engine.
    """
    engine = engine_named(name, threads=threads)
    if type(running) is not type(engine):
        return engine
    kept = running.model_fields_set - CHOSEN
    return with_values(engine, **{field: getattr(running, field) for field in kept})
