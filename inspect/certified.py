"""What a station runs, as a certificate names it, and what speaks against believing it for now."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from taktsight.inspect.backends.backend import engine_name
from taktsight.inspect.config import Station
from taktsight.inspect.fit import Setup
from taktsight.quality.drift_records import suspended_reason
from taktsight.quality.standing import Found, found_in


def found_at(station: Station, setup: Setup) -> Found:
    """Bundle, recipe, engine, name and cameras of a station; whether its parts have drifted."""
    engine = station.backend
    found = found_in(setup.bundle, setup.recipe, engine_name(engine), engine.precision)
    drifted = suspended_reason(station.records.folder)
    return replace(found, station_name=station.name, cameras=cameras_digest(station), suspended=drifted)


def cameras_digest(station: Station) -> str:
    """SHA-256 of every setting of its cameras: what a frame looks like.

    Bundle, recipe and records are no part of it: they change when a certificate comes.
    """
    settings = [camera.model_dump(mode="json") for camera in station.cameras]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
