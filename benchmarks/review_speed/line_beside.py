"""A line that runs on a folder camera of 12 MP, and before it a run whose rejects wait to be reviewed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import yaml

from taktsight.benchmarks.line_speed.product import write_product
from taktsight.bundle import read_bundle
from taktsight.image_files import encode_png
from taktsight.inspect.frame_files import file_of, pixels_digest
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.ledger_rows import Row
from taktsight.inspect.messages import Entry
from taktsight.records import Image

if TYPE_CHECKING:
    from taktsight.inspect.simulation.running_line import RunningLine

STATION, VIEW = "speed", "camera"
WIDTH, HEIGHT = 4000, 3000
RUN, BEGUN = "20260105T060000", datetime(2026, 1, 5, 6, tzinfo=timezone.utc)
SERIAL = "waits-"
"""What the serials of parts that wait begin with."""
DRAWN = 6
"""Frames that differ; each part has a file and a name of its own."""
DEADLINE_TAKTS = 3
NEVER = 1_000_000
GOOD_FRAMES = 40
"""Of them one is a reject: a line that rejects every fourth part is stopped, not reviewed."""


@dataclass(slots=True)
class LineBeside:
    """What the line did while it was watched."""

    parts: int = 0
    misses: int = 0
    cycle_p50_ms: float = 0.0
    cycle_p99_ms: float = 0.0


def write_station(folder: Path, *, channels: int, layers: int, takt_ms: float, waiting: int) -> Path:
    """A station file, its bundle and frames, and records with so many rejects from a run before.

    Args:
        folder: an empty one.
        channels: of the camera: 1 or 3.
        layers: of the network: its work.
        takt_ms: of the line.
        waiting: rejects, each with a frame of 12 MP.
    """
    write_product(folder, "12", layers, (VIEW,), channels=channels)
    _make_rejects_rare(folder / "images")
    _write_waiting(folder, channels, waiting)
    file = folder / "station.yaml"
    content = {
        "name": STATION,
        "bundle": "part.takt",
        "cameras": [{"kind": "folder", "folder": "images", "repeat": True}],
        "trigger": {"kind": "timer", "takt_ms": takt_ms, "parts": NEVER},
        "gate": {"kind": "dry_run"},
        "backend": {"kind": "onnxruntime", "threads": 1},
        "deadline_ms": DEADLINE_TAKTS * takt_ms,
        "max_frame_age_ms": 2000,
        "records": {"folder": "records", "images": {"keep": ["REJECT"], "pass_every": 0, "reserve_mb": 0}},
    }
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file


@contextmanager
def line_beside(station: Path) -> Iterator[LineBeside]:
    """The line runs until this is left; what it did is known then."""
    from taktsight.inspect.simulation.running_line import RunningLine

    line = RunningLine(station, "--no-live")
    did = LineBeside()
    try:
        line.wait_until(lambda: line.meters["triggers"] > GOOD_FRAMES // 4)
        before = _count(line)
        yield did
        after = _count(line)
        did.parts, did.misses = after[0] - before[0], after[1] - before[1]
        status, _, said = line.stop()
        if status:
            raise RuntimeError(f"the line ended with {status}: {said}")
    finally:
        if line.process.poll() is None:
            line.kill_all()
    cycles = _cycles_ms(station.parent / "records")
    did.cycle_p50_ms, did.cycle_p99_ms = (round(float(np.percentile(cycles, at)), 1) for at in (50, 99))


def _count(line: RunningLine) -> tuple[int, int]:
    """Parts, and of them those whose deadline was missed or that nobody looked at in time."""
    meters = line.meters
    return meters["triggers"], meters["deadline_misses"] + meters["UNINSPECTED"]


def _cycles_ms(records: Path) -> list[float]:
    with closing(Ledger.open(records)) as ledger:
        rows = [row for row in ledger.rows() if row["kind"] == "verdict" and row["run"] != RUN]
    return [row["cycle_ns"] / 1e6 for row in rows if "infer" in json.loads(row["stage_ns"])]


def _make_rejects_rare(images: Path) -> None:
    good = sorted(images.glob("*.bmp"))
    bad = good.pop(3)
    good.pop(-1).unlink()
    for number in range(len(good), GOOD_FRAMES):
        (images / f"part_{number + 10}.bmp").symlink_to(good[number % len(good)].name)
    bad.rename(images / "part_99.bmp")


def _write_waiting(folder: Path, channels: int, waiting: int) -> None:
    rng = np.random.default_rng(channels)
    drawn = [(pixels_digest(image), encode_png(image)) for image in _frames(rng, channels)]
    bundle = read_bundle(folder / "part.takt")
    recipe = bundle.card.own_recipe(VIEW).digest
    with closing(Ledger.create(folder / "records")) as ledger:
        utc = BEGUN.isoformat(timespec="milliseconds")
        armed = (f"station {STATION}", "labels spot", "engine onnxruntime:f32", "threads 1")
        ledger.append(
            RUN, [Entry("armed", reasons=armed, number=1, bundle=bundle.digest, recipe=recipe)], [], utc
        )
        for trigger in range(1, waiting + 1):
            digest, content = drawn[trigger % len(drawn)]
            utc = (BEGUN + timedelta(seconds=trigger)).isoformat(timespec="milliseconds")
            row = _keep(folder / "records", trigger, digest, content, utc)
            entry = Entry(
                "verdict",
                trigger,
                f"{SERIAL}{trigger:05d}",
                "REJECT",
                ("spot: score 1.00 ≥ 0.60",),
                number=trigger + 1,
                scores={VIEW: (1.0,)},
                frames={VIEW: digest},
                cycle_ns=41_000_000,
                bundle=bundle.digest,
                recipe=recipe,
            )
            ledger.append(RUN, [entry], [row], utc)


def _keep(records: Path, trigger: int, digest: str, content: bytes, utc: str) -> Row:
    name = file_of(RUN, trigger, VIEW, "REJECT")
    (records / name).parent.mkdir(parents=True, exist_ok=True)
    (records / name).write_bytes(content)
    row = {"run": RUN, "trigger": trigger, "camera": VIEW, "file": name, "sha256": digest}
    return row | {"outcome": "REJECT", "bytes": len(content), "utc": utc, "removed": None}


def _frames(rng: np.random.Generator, channels: int) -> Iterator[Image]:
    """Structure, sensor noise and a bright spot: a drawn frame would be decoded sooner than a camera's."""
    for _ in range(DRAWN):
        coarse = rng.integers(40, 120, (30, 40, channels)).astype(np.uint8)
        smooth = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        noise = rng.integers(-4, 5, (HEIGHT, WIDTH, channels), dtype=np.int16)
        image = np.clip(smooth.reshape(noise.shape) + noise, 0, 127).astype(np.uint8)
        x, y = rng.integers(400, 2400, 2)
        image[y : y + 80, x : x + 80] = 255
        yield image
