"""How soon is a GigE Vision camera missed that was killed or held up, and how soon is it back?

A simulated camera on the loopback is killed and started again, or held up and let go on. *Found* is
from the fault to the moment at which parts hear of it; *back* from its return to the next whole frame.
Descriptors, threads and memory are compared after the first tenth and at the end. Before, frames are timed:
*frame* is from the exposure to the image, *clock* how late the camera's time is understood.

    python benchmarks/camera_loss.py --kind aravis --cycles 100
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from taktsight.benchmarks.measured import circumstances, write_result
from taktsight.errors import CameraError
from taktsight.inspect.cameras.camera import Exposure, open_camera
from taktsight.inspect.cameras.gige_camera import GigeCamera
from taktsight.inspect.cameras.gige_settings import AravisSettings, VivaSettings
from taktsight.inspect.messages import Expose
from taktsight.inspect.simulation.gige_process import GigeProcess
from taktsight.inspect.simulation.gige_server import STAMP

ADDRESS, TAKT_S, FRAMES = "127.0.55.1", 0.05, 300
AWAY_S = (2.0, 0.3, 0.3)
"""How long it is away, in turn: the session before has ended by then, or is still about to end."""
LOOK_S = 0.001
"""How often somebody looks whether the loss was found: what is measured is that much too long at most."""
RETRY_S = 0.01
"""Between two parts, while a frame is waited for."""
SIZES = {"1.3 MP": (1280, 1024), "5 MP": (2448, 2048)}


def main() -> None:
    """Measures, prints, writes ``results/camera_loss.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kind", choices=("aravis", "viva"), default="aravis")
    parser.add_argument("--cycles", type=int, default=100)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # a line for each loss
    rows = [_frames(arguments.kind, name, *size) for name, size in SIZES.items()]
    loss = _losses(arguments.kind, arguments.cycles)
    result = circumstances() | {"kind": arguments.kind, "frames": rows, "loss": loss}
    for row in (*rows, loss):
        print(" · ".join(f"{key} {value}" for key, value in row.items()))
    write_result(f"camera_loss_{arguments.kind}", result)


@contextlib.contextmanager
def _camera(kind: str, width: int, height: int) -> Any:
    sizes = ("--width", str(width), "--height", str(height), "--stamped")
    process = GigeProcess(ADDRESS, *sizes)
    asked: dict[str, Any] = {"kind": kind, "device": ADDRESS, "exposure_us": 1000, "expose_within_ms": 45}
    camera = open_camera((AravisSettings if kind == "aravis" else VivaSettings)(**asked), 1)
    try:
        yield process, camera
    finally:
        camera.close()
        process.close()


def _grab(camera: GigeCamera) -> Exposure | None:
    now_ns = time.monotonic_ns()
    with contextlib.suppress(CameraError):
        return camera.grab(Expose(1, now_ns, now_ns + 400_000_000))
    return None


def _frames(kind: str, name: str, width: int, height: int) -> dict[str, Any]:
    frame_ms, clock_ms, lost = [], [], 0
    with _camera(kind, width, height) as (_, camera):
        for _ in range(FRAMES):
            exposure = _grab(camera)
            if exposure is None:
                lost += 1
            else:
                _, exposed_ns = STAMP.unpack(exposure.image.reshape(-1)[: STAMP.size].tobytes())
                frame_ms.append((time.monotonic_ns() - exposed_ns) / 1e6)
                clock_ms.append((exposure.captured_ns - exposed_ns) / 1e6)
            time.sleep(TAKT_S)
    return {
        "size": name,
        "frames": FRAMES,
        "lost": lost,
        **_percentiles("frame_ms", frame_ms),
        **_percentiles("clock_ms", clock_ms),
    }


def _losses(kind: str, cycles: int) -> dict[str, Any]:
    found_s, back_s = [], []
    with _camera(kind, *SIZES["1.3 MP"]) as (process, camera):
        for cycle in range(cycles):
            while _grab(camera) is None:
                time.sleep(TAKT_S)
            is_killed = bool(cycle % 2)
            before, began_s = camera.losses, time.monotonic()
            (process.kill if is_killed else process.hold)()
            while camera.losses == before:
                time.sleep(LOOK_S)
            found_s.append(time.monotonic() - began_s)
            time.sleep(AWAY_S[cycle % len(AWAY_S)])
            (process.restart if is_killed else process.go_on)()
            began_s = time.monotonic()
            while _grab(camera) is None:
                time.sleep(RETRY_S)
            back_s.append(time.monotonic() - began_s)
            if cycle == cycles // 10:
                first = _held()
        last = _held()
    held = {
        f"{what}_first_last": pair for what, pair in zip(HELD, zip(first, last, strict=True), strict=True)
    }
    return {"cycles": cycles, **_percentiles("found_s", found_s), **_percentiles("back_s", back_s), **held}


HELD = ("descriptors", "threads", "rss_mb")


def _held() -> tuple[int, int, float]:
    while any(thread.name.startswith("close-") for thread in threading.enumerate()):
        time.sleep(RETRY_S)
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="ascii").split()
    descriptors, threads = (len(list(Path(f"/proc/self/{what}").iterdir())) for what in ("fd", "task"))
    return descriptors, threads, round(int(status[status.index("VmRSS:") + 1]) / 1024, 1)


def _percentiles(name: str, values: list[float]) -> dict[str, float]:
    p50, p99, most = np.percentile(values, [50, 99, 100])
    return {f"{name}_p50": round(p50, 2), f"{name}_p99": round(p99, 2), f"{name}_max": round(most, 2)}


if __name__ == "__main__":
    main()
