"""A Jetson's power mode and clocks: whether it may be as fast as it is, and stays so between parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from taktsight.inspect.machine.finding import Finding
from taktsight.inspect.machine.probe import Probe

AS_ROOT = 'sudo "$(command -v taktsight)" check --machine'
_MODE = re.compile(r"^NV Power Mode: ?(\S+)\n(\d+)", re.MULTILINE)
_MODES = re.compile(r"^<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+)\s*>", re.MULTILINE)
_CLOCK = re.compile(r"^(cpu\d+|GPU)\b.*?MinFreq=(\d+) MaxFreq=(\d+) CurrentFreq=\d+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Clock:
    """How slow and how fast a clock may run, Hz."""

    lowest_hz: int
    highest_hz: int


def check_clocks(probe: Probe) -> Iterator[Finding]:
    """Power mode and clocks."""
    yield _check_mode(probe)
    processors, graphics = _read_clocks(probe)
    clocks = (*processors, *graphics)
    if not clocks:
        yield Finding("note", "clocks", "root alone may see them", AS_ROOT)
        return
    said = ", ".join(
        f"{name} up to {max(clock.highest_hz for clock in some) / 1e6:.0f} MHz"
        for name, some in (("CPU", processors), ("GPU", graphics))
        if some
    )
    if all(clock.lowest_hz == clock.highest_hz for clock in clocks):
        yield Finding("ok", "clocks", f"{said}, held there")
    else:
        text = f"{said}, slower between parts: the first part after a pause takes longest"
        yield Finding("note", "clocks", text, "sudo jetson_clocks")


def _check_mode(probe: Probe) -> Finding:
    # Not every user may read all that nvpmodel reads: it fails after it has said the mode.
    found = _MODE.search(probe.run(("nvpmodel", "-q")).text)
    if found is None:
        return Finding("note", "power", "nvpmodel says no mode; root may see it", AS_ROOT)
    mode, modes = found[1], _MODES.findall(probe.text("/etc/nvpmodel.conf"))
    fastest = [pair for pair in modes if pair[1].startswith("MAXN")]
    if mode.startswith("MAXN") and mode not in {name for _, name in fastest[:-1]}:
        return Finding("ok", "power", f"{mode}: no clock is capped")
    if fastest:
        number, name = fastest[-1]
        text = f"{mode} caps the clocks, {name} does not (it needs the supply and the cooling for it)"
        return Finding("note", "power", text, f"sudo nvpmodel -m {number}")
    others = f" of {', '.join(name for _, name in modes)}" if modes else ""
    return Finding(
        "ok", "power", f"{mode}{others}: which is fastest for this bundle, 'taktsight bench' says"
    )


def _read_clocks(probe: Probe) -> tuple[list[Clock], list[Clock]]:
    """Of the processor's cores, and of the GPU; jetson_clocks shows them to root only."""
    shown = probe.output("jetson_clocks", "--show")
    if found := _CLOCK.findall(shown):
        # Cores count in kHz, the GPU in Hz.
        processors = [
            Clock(int(low) * 1000, int(high) * 1000) for name, low, high in found if name != "GPU"
        ]
        return processors, [Clock(int(low), int(high)) for name, low, high in found if name == "GPU"]
    cores = probe.matching("/sys/devices/system/cpu/cpu[0-9]*/cpufreq")
    processors = _kernel_clocks(probe, cores, "scaling_min_freq", "scaling_max_freq", 1000)
    devices = probe.matching("/sys/class/devfreq/*")
    graphics = [path for path in devices if re.search(r"\.(gpu|ga10b|gv11b)$|/gpu-", path)]
    return processors, _kernel_clocks(probe, graphics, "min_freq", "max_freq", 1)


def _kernel_clocks(probe: Probe, folders: list[str], low: str, high: str, unit: int) -> list[Clock]:
    pairs = [(probe.text(f"{folder}/{low}"), probe.text(f"{folder}/{high}")) for folder in folders]
    return [Clock(int(a) * unit, int(b) * unit) for a, b in pairs if a.isdigit() and b.isdigit()]
