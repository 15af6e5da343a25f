"""The PLC of ``tests/peers/modbus_plc.c`` as a process: told what happens to it, asked what it did."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "peers" / "modbus_plc.c"
WARNINGS = ("-O1", "-Wall", "-Wextra", "-Werror")


def compile_plc(folder: Path) -> Path:
    """The program; skipped by name where there is no compiler or no libmodbus."""
    compiler, finder = shutil.which("cc"), shutil.which("pkg-config")
    if compiler is None or finder is None:
        pytest.skip("the PLC of the tests needs a C compiler and pkg-config")
    found = subprocess.run(
        [finder, "--cflags", "--libs", "libmodbus"], capture_output=True, text=True, check=False
    )
    if found.returncode:
        pytest.skip("the PLC of the tests needs libmodbus-dev")
    program = folder / "modbus_plc"
    subprocess.run([compiler, *WARNINGS, "-o", program, SOURCE, *found.stdout.split()], check=True)
    return program


class Plc:
    """One PLC at work. What it says is read by a thread."""

    def __init__(self, program: Path, *, port: int = 0, serial: int = 8, registers: int = 500) -> None:
        arguments = [str(value) for value in (port, serial, registers)]
        self.process = subprocess.Popen(
            [program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.said: list[tuple[str, ...]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.wait_until(lambda: bool(self.told("ready")))
        self.port = int(self.told("ready")[0][0])

    def tell(self, command: str) -> None:
        """Something happens at the PLC."""
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def told(self, word: str) -> list[tuple[str, ...]]:
        """What it said with this word at the front."""
        return [said[1:] for said in list(self.said) if said[0] == word]

    def gates(self) -> list[tuple[int, int]]:
        """Parts that arrived at its gate, and the code that it moved by; 1 opened it."""
        return sorted((int(number), int(code)) for number, code, _ in self.told("gate"))

    def codes(self) -> dict[int, int]:
        """The verdicts that its program has taken, by the part's number."""
        return {int(number): int(code) for number, code, _ in self.told("take")}

    def wait_until(self, true: Callable[[], bool], timeout_s: float = 20) -> None:
        """Waits for something to become true."""
        until_s = time.monotonic() + timeout_s
        while not true():
            assert time.monotonic() < until_s, self.said[-20:]
            time.sleep(0.005)

    def stall(self) -> None:
        """It is there and does not move."""
        os.kill(self.process.pid, signal.SIGSTOP)
        state = Path(f"/proc/{self.process.pid}/stat")
        self.wait_until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T")

    def go_on(self) -> None:
        """It moves again."""
        os.kill(self.process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """Power off."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(tuple(line.split()))


MakePlc = Callable[..., Plc]
"""Starts PLCs; see the fixture ``make_plc``."""
