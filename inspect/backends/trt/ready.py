"""The engine for a model on a GPU: the one that was built before, or a new one."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

from taktsight.inspect.backends.trt.build import build_engine
from taktsight.inspect.backends.trt.engine_files import check_folder, find_engine, path_of, store_engine
from taktsight.inspect.backends.trt.key import key_of
from taktsight.inspect.backends.trt.monitor import Tell
from taktsight.inspect.backends.trt.target import Target
from taktsight.inspect.backends.trt.vendor import Vendor
from taktsight.inspect.config import TensorRt

log = logging.getLogger(__name__)
SILENT_S = 2.0
"""Between two lines of the log."""


@dataclass(frozen=True, slots=True)
class Ready:
    """An engine that lies on the disk."""

    engine: bytes
    path: Path
    built_s: float | None
    """How long it was built, s; None where it lay there."""


def ready_engine(
    vendor: Vendor,
    target: Target,
    config: TensorRt,
    model: bytes,
    tell: Tell | None = None,
    *,
    look: bool = True,
) -> Ready:
    """The engine from the cache, or built and cached.

    Args:
        vendor: whose engine.
        target: the GPU it is for.
        config: of the station.
        model: the bundle's ONNX.
        tell: told how far a build is; None logs it.
        look: whether the one that lies there will do; False builds it anew.

    Raises:
        BackendError: If it cannot be built, or not be written.
    """
    key = key_of(vendor, target, config, model)
    path = path_of(config.cache, key)
    found = find_engine(config.cache, key) if look else None
    if found is not None:
        return Ready(found, path, None)
    check_folder(config.cache)
    log.info("%s builds an engine for %s, %s; it is kept as %s", vendor, target, config.precision, path)
    began = time.monotonic()
    engine = build_engine(vendor, target, config, model, tell or Tenths())
    store_engine(config.cache, key, engine)
    built_s = time.monotonic() - began
    log.info("engine of %.1f MB built in %.1f s", len(engine) / 1e6, built_s)
    return Ready(engine, path, built_s)


class Tenths:
    """Logs a build by tenths: it takes minutes on a Jetson, and nobody should think that it hangs."""

    def __init__(self) -> None:
        self._told = 0
        self._told_s = time.monotonic()

    def __call__(self, phase: str, share: float) -> None:
        tenths, now_s = int(share * 10), time.monotonic()
        if tenths > self._told and now_s - self._told_s >= SILENT_S:
            self._told, self._told_s = tenths, now_s
            log.info("engine %d %% built", 10 * tenths)
