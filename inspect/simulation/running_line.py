"""A line that runs, seen from outside: its meters, its processes, and an end to any of them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from taktsight.errors import LineError
from taktsight.inspect.meters import Meters

START_S = 60.0


class RunningLine:
    """``taktsight run`` as a process group."""

    def __init__(
        self,
        station: Path,
        *arguments: str,
        before: str = "pass",
        environment: Mapping[str, str] = MappingProxyType({}),
        log: Path | None = None,
        shown: bool = False,
    ) -> None:
        """Starts it.

        Args:
            station: the file that says what stands there.
            arguments: behind it on the command line.
            before: a statement that the line process executes before it starts.
            environment: beside that of this process.
            log: what it says goes to the end of this file; absent, it is kept until its end.
            shown: what it says goes where this process's output goes.

        Raises:
            LineError: If it does not start.
        """
        program = f"{before}; import sys; from taktsight.cli import main; sys.exit(main(sys.argv[1:]))"
        command = [sys.executable, "-c", program, "run", str(station), *arguments]
        with _output(log, shown=shown) as output:
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
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

    def send(self, name: str, number: int) -> None:
        """Gives a signal to vision or recorder."""
        process_id = self.child(name)
        if process_id is None:
            raise LineError(f"{name} does not run")
        os.kill(process_id, number)

    def kill(self, name: str) -> None:
        """Kill -9 of one of the line's processes."""
        self.send(name, signal.SIGKILL)

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
        return self.process.returncode, out or "", err or ""

    def wait_until(self, true: Callable[[], bool], timeout_s: float = 30) -> None:
        """Waits for something to become true of the running line.

        Raises:
            LineError: If the line ended before, or it took too long; the line is killed then.
        """
        until_s = time.monotonic() + timeout_s
        while not true():
            if self.process.poll() is not None:
                raise LineError(f"the line ended: {self.process.communicate()}")
            if time.monotonic() >= until_s:
                self.process.kill()
                raise LineError(f"it did not happen in time: {self.process.communicate()}")
            time.sleep(0.005)

    def _open_meters(self) -> Meters:
        """The line's own meters: they outlive it in this process."""
        until_s = time.monotonic() + START_S
        while time.monotonic() < until_s and self.process.poll() is None:
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
        self.process.kill()
        raise LineError(f"the line did not start: {self.process.communicate()}")


@contextlib.contextmanager
def _output(log: Path | None, *, shown: bool) -> Iterator[int | None]:
    """Where what a line says goes."""
    if shown:
        yield None
    elif log is None:
        yield subprocess.PIPE
    else:
        with log.open("a", encoding="utf-8") as file:
            yield file.fileno()


StartLine = Callable[..., RunningLine]
"""Starts a line from a station file."""
