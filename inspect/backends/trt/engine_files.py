"""Engines on the disk. What is not exactly what was written for this key is never loaded.

A file is one line of ours, one line of JSON (the key, size and SHA-256 of the engine), and the engine.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from taktsight.errors import BackendError
from taktsight.inspect.backends.trt.key import Key
from taktsight.whole_files import whole_file

log = logging.getLogger(__name__)
FIRST_LINE = b"taktsight engine 1\n"
MAX_HEADER_BYTES = 4096
SUFFIX = ".engine"


@dataclass(frozen=True, slots=True)
class Stored:
    """An engine file, or what is wrong with it."""

    path: Path
    key: Key | None
    size: int
    """Of the file, bytes."""
    fault: str
    """"" of a whole one."""


def path_of(folder: Path, key: Key) -> Path:
    """Where the engine of a key lies."""
    return folder / f"{key.digest[:16]}{SUFFIX}"


def find_engine(folder: Path, key: Key) -> bytes | None:
    """The engine of this key; None where there is none, or where the file is not to be trusted.

    The reason is logged; who asked then builds it again from the bundle.
    """
    path = path_of(folder, key)
    if not path.exists():
        return None
    found, engine, fault = _read(path)
    if not fault and found != key:
        fault = "is an engine for something else"
    if fault:
        log.warning("engine %s %s: not loaded, it is built again from the bundle", path, fault)
        return None
    return engine


def store_engine(folder: Path, key: Key, engine: bytes) -> Path:
    """Writes an engine so that it is there whole or not at all.

    Raises:
        BackendError: If it cannot be written, for example on a full disk.
    """
    path = path_of(folder, key)
    header = {"key": asdict(key), "bytes": len(engine), "sha256": hashlib.sha256(engine).hexdigest()}
    try:
        with whole_file(path) as file:
            file.write(FIRST_LINE + json.dumps(header, sort_keys=True).encode() + b"\n")
            file.write(engine)
    except OSError as error:
        raise BackendError(
            f"engine {path}: cannot be written ({error.strerror}), {len(engine) / 1e6:.0f} MB are needed; "
            "free some, or set backend.cache to a folder that may be written"
        ) from error
    return path


def list_engines(folder: Path) -> Iterator[Stored]:
    """Every engine of a folder, by name."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        key, _, fault = _read(path)
        if key is not None and not fault and path != path_of(folder, key):
            fault = "is not named after its key"
        yield Stored(path, key, path.stat().st_size, fault)


def _read(path: Path) -> tuple[Key | None, bytes, str]:
    """Key and engine of a file, and what is wrong with it."""
    try:
        with path.open("rb") as file:
            fault = _not_ours_alone(os.fstat(file.fileno()))
            first, header = file.readline(64), file.readline(MAX_HEADER_BYTES)
            engine = b"" if fault or first != FIRST_LINE else file.read()
    except OSError as error:
        return None, b"", f"cannot be read ({error.strerror})"
    if fault:
        return None, b"", fault
    if first != FIRST_LINE:
        return None, b"", "was not written by Taktsight"
    try:
        said = json.loads(header)
        key = Key(**said["key"])
        size, digest = int(said["bytes"]), str(said["sha256"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None, b"", "has a damaged header"
    return key, engine, _damage(engine, size, digest)


def _damage(engine: bytes, size: int, digest: str) -> str:
    if len(engine) != size:
        return f"holds {len(engine)} bytes of an engine of {size}: it is truncated or was appended to"
    if hashlib.sha256(engine).hexdigest() != digest:
        return "is damaged: its digest is not that of what was written"
    return ""


def _not_ours_alone(status: Any) -> str:
    """An engine is code: who may write it may let any part pass."""
    if not stat.S_ISREG(status.st_mode):
        return "is no file"
    if status.st_uid not in (0, os.geteuid()):
        return "belongs to another user"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "may be written by others"
    return ""
