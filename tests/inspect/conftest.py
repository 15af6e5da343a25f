"""A small line: a model that finds bright spots, drawn parts, a station, and the real command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper

from taktsight.bundle import write_bundle
from taktsight.card import Card, GoldenSample, OperatingPoint, Origin, Parity
from taktsight.image_files import encode_png
from taktsight.imaging import Canvas
from taktsight.inspect.ledger import Ledger, Row
from taktsight.inspect.meters import Meters
from taktsight.recipe import Limit
from taktsight.records import Image, Outcome

SIZE_PX = 64
GOOD, SPOT = 0, 255


def draw_part(brightness: int, *, size_px: int = SIZE_PX) -> Image:
    """A grey part with one spot of 10×10 pixels; 0 draws none."""
    image = np.full((size_px, size_px, 1), 90, np.uint8)
    if brightness:
        image[20:30, 24:34] = brightness
    return image


def spot_model(*, slowness: int = 0) -> bytes:
    """map = clip((x - 128) / 127), score = its maximum; ``slowness`` adds large matrix products."""
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Sub", ["planes", "dark"], ["above"]),
        helper.make_node("Div", ["above", "range"], ["scaled"]),
        helper.make_node("Clip", ["scaled", "zero", "one"], ["clipped"]),
        helper.make_node("ReduceMax", ["clipped"], ["peak"], axes=[2, 3], keepdims=0),
    ]
    constants: list[Any] = [
        helper.make_tensor(name, TensorProto.FLOAT, [], [value])
        for name, value in (("dark", 128.0), ("range", 127.0), ("zero", 0.0), ("one", 1.0))
    ]
    if slowness:
        constants.append(helper.make_tensor("side", TensorProto.INT64, [2], [slowness, slowness]))
        nodes += [
            helper.make_node("ReduceMin", ["pixels"], ["low"], keepdims=0),
            helper.make_node("Expand", ["low", "side"], ["matrix"]),
            helper.make_node("MatMul", ["matrix", "matrix"], ["product"]),
            helper.make_node("ReduceMin", ["product"], ["least"], keepdims=0),
            helper.make_node("Mul", ["least", "zero"], ["nothing"]),
            helper.make_node("Add", ["clipped", "nothing"], ["maps"]),
            helper.make_node("Add", ["peak", "nothing"], ["scores"]),
        ]
    else:
        nodes += [
            helper.make_node("Identity", ["clipped"], ["maps"]),
            helper.make_node("Identity", ["peak"], ["scores"]),
        ]
    shape: list[str | int | None] = ["n", SIZE_PX, SIZE_PX, 1]
    graph = helper.make_graph(
        nodes,
        "spots",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, shape)],
        [
            helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["n", 1, SIZE_PX, SIZE_PX]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 1]),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def spot_bundle(
    path: Path, *, model: bytes | None = None, spot_scores: float = 1.0, mm_per_px: float | None = 0.1
) -> Path:
    """A bundle of the spot model with a good and a bad golden sample."""
    golden = {"golden/good.png": draw_part(GOOD), "golden/spot.png": draw_part(SPOT)}
    card = Card(
        name="spots",
        task="segmentation",
        labels=("spot",),
        canvas=Canvas(SIZE_PX, SIZE_PX, 1, 1, 32),
        mm_per_px=mm_per_px,
        limits=(Limit(label="spot", reject_score=0.6, review_score=0.3, map_score=0.2),),
        operating_point=OperatingPoint(
            chosen_on="val",
            measured_on="test",
            defective=10,
            escapes=0,
            escape_upper=0.31,
            good=10,
            overkills=0,
            overkill_upper=0.31,
        ),
        parity=Parity(
            reference="itself",
            parts=10,
            flips=0,
            flips_upper=0.26,
            max_map_difference=0.0,
            max_score_difference=0.0,
        ),
        golden=(
            GoldenSample(file="golden/good.png", outcome=Outcome.PASS, scores=(0.0,)),
            GoldenSample(file="golden/spot.png", outcome=Outcome.REJECT, scores=(spot_scores,)),
        ),
        origin=Origin(data="0", config="0", code="0", weights="0", taktsight="0"),
    )
    write_bundle(path, card, model or spot_model(), golden)
    return path


BRIGHTNESS = {Outcome.PASS: GOOD, Outcome.REVIEW: 180, Outcome.REJECT: SPOT}


@dataclass
class Place:
    """A folder with everything a station needs."""

    folder: Path
    station: dict[str, Any] = field(default_factory=dict)

    @property
    def records(self) -> Path:
        return self.folder / "records"

    def write(self, **values: Any) -> Path:
        """Writes the station file with some top-level keys replaced."""
        file = self.folder / "station.yaml"
        file.write_text(yaml.safe_dump(self.station | values), encoding="utf-8")
        return file

    def draw(self, outcomes: Sequence[Outcome]) -> None:
        """One image per outcome, in order."""
        for number, outcome in enumerate(outcomes, start=1):
            content = encode_png(draw_part(BRIGHTNESS[outcome]))
            (self.folder / "images" / f"part_{number}.png").write_bytes(content)

    def gate(self) -> list[tuple[int, str]]:
        """What the gate was told: trigger and outcome."""
        file = self.folder / "gate.txt"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(int(trigger), outcome) for trigger, outcome, _ in map(str.split, lines)]

    def gate_times_ns(self) -> list[int]:
        """When the gate was told, monotonic."""
        return [int(line.split()[2]) for line in (self.folder / "gate.txt").read_text().splitlines()]

    def rows(self, *kinds: str) -> list[Row]:
        """The ledger's rows of these kinds, after its chain was found whole."""
        ledger = Ledger.open(self.records)
        try:
            ledger.verify()
            return [row for row in ledger.rows() if not kinds or row["kind"] in kinds]
        finally:
            ledger.close()

    def images(self) -> list[Row]:
        """The ledger's table of images, removed ones too."""
        ledger = Ledger.open(self.records)
        try:
            return list(ledger.image_rows(kept=False))
        finally:
            ledger.close()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A station with ten images and a takt of 20 ms."""
    (tmp_path / "images").mkdir()
    spot_bundle(tmp_path / "spots.takt")
    made = Place(
        tmp_path,
        {
            "name": "press 4",
            "bundle": "spots.takt",
            "cameras": [{"kind": "folder", "folder": "images"}],
            "trigger": {"kind": "timer", "takt_ms": 20},
            "gate": {"kind": "dry_run", "file": "gate.txt"},
            "backend": {"kind": "onnxruntime", "threads": 1},
            # Generous: most tests share two busy cores with others.
            "deadline_ms": 400,
            "records": {"folder": "records"},
        },
    )
    made.draw(([Outcome.PASS] * 3 + [Outcome.REJECT, Outcome.REVIEW]) * 2)
    return made


def taktsight(*arguments: str | Path, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """The command line, to its end."""
    command = [sys.executable, "-m", "taktsight.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


class RunningLine:
    """``taktsight run`` as a process group, seen from outside."""

    def __init__(self, station: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "taktsight.cli", "run", str(station), *arguments]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self.meters = self._open_meters()

    def child(self, name: str) -> int | None:
        """The process id of vision or recorder."""
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if parent == self.process.pid and any(
                f"from taktsight.inspect.{name} ".encode() in part for part in command
            ):
                return int(entry.name)
        return None

    def kill(self, name: str) -> None:
        """Kill -9 of one of the line's processes."""
        process_id = self.child(name)
        assert process_id is not None, f"{name} does not run"
        os.kill(process_id, signal.SIGKILL)

    def kill_all(self) -> None:
        """Kill -9 of everything at once, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Asks the line to stop; exit status and what it printed."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self, timeout_s: float = 60) -> tuple[int, str, str]:
        """Exit status and what it printed."""
        out, err = self.process.communicate(timeout=timeout_s)
        return self.process.returncode, out, err

    def wait_until(self, true: Callable[[], bool], timeout_s: float = 30) -> None:
        """Waits for something to become true of the running line."""
        until_s = time.monotonic() + timeout_s
        while not true():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < until_s, "it did not happen in time"
            time.sleep(0.005)

    def _open_meters(self) -> Meters:
        """The line's own meters: they outlive it in this process."""
        until_s = time.monotonic() + 30
        while time.monotonic() < until_s:
            assert self.process.poll() is None, self.process.communicate()
            for link in Path(f"/proc/{self.process.pid}/fd").iterdir():
                try:
                    if "taktsight-meters" in str(link.readlink()):
                        descriptor = os.open(link, os.O_RDWR)
                        try:
                            return Meters(descriptor)
                        finally:
                            os.close(descriptor)
                except (OSError, ValueError):
                    continue  # not there, or not of its size yet
            time.sleep(0.002)
        raise AssertionError("the line has no meters")


@pytest.fixture
def start_line() -> Iterator[Callable[..., RunningLine]]:
    """Starts lines, and ends those that a test left behind."""
    lines: list[RunningLine] = []

    def start(station: Path, *arguments: str) -> RunningLine:
        lines.append(RunningLine(station, *arguments))
        return lines[-1]

    yield start
    for line in lines:
        if line.process.poll() is None:
            line.kill_all()
