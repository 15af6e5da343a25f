"""How long it takes until the next 12 MP frame can be seen, prepared ahead as a bench does it, and not."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from taktsight.image_files import encode_png
from taktsight.inspect.frame_files import file_of, pixels_digest
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.messages import Entry
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.pictures.pictures import Pictures
from taktsight.inspect.review.pictures.pyramid import overview_tiles
from taktsight.records import Image

RUN = "20260105T060000"
UTC = "2026-01-05T06:00:00.000+00:00"


def measure_showing(
    folder: Path, frames: int = 20, *, channels: int = 3, looked_at_s: float = 1.0
) -> dict[str, Any]:
    """Times, ms, until every tile that a bench asks for first is there.

    Args:
        folder: an empty one.
        frames: how many of 4000 × 3000 pixels.
        channels: of them.
        looked_at_s: how long somebody looks at a frame while the next two are prepared.
    """
    names = _write(folder, frames, channels)
    index = PartIndex.open(folder, folder / "review")
    index.follow()
    ids = [next(iter(row.frames.values())).image_id for row in index.newest(frames)]
    pictures = Pictures(index)
    cold = [_show(pictures, name) for name in ids[: frames // 2]]
    pictures.prepare(ids[frames // 2 : frames // 2 + 2])
    time.sleep(2 * looked_at_s)
    ahead = []
    for place in range(frames // 2, frames):
        ahead.append(_show(pictures, ids[place]))
        pictures.prepare(ids[place + 1 : place + 3])
        time.sleep(looked_at_s)
    pictures.close()
    index.close()
    return {
        "frames": names,
        "pixels": "4000×3000",
        "channels": channels,
        "not_prepared_ms": _percentiles(cold),
        "prepared_ms": _percentiles(ahead),
    }


def _show(pictures: Pictures, image_id: str) -> float:
    """Every overview tile of a frame, one after the other."""
    started = time.perf_counter()
    described = pictures.describe(image_id)
    for level, column, row in overview_tiles(described.width, described.height):
        pictures.tile(image_id, level, column, row)
    return (time.perf_counter() - started) * 1000


def _write(folder: Path, frames: int, channels: int) -> int:
    ledger = Ledger.create(folder)
    rng = np.random.default_rng(1)
    for trigger in range(1, frames + 1):
        image = _frame(rng, channels)
        name, digest = file_of(RUN, trigger, "top", "PASS"), pixels_digest(image)
        content = encode_png(image)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        row = {
            "run": RUN,
            "trigger": trigger,
            "camera": "top",
            "file": name,
            "sha256": digest,
            "outcome": "PASS",
        }
        entry = Entry("verdict", trigger, f"s{trigger}", "PASS", number=trigger, frames={"top": digest})
        ledger.append(RUN, [entry], [row | {"bytes": len(content), "utc": UTC, "removed": None}], UTC)
    ledger.close()
    return frames


def _frame(rng: np.random.Generator, channels: int) -> Image:
    """Structure and sensor noise: a drawn frame would be decoded sooner than a camera's."""
    coarse = rng.integers(60, 200, (30, 40, channels)).astype(np.uint8)
    smooth = cv2.resize(coarse, (4000, 3000), interpolation=cv2.INTER_CUBIC).reshape(3000, 4000, channels)
    noise = rng.integers(-4, 5, smooth.shape, dtype=np.int16)
    return np.asarray(np.clip(smooth.astype(np.int16) + noise, 0, 255), np.uint8)


def _percentiles(took: list[float]) -> dict[str, float]:
    p50, p95 = np.percentile(took, (50, 95))
    return {"p50": round(float(p50), 1), "p95": round(float(p95), 1), "max": round(max(took), 1)}
