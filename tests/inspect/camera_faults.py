"""A sensor in the place of the folder camera, with faults on demand: real frames through a real line.

Copied as ``sitecustomize.py`` to a folder on the path of a line's processes, it wraps the folder camera of
vision alone. What is under test is untouched.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from taktsight.inspect.cameras.camera import Exposure
    from taktsight.records import Image

PLAN = "TAKTSIGHT_TEST_CAMERA_PLAN"
MS = 1_000_000
NOISE = 3.0


def install(folder: Path, plan: Mapping[int, str], environment: dict[str, str] | None = None) -> None:
    """Every vision that starts from now on meets these faults: trigger → name of the fault."""
    told = os.environ if environment is None else environment
    (folder / "sitecustomize.py").write_text(Path(__file__).read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "plan.json").write_text(json.dumps({str(key): value for key, value in plan.items()}))
    told["PYTHONPATH"] = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    told[PLAN] = str(folder / "plan.json")


def seen_by_sensor(image: NDArray[Any], exposure: int) -> Image:
    """The image with the noise of one exposure."""
    import numpy as np

    noise = np.random.default_rng(exposure).normal(0, NOISE, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def faulty(name: str, whole: Exposure, before: list[Exposure], trigger: int) -> Exposure:
    """A whole exposure with a fault; ``before`` holds those that came before it, faulty or not."""
    import cv2
    import numpy as np

    image: Any = whole.image
    height, width = image.shape[:2]
    row = height // 3
    last = before[-1]
    other = seen_by_sensor(np.roll(image, width // 3, axis=1) // 2, -trigger % 10**6)
    changed: dict[str, Callable[[], Exposure]] = {
        "frozen": lambda: replace(whole, image=last.image),
        "repeated": lambda: replace(whole, image=before[-min(7, len(before))].image),
        "same": lambda: replace(last, serial=whole.serial),
        "torn": lambda: replace(whole, image=np.concatenate([image[:row], last.image[row:]])),
        "strip": lambda: replace(whole, image=np.concatenate([image[:-4], last.image[-4:]])),
        "seam": lambda: replace(whole, image=np.concatenate([image[:row], other[row:]])),
        "short": lambda: replace(whole, image=image[: height - 24]),
        "size": lambda: replace(whole, image=np.ascontiguousarray(image[:, : width // 2])),
        "colour": lambda: replace(whole, image=np.repeat(image, 3, axis=2)),
        "flat": lambda: replace(whole, image=image[:, :, 0]),
        "float": lambda: replace(whole, image=image.astype(np.float32)),
        "stale": lambda: replace(whole, captured_ns=whole.captured_ns - 150 * MS),
        "earlier": lambda: replace(whole, captured_ns=last.captured_ns - 1),
        "ahead": lambda: replace(whole, captured_ns=whole.captured_ns + 3_600_000 * MS),
        "lost": lambda: replace(whole, lost_frames=2),
        "blur": lambda: replace(whole, image=cv2.GaussianBlur(image, (0, 0), 3)[:, :, np.newaxis]),
        "dark": lambda: replace(whole, image=seen_by_sensor(image * 0.6, trigger)),
        "moved": lambda: replace(whole, image=np.roll(image, 12, axis=1)),
    }
    return changed[name]()


def _wrap(plan: Mapping[str, str]) -> None:
    from taktsight.inspect.cameras.folder import FolderCamera

    inner = FolderCamera.grab
    before: list[Exposure] = []
    exposures = count(1)

    def grab(camera: FolderCamera, expose: Any) -> Exposure:
        exposure = inner(camera, expose)
        image = seen_by_sensor(exposure.image, next(exposures))
        sensed = replace(exposure, image=image, may_repeat="nothing")
        fault = plan.get(str(expose.trigger)) if before else None
        given = faulty(fault, sensed, before, expose.trigger) if fault else sensed
        if getattr(given.image, "shape", None) == sensed.image.shape:
            before.append(given)
        del before[:-8]
        return given

    FolderCamera.grab = grab  # type: ignore[assignment,method-assign]


if PLAN in os.environ and any("from taktsight.inspect.vision " in part for part in sys.orig_argv):
    _wrap(json.loads(Path(os.environ[PLAN]).read_text()))
