"""What a station runs, as a certificate names it."""

from __future__ import annotations

from dataclasses import replace

from taktsight.inspect.backends.backend import engine_name
from taktsight.inspect.config import Station
from taktsight.inspect.fit import Setup
from taktsight.quality.standing import Found, found_in


def found_at(station: Station, setup: Setup) -> Found:
    """Bundle, recipe and engine of a station; of its file only its name is known here."""
    engine = station.backend
    found = found_in(setup.bundle, setup.recipe, engine_name(engine), engine.precision)
    return replace(found, station_name=station.name)
