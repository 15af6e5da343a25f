"""Engines on the disk. What is not exactly what was written for this key is never loaded.

A file is one line of ours, one line of JSON (the key, size and SHA-256 of the engine), and the engine.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from taktsight.errors import BackendError, ConfigError
from taktsight.inspect.backends.trt.key import Key
from taktsight.inspect.backends.trt.own_files import own_file
from taktsight.whole_files import whole_file

log = logging.getLogger(__name__)
FIRST_LINE = b"taktsight engine 1\n"
MAX_HEADER_BYTES = 4096
SUFFIX = ".engine"


@dataclass(frozen=True, slots=True)
class EngineFile:
    """An engine file, or what is wrong with it."""

    path: Path
    key: Key | None
    size: int
    """Of the file, bytes; 0 where it cannot be opened."""
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
    if not os.path.lexists(path):
        return None
    stored, engine = _read(path)
    fault = stored.fault
    if not fault and stored.key != key:
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


def check_folder(folder: Path) -> None:
    """That engines can be kept there; it is made where it is missing.

    Raises:
        BackendError: If they cannot: better now than after minutes of building.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BackendError(_not_kept(folder, error.strerror)) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BackendError(_not_kept(folder, "this user may not write there"))


def _not_kept(folder: Path, why: str | None) -> str:
    return f"engines cannot be kept in {folder} ({why}); set backend.cache to a folder that may be written"


def list_engines(folder: Path) -> Iterator[EngineFile]:
    """Every engine of a folder, by name.

    Raises:
        ConfigError: If there is no such folder.
        BackendError: If it cannot be looked into.
    """
    try:
        paths = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ConfigError(f"engines {folder}: there is no such folder") from error
    except OSError as error:
        raise BackendError(f"engines {folder}: cannot be listed ({error.strerror})") from error
    for path in (path for path in paths if path.suffix == SUFFIX):
        stored, _ = _read(path)
        if stored.key is not None and not stored.fault and path != path_of(folder, stored.key):
            stored = replace(stored, fault="is not named after its key")
        yield stored


def _read(path: Path) -> tuple[EngineFile, bytes]:
    """What a file says, and its engine; b"" where something is wrong with it."""
    size = 0
    try:
        with own_file(path) as (file, size):
            first, header = file.readline(64), file.readline(MAX_HEADER_BYTES)
            engine = file.read() if first == FIRST_LINE else b""
    except BackendError as error:
        return EngineFile(path, None, size, str(error)), b""
    if first != FIRST_LINE:
        return EngineFile(path, None, size, "was not written by Taktsight"), b""
    try:
        said = json.loads(header)
        key = Key(**said["key"])
        length, digest = int(said["bytes"]), str(said["sha256"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return EngineFile(path, None, size, "has a damaged header"), b""
    fault = _damage(engine, length, digest)
    return EngineFile(path, key, size, fault), b"" if fault else engine


def _damage(engine: bytes, size: int, digest: str) -> str:
    if len(engine) != size:
        return f"holds {len(engine)} bytes of an engine of {size}: it is truncated or was appended to"
    if hashlib.sha256(engine).hexdigest() != digest:
        return "is damaged: its digest is not that of what was written"
    return ""
