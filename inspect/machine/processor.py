"""The processor: what it computes in hardware, and whether it is kept awake."""

from __future__ import annotations

import re
from collections.abc import Iterator

from taktsight.inspect.machine.demand import Demand
from taktsight.inspect.machine.finding import Finding
from taktsight.inspect.machine.probe import Probe

UNITS = {
    "avx512f": "AVX-512",
    "avx512_vnni": "AVX-512 VNNI",
    "avx_vnni": "AVX-VNNI",
    "avx512_bf16": "AVX-512 BF16",
    "amx_int8": "AMX int8",
    "amx_bf16": "AMX bf16",
    "asimddp": "dot products",
    "i8mm": "i8mm",
    "bf16": "bf16",
}
"""Flag of /proc/cpuinfo → what to call it; those that make an engine faster."""
INT8 = {"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"}
BF16 = {"avx512_bf16", "amx_bf16", "bf16"}
ARM_CORES = {"0xd42": "Cortex-A78AE", "0xd83": "Neoverse V3AE", "0x004": "Carmel"}
"""CPU part of /proc/cpuinfo: Orin, Thor, Xavier."""
GOVERNORS = "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"


def check_processor(probe: Probe, demand: Demand | None) -> Finding:
    """Cores, and what the station's precision means on them."""
    said = probe.text("/proc/cpuinfo")
    cores = len(re.findall(r"(?m)^processor\s*:", said))
    if not cores:
        return Finding("note", "processor", "/proc/cpuinfo does not say which")
    found = re.search(r"(?m)^(?:flags|Features)\s*:(.*)", said)
    flags = set(found[1].split()) if found else set()
    units = ", ".join(name for flag, name in UNITS.items() if flag in flags) or "no short arithmetic"
    text = f"{cores} × {_name(said)}: {units}"
    if demand is None or demand.needs_gpu:
        return Finding("ok", "processor", text)
    if demand.precision == "bf16" and not flags & BF16:
        text += f"; {demand.engine} cannot run on it: set backend.precision to f32 or int8"
        return Finding("fix", "processor", text)
    if demand.precision == "int8" and not flags & INT8:
        text += "; int8 without such units is hardly faster than f32: 'taktsight bench' says by how much"
        return Finding("note", "processor", text)
    return Finding("ok", "processor", f"{text}; computes {demand.precision}, as the station asks")


def check_governor(probe: Probe) -> Iterator[Finding]:
    """Of a PC; a Jetson's clocks tell more. Nothing where the firmware alone decides."""
    governors = sorted({probe.text(path) for path in probe.matching(GOVERNORS)} - {""})
    if governors == ["performance"]:
        yield Finding("ok", "governor", "performance: no part waits for the clock to rise")
    elif governors:
        text = f"{', '.join(governors)}: cores slow down between parts, the first after a pause is late"
        command = f"echo performance | sudo tee {GOVERNORS}"
        yield Finding("note", "governor", text, command)


def _name(said: str) -> str:
    part = re.search(r"(?m)^CPU part\s*:\s*(\w+)", said)
    if part and part[1] in ARM_CORES:
        return ARM_CORES[part[1]]
    name = re.search(r"(?m)^model name\s*:\s*(.+)", said)
    return name[1].strip() if name else "processor without a name"
