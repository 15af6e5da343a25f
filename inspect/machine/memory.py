"""Free memory and swap, against what line, engine and the building of an engine take."""

from __future__ import annotations

import re

from taktsight.inspect.machine.demand import Demand
from taktsight.inspect.machine.finding import Finding, Grade
from taktsight.inspect.machine.probe import Probe

LINE_MB = 500
"""Line, vision and recorder with an engine that runs on the processor. Measured: 37 MB and 122 MB for the
first two, with a small network."""
GPU_MB = 1500
"""More, where a GPU's libraries are loaded and an engine is built. A rule of thumb, not yet measured."""
MODEL_COPIES = 4
"""The bundle's bytes, the parsed network, its optimised form, and the engine's own weights."""
NO_DESKTOP = "sudo systemctl set-default multi-user.target && sudo reboot"
MAKE_SWAP = (
    "sudo fallocate -l 8G /swapfile && sudo chmod 600 /swapfile && sudo mkswap /swapfile && "
    "sudo swapon /swapfile && echo '/swapfile none swap sw 0 0' | sudo tee -a /etc/fstab"
)


def check_memory(probe: Probe, demand: Demand | None, *, shared: bool) -> Finding:
    """Free memory and swap.

    Args:
        probe: reads the machine.
        demand: of the station; None where there is none.
        shared: the GPU takes from the same memory, as on every Jetson.
    """
    said = probe.text("/proc/meminfo")
    found = re.findall(r"(?m)^(MemTotal|MemAvailable|SwapTotal):\s+(\d+) kB", said)
    mb = {name: int(kib) * 1024 / 1e6 for name, kib in found}
    if "MemAvailable" not in mb or "MemTotal" not in mb:
        return Finding("note", "memory", "/proc/meminfo does not say how much there is")
    free_mb, swap_mb = mb["MemAvailable"], mb.get("SwapTotal", 0)
    text = f"{free_mb / 1e3:.1f} of {mb['MemTotal'] / 1e3:.1f} GB free, swap {swap_mb / 1e3:.1f} GB"
    if shared:
        text += ", shared with the GPU"
    needs_gpu = shared if demand is None else demand.needs_gpu
    needed_mb: float = LINE_MB + (GPU_MB if needs_gpu and shared else 0)
    if demand is not None and demand.model_mb is not None:
        needed_mb += MODEL_COPIES * demand.model_mb
        text += f"; the model is {demand.model_mb:.1f} MB"
    text += f"; about {needed_mb / 1e3:.1f} GB are wanted"
    if free_mb < needed_mb:
        grade: Grade = "note" if demand is None else "fix"
        return Finding(grade, "memory", text, NO_DESKTOP if shared else "ps aux --sort=-rss | head")
    if shared and needs_gpu and not swap_mb and mb["MemTotal"] < 9_000:
        text += ", and while an engine is built a small board without swap may run out"
        return Finding("note", "memory", text, MAKE_SWAP)
    return Finding("ok", "memory", text)
