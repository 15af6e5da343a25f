"""Compiles the stand-in for CUDA's driver: on machines without a GPU the line's own calls still run."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).with_suffix(".c")
Run = ctypes.CFUNCTYPE(None)


def compile_driver(folder: Path) -> str:
    """Path of the library; skips by name where there is no C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler for the stand-in of CUDA's driver")
    library = folder / "libcuda_stand_in.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE], check=True)
    return str(library)


class StandIn:
    """The tests' side of the library: makes a function fail, counts, queues work as a kernel would."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._library = ctypes.CDLL(path)
        self._library.stand_in_fail.argtypes = (ctypes.c_char_p,)
        self._library.stand_in_enqueue.argtypes = (ctypes.c_void_p, Run)
        self._kept: list[Any] = []

    def fail(self, function: str) -> None:
        """From now on this function fails; "" for none."""
        self._library.stand_in_fail(function.encode())

    @property
    def launches(self) -> int:
        return int(self._library.stand_in_launches())

    def enqueue(self, stream: int, work: Any) -> None:
        """Work that is done when the stream comes to it."""
        self._kept.append(Run(work))
        assert self._library.stand_in_enqueue(stream, self._kept[-1]) == 0
