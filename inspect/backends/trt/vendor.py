"""Which of NVIDIA's engines is installed, and where they differ. Nothing else asks which one it is."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from typing import Any, Literal

from taktsight.errors import BackendError
from taktsight.inspect.engines import EXTRAS

VendorKind = Literal["tensorrt", "tensorrt_rtx"]
NAMES = {"tensorrt": "TensorRT", "tensorrt_rtx": "TensorRT-RTX"}
MIN_TENSORRT = (10, 3)
"""Strongly typed networks of the kind that Taktsight builds; JetPack 6.1 has it."""
ELSEWHERE = {
    "tensorrt": "A Jetson has it with its JetPack: make the environment with --system-site-packages",
    "tensorrt_rtx": "Its packages are for x86-64; a Jetson runs backend.kind tensorrt",
}
"""What to do where a package index has none."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What one major version does otherwise than the others."""

    typed_flag: bool
    """A network must be asked to be strongly typed; where not, every network is."""
    timing_cache: bool
    """What was timed in one build is remembered for the next; RTX times nothing."""
    portable: bool
    """An engine holds for every GPU of its compute capability under every driver, and can be built without
    a GPU for one that is named."""
    has_dla: bool
    """It knows the deep-learning accelerators of a Jetson."""
    graph_flag: str | None
    """Builder flag without which no CUDA graph can be captured."""


TRAITS: dict[tuple[str, int], Traits] = {
    ("tensorrt", 10): Traits(
        typed_flag=True, timing_cache=True, portable=False, has_dla=True, graph_flag=None
    ),
    ("tensorrt", 11): Traits(
        typed_flag=False, timing_cache=True, portable=False, has_dla=True, graph_flag=None
    ),
    ("tensorrt_rtx", 1): Traits(
        typed_flag=True,
        timing_cache=False,
        portable=True,
        has_dla=False,
        graph_flag="REQUIRE_USER_ALLOCATION",
    ),
}
"""By kind and major version."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """The vendor's module as it is installed here."""

    kind: str
    module: Any
    version: str
    traits: Traits

    def __str__(self) -> str:
        return f"{NAMES[self.kind]} {self.version}"


def open_vendor(kind: VendorKind) -> Vendor:
    """The module, if it is installed in a version that this code knows.

    Raises:
        BackendError: If it is absent, cannot be loaded, or is another major version.
    """
    try:
        module = importlib.import_module(kind)
    except (ImportError, OSError) as error:
        raise BackendError(
            f"backend {kind} is not installed ({error}); pip install 'taktsight[{EXTRAS[kind]}]'. "
            f"{ELSEWHERE[kind]}"
        ) from error
    return vendor_of(kind, module)


def vendor_of(kind: str, module: Any) -> Vendor:
    """A module that was opened, with the traits of its version.

    Raises:
        BackendError: If nobody has tried that version.
    """
    version = str(module.__version__)
    numbers = tuple(map(int, re.findall(r"\d+", version)[:2]))
    traits = TRAITS.get((kind, numbers[0])) if numbers else None
    if traits is None or (kind == "tensorrt" and numbers < MIN_TENSORRT):
        known = ", ".join(f"{major}.x" for name, major in TRAITS if name == kind)
        if kind == "tensorrt":
            known += f" from {'.'.join(map(str, MIN_TENSORRT))}"
        raise BackendError(f"{NAMES[kind]} {version} is installed, and {known} is wanted; install that one")
    return Vendor(kind, module, version, traits)
