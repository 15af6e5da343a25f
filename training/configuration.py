"""The resolved configuration as digests: what was asked for, without the folders it was asked in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

SECTIONS = {
    "model": (),
    "data": ("root", "index", "annotations", "splits", "cache_dir"),
    "trainer": ("default_root_dir", "logger"),
}
"""Section → its keys that say where something lies. What lies there has digests of its own."""


def config_digests(config: Mapping[str, Any]) -> dict[str, str]:
    """Section → SHA-256 of its canonical JSON.

    Args:
        config: what stands in a run's ``config.yaml``.

    Raises:
        KeyError: If a section is missing.
        TypeError: If a section is something else than keys with values.
    """
    return {name: _digest(config[name], places) for name, places in SECTIONS.items()}


def _digest(section: Mapping[str, Any], places: tuple[str, ...]) -> str:
    kept = {key: value for key, value in section.items() if key not in places}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()
