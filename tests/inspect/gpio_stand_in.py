"""The GPIO chip of ``tests/peers/gpio_stand_in.c``: what is requested and set there, and its edges."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import time
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "peers" / "gpio_stand_in.c"
CHIP = "/dev/gpiochip9"
RISING = 1


def compile_chip(folder: Path) -> Path:
    """The library; skipped by name without a compiler, the kernel's headers or gpiod."""
    pytest.importorskip("gpiod", reason="gpiod is not installed")
    compiler = shutil.which("cc")
    if compiler is None or not Path("/usr/include/linux/gpio.h").exists():
        pytest.skip("the GPIO chip of the tests needs a C compiler and linux/gpio.h")
    library = folder / "gpio_stand_in.so"
    flags = ("-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror")
    subprocess.run([compiler, *flags, "-o", library, SOURCE, "-ldl"], check=True)
    return library


class GpioChip:
    """The tests' side of the chip."""

    def __init__(self, library: Path, folder: Path) -> None:
        self._folder = folder
        self.environment = {"GPIO_STAND_IN": str(folder), "LD_PRELOAD": str(library)}
        self._edges: dict[int, int] = {}

    def requests(self) -> list[tuple[str, ...]]:
        """Consumer, offsets, flags, debounce and buffer of each request."""
        return [tuple(line.split()) for line in self._lines("requests")]

    def levels(self, offset: int) -> list[tuple[int, int]]:
        """Level and time of each change of an output."""
        lines = [tuple(map(int, line.split())) for line in self._lines("outputs")]
        return [(level, at_ns) for line, level, at_ns in lines if line == offset]

    def rise(self, offset: int, at_ns: int | None = None, lost: int = 0) -> int:
        """An edge at an input, and so many before it that the kernel could not keep; when it was."""
        number = self._edges[offset] = self._edges.get(offset, 0) + 1 + lost
        at_ns = time.monotonic_ns() if at_ns is None else at_ns
        event = struct.pack("=QIIII6I", at_ns, RISING, offset, number, number, *[0] * 6)
        descriptor = os.open(self._folder / f"line-{offset}", os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(descriptor, event)
        finally:
            os.close(descriptor)
        return at_ns

    def _lines(self, name: str) -> list[str]:
        file = self._folder / name
        return file.read_text().splitlines() if file.exists() else []
