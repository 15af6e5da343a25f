"""What the vendor timed in one build, remembered for the next: the second build takes a fraction."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path
from typing import Any

from taktsight.errors import BackendError
from taktsight.inspect.backends.trt.own_files import own_file
from taktsight.inspect.backends.trt.target import Target
from taktsight.inspect.backends.trt.vendor import Vendor
from taktsight.whole_files import whole_file

log = logging.getLogger(__name__)
DIGEST_BYTES = 32


def load_timings(vendor: Vendor, target: Target, folder: Path, settings: Any) -> None:
    """Gives the builder what was timed on this GPU with this version; nothing where there is none."""
    if not vendor.traits.timing_cache:
        return
    file = timing_file(vendor, target, folder)
    timed = _read(file)
    if not settings.set_timing_cache(settings.create_timing_cache(timed), False):
        log.warning("timings %s were refused by %s: measured anew", file, vendor)
        settings.set_timing_cache(settings.create_timing_cache(b""), False)


def store_timings(vendor: Vendor, target: Target, folder: Path, settings: Any) -> None:
    """Keeps what the build timed. Timings choose kernels and never change what is asked of them."""
    if not vendor.traits.timing_cache:
        return
    timed = bytes(memoryview(settings.get_timing_cache().serialize()))
    try:
        with whole_file(timing_file(vendor, target, folder)) as file:
            file.write(hashlib.sha256(timed).digest() + timed)
    except OSError as error:
        log.warning("timings cannot be kept in %s: %s", folder, error.strerror)


def timing_file(vendor: Vendor, target: Target, folder: Path) -> Path:
    """One for each GPU, driver and version: timings of another machine choose the wrong kernels."""
    named = f"{vendor} {target.gpu} {target.compute_capability} {target.driver}"
    return folder / f"{hashlib.sha256(named.encode()).hexdigest()[:32]}.timings"


def _read(file: Path) -> bytes:
    if not os.path.lexists(file):
        return b""
    try:
        with own_file(file) as (opened, _):
            content = opened.read()
    except BackendError as error:
        log.warning("timings %s: %s: measured anew", file, error)
        return b""
    if hashlib.sha256(content[DIGEST_BYTES:]).digest() != content[:DIGEST_BYTES]:
        log.warning("timings %s are damaged: measured anew", file)
        return b""
    return content[DIGEST_BYTES:]
