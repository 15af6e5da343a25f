"""The real command line and a line that runs, seen from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from taktsight.inspect.meters import Meters

from .place import Place


def taktsight(*arguments: str | Path, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """The command line, to its end."""
    command = [sys.executable, "-m", "taktsight.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


class RunningLine:
    """``taktsight run`` as a process group, seen from outside."""

    def __init__(
        self,
        station: Path,
        *arguments: str,
        before: str = "pass",
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """``before``: a statement that the line process executes before it starts."""
        program = f"{before}; import sys; from taktsight.cli import main; sys.exit(main(sys.argv[1:]))"
        command = [sys.executable, "-c", program, "run", str(station), *arguments]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=os.environ | environment,
        )
        self.meters = self._open_meters()

    def child(self, name: str) -> int | None:
        """The process id of vision or recorder."""
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if parent == self.process.pid and any(
                f"from taktsight.inspect.{name} ".encode() in part for part in command
            ):
                return int(entry.name)
        return None

    def kill(self, name: str) -> None:
        """Kill -9 of one of the line's processes."""
        process_id = self.child(name)
        assert process_id is not None, f"{name} does not run"
        os.kill(process_id, signal.SIGKILL)

    def kill_all(self) -> None:
        """Kill -9 of everything at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Asks the line to stop; exit status and what it printed."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self, timeout_s: float = 60) -> tuple[int, str, str]:
        """Exit status and what it printed."""
        out, err = self.process.communicate(timeout=timeout_s)
        return self.process.returncode, out, err

    def wait_until(self, true: Callable[[], bool], timeout_s: float = 30) -> None:
        """Waits for something to become true of the running line."""
        until_s = time.monotonic() + timeout_s
        while not true():
            assert self.process.poll() is None, self.process.communicate()
            if time.monotonic() >= until_s:
                self.process.kill()
                raise AssertionError(("it did not happen in time", self.process.communicate()))
            time.sleep(0.005)

    def _open_meters(self) -> Meters:
        """The line's own meters: they outlive it in this process."""
        until_s = time.monotonic() + 30
        while time.monotonic() < until_s:
            assert self.process.poll() is None, self.process.communicate()
            for link in Path(f"/proc/{self.process.pid}/fd").iterdir():
                try:
                    if "taktsight-meters" in str(link.readlink()):
                        descriptor = os.open(link, os.O_RDWR)
                        try:
                            return Meters(descriptor)
                        finally:
                            os.close(descriptor)
                except (OSError, ValueError):
                    continue  # not there, or not of its size yet
            time.sleep(0.002)
        raise AssertionError("the line has no meters")


StartLine = Callable[..., RunningLine]
"""Starts a line from a station file; see the fixture ``start_line``."""


def assert_one_verdict_each(place: Place, line: RunningLine) -> list[tuple[int, str]]:
    """Exactly one gate action for each trigger, in order, as the ledger says too."""
    gate = place.gate()
    assert [trigger for trigger, _ in gate] == list(range(1, line.meters["triggers"] + 1))
    assert [(row["trigger"], row["outcome"]) for row in place.rows("verdict")] == gate
    return gate
