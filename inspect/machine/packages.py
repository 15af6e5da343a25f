"""Engines that are installed beside Taktsight, and whether they start."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from taktsight.inspect.backends.trt.vendor import MIN_TENSORRT
from taktsight.inspect.engines import EXTRAS, PROVIDERS
from taktsight.inspect.machine.demand import Demand, asks_for
from taktsight.inspect.machine.finding import Finding, Grade
from taktsight.inspect.machine.installed import MODULES
from taktsight.inspect.machine.jetpack import version_of
from taktsight.inspect.machine.probe import PYTHON, Probe


@dataclass(frozen=True, slots=True)
class Package:
    """An engine's Python package."""

    name: str
    version: str
    """"" where it cannot be imported."""
    providers: tuple[str, ...]
    refused: str
    """Why it cannot be imported."""
    tensorrt: int | None = None
    """Major version of the TensorRT that ONNX Runtime's provider runs; None of other packages."""

    @property
    def is_absent(self) -> bool:
        """Not installed, as against installed and broken."""
        return self.refused == f"No module named {self.name!r}"


def read_packages(probe: Probe) -> dict[str, Package]:
    """All engines, by import name."""
    return {name: _read(probe, name) for name in MODULES}


def check_packages(
    packages: Mapping[str, Package], demand: Demand | None, *, venv: str | None
) -> Iterator[Finding]:
    """A line for each engine.

    Args:
        packages: by import name.
        demand: of the station; None where there is none.
        venv: on a Jetson, the command that makes the system's TensorRT visible, "" where it has none of
            use; None on a PC, where TensorRT is a package like others.
    """
    for package in packages.values():
        asked = demand if asks_for(demand, package.name) else None
        runner = _runner(packages, demand) if package.name == "tensorrt" else None
        if package.version:
            yield _started(package, asked, runner, on_board=venv is not None)
        else:
            yield _refused(package, asked, runner, venv)


def _runner(packages: Mapping[str, Package], demand: Demand | None) -> int | None:
    """Major version of the TensorRT that the station's ONNX Runtime runs; None where it runs none."""
    is_wanted = demand is not None and demand.provider == PROVIDERS["tensorrt"]
    return packages["onnxruntime"].tensorrt if is_wanted else None


def _refused(package: Package, demand: Demand | None, runner: int | None, venv: str | None) -> Finding:
    grade: Grade = "note" if demand is None else "fix"
    asked = "" if demand is None else f"; the station asks for {demand.engine}"
    if not package.is_absent:
        return Finding(grade, package.name, f"does not start: {package.refused}{asked}")
    if venv and package.name == "tensorrt":
        text = f"the system has it, this Python environment does not see it{asked}"
        return Finding(grade, package.name, text, venv)
    if demand is None:
        return Finding("ok", package.name, "not installed")
    if venv is not None and package.name == "tensorrt_rtx":
        text = f"there is none for a Jetson{asked}: set backend.kind to tensorrt"
        return Finding("fix", package.name, text)
    # A Jetson's own TensorRT comes with its JetPack, from no package index.
    has_wheel = venv is None or package.name != "tensorrt"
    wheel = f"taktsight[{EXTRAS[package.name]}]" if runner is None else f"tensorrt=={runner}.*"
    command = f"pip install '{wheel}'" if has_wheel else ""
    return Finding("fix", package.name, f"not installed{asked}", command)


def _started(package: Package, demand: Demand | None, runner: int | None, *, on_board: bool) -> Finding:
    names = (name.removesuffix("ExecutionProvider") for name in package.providers)
    providers = ", ".join(name for name in names if name != "Azure")  # a service, not a device
    text = f"{package.version}, computes on {providers}" if providers else package.version
    if demand is None:
        return Finding("ok", package.name, text)
    wants_provider = package.name == "onnxruntime" and demand.provider is not None
    if wants_provider and demand.provider not in package.providers:
        if on_board:  # what the public package index has is for PCs
            text += "; install NVIDIA's build for this JetPack, or set backend.kind to tensorrt"
            return Finding("fix", package.name, text)
        # Both packages fill the same folder: the CPU's has to go first.
        command = "pip uninstall -y onnxruntime && pip install onnxruntime-gpu"
        return Finding("fix", package.name, f"{text}; the station asks for {demand.engine}", command)
    if package.name == "tensorrt" and version_of(package.version) < MIN_TENSORRT:
        wanted = ".".join(map(str, MIN_TENSORRT))
        return Finding("fix", package.name, f"{text}; the station asks for it, {wanted} or later is wanted")
    if runner is not None and version_of(package.version)[0] != runner:
        text += f"; the station asks for {demand.engine}, and its onnxruntime runs TensorRT {runner}"
        return Finding("fix", package.name, text, "" if on_board else f"pip install 'tensorrt=={runner}.*'")
    return Finding("ok", package.name, f"{text}; runs {demand.engine}, as the station asks")


def _read(probe: Probe, name: str) -> Package:
    ran = probe.run((PYTHON, "-m", "taktsight.inspect.machine.installed", name))
    try:
        said = json.loads(ran.text.splitlines()[-1])
        return Package(
            name,
            str(said.get("version", "")),
            tuple(said.get("providers", ())),
            str(said.get("refused", "")),
            said.get("tensorrt"),
        )
    except (IndexError, ValueError, AttributeError, TypeError):
        return Package(name, "", (), f"its process ended with status {ran.status} and said nothing")
