"""The GPU that an engine is for: that of this machine, or one that is named by its compute capability."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taktsight.errors import BackendError
from taktsight.inspect.backends.cuda_driver import Gpu
from taktsight.inspect.backends.trt.vendor import Vendor

ANY = "any"
DRIVER_FILE = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True, slots=True)
class Target:
    """What an engine is built for. A portable one is for any GPU of its compute capability."""

    gpu: str
    """Its name, as the driver says it."""
    compute_capability: str
    """Such as 8.7 (Orin) or 8.9 (RTX 40)."""
    driver: str
    """Version of the kernel's driver, and the CUDA version it speaks."""

    def __str__(self) -> str:
        name = "any GPU" if self.gpu == ANY else self.gpu
        return f"{name} of compute capability {self.compute_capability}"


def target_here(vendor: Vendor, gpu: Gpu, driver_file: Path = DRIVER_FILE) -> Target:
    """The GPU of this machine, as far as an engine of the vendor depends on it."""
    if vendor.traits.portable:
        return Target(ANY, gpu.compute_capability, ANY)
    kernel = driver_file.read_text(encoding="utf-8") if driver_file.is_file() else ""
    found = re.search(r"\d+\.\d+(\.\d+)?", kernel)
    release = found[0] if found else "unknown"
    return Target(gpu.name, gpu.compute_capability, f"{release} CUDA {gpu.cuda_version}")


def target_named(vendor: Vendor, compute_capability: str) -> Target:
    """A GPU that need not be in this machine.

    Raises:
        BackendError: If engines of the vendor are built on their own GPU only.
    """
    if not vendor.traits.portable:
        raise BackendError(
            f"{vendor} builds on the GPU that will run the engine; leave --compute-capability out, there"
        )
    if not re.fullmatch(r"\d{1,2}\.\d", compute_capability):
        raise BackendError(f"compute capability {compute_capability!r}: a figure such as 8.9 is wanted")
    return Target(ANY, compute_capability, ANY)


def vendors_name(vendor: Vendor, target: Target) -> Any:
    """The target as the vendor's builder takes it.

    Raises:
        BackendError: If the vendor builds nothing for it.
    """
    known = vendor.module.ComputeCapability.__members__
    name = "SM" + target.compute_capability.replace(".", "")
    if name not in known:
        figures = [f"{each[2:-1]}.{each[-1]}" for each in known if each.startswith("SM")]
        raise BackendError(
            f"{vendor} builds for compute capability {', '.join(figures)}, not for "
            f"{target.compute_capability}; use tensorrt there"
        )
    return known[name]
