"""The NVIDIA GPU of a PC (and of a Thor, which has nvidia-smi as well), and its driver."""

from __future__ import annotations

import re

from taktsight.inspect.machine.demand import Demand, asks_for
from taktsight.inspect.machine.finding import Finding
from taktsight.inspect.machine.probe import HUNG, Probe

QUERY = (
    "nvidia-smi",
    "--query-gpu=name,driver_version,compute_cap,memory.total,memory.used",
    "--format=csv,noheader,nounits",
)
NVIDIA, DISPLAY = "0x10de", "0x03"
"""PCI vendor, and how the class of whatever draws or computes begins."""
RTX_OLDEST, HOPPER = (7, 5), (9, 0)
"""TensorRT-RTX is for the GPUs of workstations: not for older ones, nor for Hopper."""


def check_graphics(probe: Probe, demand: Demand | None) -> Finding:
    """GPU and driver, or that there is none."""
    ran = probe.run(QUERY)
    rows = [[cell.strip() for cell in line.split(",")] for line in ran.text.splitlines()]
    if ran.status == 0 and rows and len(rows[0]) == 5:
        return _check_gpu(rows, demand)
    needed = demand is not None and demand.needs_gpu
    if ran.status == HUNG:
        text = "nvidia-smi does not answer: the driver hangs"
        return Finding("fix" if needed else "note", "gpu", text, "sudo reboot")
    if _has_card(probe):
        text = "there is an NVIDIA GPU and no driver that answers nvidia-smi"
        is_ubuntu = "ID=ubuntu" in probe.text("/etc/os-release").splitlines()
        command = "sudo ubuntu-drivers install && sudo reboot" if is_ubuntu else ""
        return Finding("fix" if needed else "note", "gpu", text, command)
    if needed and demand is not None:
        setting = "backend.device to cpu" if demand.provider else "backend.kind to onnxruntime or openvino"
        text = (
            f"none of NVIDIA's, and the station asks for {demand.engine}: set {setting}, or take another PC"
        )
        return Finding("fix", "gpu", text)
    return Finding("ok", "gpu", "none of NVIDIA's: onnxruntime and openvino compute on the processor")


def _check_gpu(rows: list[list[str]], demand: Demand | None) -> Finding:
    name, driver, capability, total_mib, used_mib = rows[0]
    text = f"{name}, driver {driver}"
    if total_mib.isdigit() and used_mib.isdigit():
        free_gb = (int(total_mib) - int(used_mib)) * 2**20 / 1e9
        text += f", {free_gb:.1f} of {int(total_mib) * 2**20 / 1e9:.1f} GB free"
    if re.fullmatch(r"\d+\.\d+", capability):
        text += f", compute capability {capability}"
        major, minor = map(int, capability.split("."))
        of_rtx = (major, minor) >= RTX_OLDEST and (major, minor) != HOPPER
        if asks_for(demand, "tensorrt_rtx") and not of_rtx:
            return Finding(
                "fix", "gpu", f"{text}: TensorRT-RTX does not know it; set backend.kind to tensorrt"
            )
    if len(rows) > 1:
        text += f"; {len(rows) - 1} more"
    if demand is not None:
        text += ": runs the engine" if demand.needs_gpu else f": {demand.engine} does not use it"
    return Finding("ok", "gpu", text)


def _has_card(probe: Probe) -> bool:
    devices = probe.matching("/sys/bus/pci/devices/*")
    return any(
        probe.text(f"{device}/vendor") == NVIDIA and probe.text(f"{device}/class").startswith(DISPLAY)
        for device in devices
    )
