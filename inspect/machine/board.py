"""A Jetson: its board, its JetPack and the libraries of it, held against the row they should be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from taktsight.inspect.backends.trt.vendor import MIN_TENSORRT
from taktsight.inspect.machine.demand import Demand, asks_for
from taktsight.inspect.machine.finding import Finding, Grade
from taktsight.inspect.machine.jetpack import (
    JETPACKS,
    WANTED,
    JetPack,
    is_release,
    jetpack_of,
    l4t_of,
    version_of,
)
from taktsight.inspect.machine.probe import Probe

CUDA, CUDNN, TENSORRT = r"cuda-cudart-[\d-]+", r"libcudnn\d+(-cuda-\d+)?", r"libnvinfer\d+"
"""Names of the Debian packages that hold the libraries."""
OLDEST = ".".join(map(str, MIN_TENSORRT))
INSTALL = "sudo apt update && sudo apt install nvidia-jetpack"
_PATTERNS = (
    "nvidia-jetpack",
    "nvidia-l4t-core",
    "cuda-cudart-*",
    "libcudnn*",
    "libnvinfer*",
    "python3-libnvinfer*",
)


@dataclass(frozen=True, slots=True)
class Board:
    """What a Jetson says of itself."""

    model: str
    l4t: str | None
    packages: Mapping[str, str]
    """Debian package → version."""
    cuda: str

    @property
    def jetpack(self) -> JetPack | None:
        """The row of its Jetson Linux."""
        return jetpack_of(self.l4t) if self.l4t else None

    @property
    def family(self) -> str | None:
        """Xavier, Orin or Thor."""
        return next((family for family in WANTED if family in self.model), None)

    def version(self, name: str) -> str:
        """Of the newest installed package whose whole name matches; "" where there is none."""
        found = [version for package, version in self.packages.items() if re.fullmatch(name, package)]
        return max(found, key=version_of, default="")

    @property
    def venv(self) -> str:
        """Makes an environment that sees the system's TensorRT; "" where that would be of no use."""
        row = self.jetpack
        if row is None or not row.runs_tensorrt or not self.version(TENSORRT):
            return ""
        return (
            f"sudo /usr/bin/python{row.python} -m venv --system-site-packages /opt/taktsight && "
            "sudo /opt/taktsight/bin/pip install 'taktsight[line]'"
        )


def read_board(probe: Probe) -> Board | None:
    """The Jetson that this is; None where it is another machine."""
    release = probe.text("/etc/nv_tegra_release")
    model = probe.text("/proc/device-tree/model")
    if not release and "Jetson" not in model:
        return None
    listed = probe.run(
        ("dpkg-query", "-W", *_PATTERNS)
    ).text  # fails where one has no match, lists the rest
    pairs = (line.split("\t") for line in listed.splitlines() if "\t" in line)
    packages = {pair[0].split(":")[0]: pair[1] for pair in pairs if pair[1]}
    cuda = _cuda_of(probe.text("/usr/local/cuda/version.json"))
    return Board(model or "a board without a name", l4t_of(release), packages, cuda)


def check_board(board: Board, demand: Demand | None) -> Iterator[Finding]:
    """Board, JetPack, CUDA, cuDNN, TensorRT."""
    yield Finding("ok", "board", board.model)
    yield _check_jetpack(board, demand)
    row = board.jetpack
    cuda = board.cuda or board.version(CUDA)
    yield _check_library("cuda", cuda, row.cuda if row else None, demand, "TensorRT needs it")
    cudnn = board.version(CUDNN)
    use = "only ONNX Runtime's CUDA provider needs it"
    yield _check_library("cudnn", cudnn, row.cudnn if row else None, demand, use)
    tensorrt = board.version(TENSORRT)
    use = "the engine is built with it on this board; by another version anew"
    yield _check_library("libnvinfer", tensorrt, row.tensorrt if row else None, demand, use)


def _check_jetpack(board: Board, demand: Demand | None) -> Finding:
    asked = asks_for(demand, "tensorrt")
    if board.l4t is None:
        text = "/etc/nv_tegra_release says no release: which JetPack this is cannot be told"
        return Finding("note", "jetpack", text)
    row = board.jetpack
    if row is None:
        text = f"L4T {board.l4t} is unknown here ({JETPACKS[0].name} to {JETPACKS[-1].name} are known): "
        return Finding("note", "jetpack", text + "no version is expected of it, none is called wrong")
    package = version_of(board.version("nvidia-jetpack"))
    said = f"JetPack {row.name} (L4T {board.l4t}, Python {row.python})"
    if row.runs_tensorrt:
        if package and package != version_of(row.name):
            name = ".".join(map(str, package))
            text = f"{said} with the packages of JetPack {name}: updated by half"
            return Finding("note", "jetpack", text, "sudo apt update && sudo apt dist-upgrade")
        return Finding("ok", "jetpack", f"{said}: its TensorRT {row.tensorrt} builds our engines")
    old = f"{said}: its TensorRT {row.tensorrt} is too old, {OLDEST} or later builds our engines"
    use = "set backend.kind to onnxruntime" if asked else "ONNX Runtime on the CPU runs"
    return Finding("fix" if asked else "note", "jetpack", f"{old}; {_way_out(board)}, or {use}")


def _way_out(board: Board) -> str:
    if board.family is None:
        return "flash JetPack 6.1 or later, if its maker has one for this board"
    wanted = WANTED[board.family]
    return f"flash JetPack {wanted}" if wanted else f"no JetPack for {board.family} has it"


def _check_library(
    subject: str, version: str, expected: str | None, demand: Demand | None, use: str
) -> Finding:
    if not version:
        if subject == "cudnn":
            return Finding("ok", subject, f"not installed: {use}")
        grade: Grade = "fix" if asks_for(demand, "tensorrt") else "note"
        return Finding(grade, subject, f"not installed: {use}", INSTALL)
    if expected and not is_release(version, expected):
        text = (
            f"{version}, and this JetPack comes with {expected}: engines were not tried with the two mixed"
        )
        return Finding("note", subject, text)
    return Finding("ok", subject, f"{version}: {use}")


def _cuda_of(version_json: str) -> str:
    try:
        return str(json.loads(version_json)["cuda"]["version"])
    except (ValueError, KeyError, TypeError):
        return ""
