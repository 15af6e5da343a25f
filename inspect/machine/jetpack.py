"""JetPack releases that are known here: one row each. What has no row is unknown, never guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from taktsight.inspect.backends.trt.vendor import MIN_TENSORRT


@dataclass(frozen=True, slots=True)
class JetPack:
    """What NVIDIA released together."""

    name: str
    l4t: tuple[str, ...]
    """Releases of Jetson Linux that carry it; the later ones are security updates."""
    cuda: str
    cudnn: str | None
    """None where no public source says it."""
    tensorrt: str
    python: str
    """The system's Python: TensorRT's bindings are installed for this one and no other."""

    @property
    def runs_tensorrt(self) -> bool:
        """Whether its TensorRT is one that Taktsight builds engines with."""
        return version_of(self.tensorrt) >= MIN_TENSORRT


# Sources: NVIDIA's JetPack and Jetson Linux archive pages, and the packages that boards with a release list
# (libnvinfer*, libcudnn*, cuda-cudart-*), as their owners published them; read in November 2026.
JETPACKS = (
    JetPack("5.1.1", ("35.3.1",), "11.4", "8.6.0", "8.5.2", "3.8"),
    JetPack("5.1.2", ("35.4.1",), "11.4", "8.6.0", "8.5.2", "3.8"),
    JetPack("5.1.3", ("35.5.0",), "11.4", "8.6.0", "8.5.2", "3.8"),
    JetPack("5.1.4", ("35.6.0",), "11.4", "8.6.0", "8.5.2", "3.8"),
    JetPack("5.1.5", ("35.6.1", "35.6.2"), "11.4", "8.6.0", "8.5.2", "3.8"),
    JetPack("5.1.6", ("35.6.4",), "11.4", "8.6.0", "8.5.2", "3.8"),
    JetPack("6.0", ("36.3.0",), "12.2", "8.9.4", "8.6.2", "3.10"),
    JetPack("6.1", ("36.4.0",), "12.6", "9.3.0", "10.3.0", "3.10"),
    JetPack("6.2", ("36.4.3",), "12.6", "9.3.0", "10.3.0", "3.10"),
    JetPack("6.2.1", ("36.4.4", "36.4.7"), "12.6", "9.3.0", "10.3.0", "3.10"),
    JetPack("6.2.2", ("36.5.0",), "12.6", "9.3.0", "10.3.0", "3.10"),
    JetPack("7.0", ("38.2.0", "38.2.1", "38.2.2"), "13.0", "9.12.0", "10.13.3", "3.12"),
    JetPack("7.1", ("38.4.0",), "13.0", None, "10.13.3", "3.12"),
    JetPack("7.2", ("39.2.0",), "13.2", "9.20.0", "10.16.2", "3.12"),
    JetPack("7.2.1", ("39.2.1",), "13.2", "9.20.0", "10.16.2", "3.12"),
)

WANTED = {"Xavier": None, "Orin": "6.2.2", "Thor": "7.2.1"}
"""By a word in the board's name: the release to flash for TensorRT. Xavier ends with JetPack 5."""


def jetpack_of(l4t: str) -> JetPack | None:
    """The release that a Jetson Linux belongs to; None where the table has no such row."""
    return next((row for row in JETPACKS if l4t in row.l4t), None)


def l4t_of(release: str) -> str | None:
    """``# R36 (release), REVISION: 4.3, GCID: …`` → ``36.4.3``; None where it says something else."""
    found = re.match(r"# R(\d+) \(release\), REVISION: (\d+(?:\.\d+)+)", release)
    return f"{found[1]}.{found[2]}" if found else None


def version_of(text: str) -> tuple[int, ...]:
    """``10.3.0.30-1+cuda12.5`` → (10, 3, 0, 30); () where no number stands at its beginning."""
    found = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(map(int, found[0].split("."))) if found else ()


def is_release(version: str, release: str) -> bool:
    """Whether ``12.6.68-1`` is of release ``12.6``."""
    wanted = version_of(release)
    return version_of(version)[: len(wanted)] == wanted
