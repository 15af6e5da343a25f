"""Features of a GenICam camera: what it can be told, and a value written so that it is read back.

Nothing is set to something near: a camera that runs with another value is an error.
"""

from __future__ import annotations

from typing import Protocol

from taktsight.errors import ConfigError


class Features(Protocol):
    """What a camera can be told. Every method may raise a CameraError."""

    def has(self, name: str) -> bool:
        """Whether it has the feature, and lets it be used now."""

    def integer(self, name: str) -> int:
        """As the camera has it."""

    def set_integer(self, name: str, value: int) -> None:
        """Written, not checked."""

    def number(self, name: str) -> float:
        """As the camera has it."""

    def set_number(self, name: str, value: float) -> None:
        """Written, not checked."""

    def choice(self, name: str) -> str:
        """Of an enumeration, as the camera has it."""

    def set_choice(self, name: str, value: str) -> None:
        """Written, not checked."""

    def choices(self, name: str) -> list[str]:
        """What can be chosen now."""

    def set_switch(self, name: str, *, on: bool) -> None:
        """Of a boolean; written, not checked."""

    def highest(self, name: str) -> int:
        """The largest value that an integer may have now."""

    def execute(self, name: str) -> None:
        """Of a command."""


def first_of(features: Features, names: tuple[str, ...], key: str) -> str:
    """The first of these names that the camera has, for the setting ``key``.

    Raises:
        ConfigError: If it has none of them.
    """
    found = next((name for name in names if features.has(name)), None)
    if found is None:
        raise ConfigError(f"{key}: this camera has none of {', '.join(names)}")
    return found


def choose_if_there(features: Features, name: str, value: str) -> None:
    """Chosen where the camera has the feature and the value, and read back.

    Raises:
        ConfigError: If the camera stays at another value.
    """
    if features.has(name) and value in features.choices(name):
        choose(features, name, value, name)


def choose(features: Features, name: str, value: str, key: str) -> None:
    """Chosen and read back, for the setting ``key``.

    Raises:
        ConfigError: If the camera does not offer it, or stays at another value.
    """
    offered = features.choices(name) if features.has(name) else []
    if value not in offered:
        said = f"offers {', '.join(offered)}" if offered else f"has no {name}"
        raise ConfigError(f"{key} {value}: this camera {said}")
    features.set_choice(name, value)
    if (runs := features.choice(name)) != value:
        raise ConfigError(f"{key} {value} was asked for, the camera stays at {runs}")


def set_integer(features: Features, name: str, value: int, key: str) -> None:
    """Written and read back, for the setting ``key``.

    Raises:
        ConfigError: If it is more than the camera can, or the camera runs with another value.
    """
    if value > (highest := features.highest(name)):
        raise ConfigError(f"{key} {value}: this camera goes to {highest}")
    features.set_integer(name, value)
    if (runs := features.integer(name)) != value:
        raise ConfigError(f"{key} {value} was asked for, the camera runs with {runs}")


def set_number(features: Features, name: str, value: float, key: str, tolerance: float) -> float:
    """Written and read back, for the setting ``key``; what the camera runs with.

    Raises:
        ConfigError: If that is further off than the tolerance.
    """
    features.set_number(name, value)
    runs = features.number(name)
    if abs(runs - value) > tolerance:
        raise ConfigError(f"{key} {value:g} was asked for, the camera runs with {runs:g}")
    return runs
