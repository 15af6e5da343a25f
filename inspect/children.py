"""The processes that the line starts, and how often it may start them again.

Nothing heavy is imported here: vision shall be on its way before the line is.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from taktsight.errors import LineError
from taktsight.inspect.channel import Channel

log = logging.getLogger(__name__)

MAX_RESTARTS = 5
RESTART_WINDOW_NS = 60_000_000_000

REAP_S = 10.0
"""How long the end of a process that was killed is waited for."""
START_NICE = -15
"""A start comes before what else this computer does: parts may be coming. Where that is refused, it takes
its turn among the others."""

ChildName = Literal["vision", "recorder", "archive", "quality_watch"]


SAFE_PATH = {"PYTHONSAFEPATH": "1"}
"""A file in the working directory must not become a module of the line."""

CALM = {
    "OPENCV_THREAD_POOL_ACTIVE_WAIT_WORKER": "0",
    "OPENCV_THREAD_POOL_ACTIVE_WAIT_MAIN": "0",
    "OPENCV_FOR_THREADS_NUM": str(max(1, len(os.sched_getaffinity(0)) // 2)),
}
"""OpenCV's threads spin between two jobs otherwise: a twentieth of the processor that a part takes. There
are half as many as cores: a frame whose helper finds no free core takes four times as long.
"""


def python_command(module: str, *arguments: object) -> list[str]:
    """Runs ``main`` of a module with the line's process id and these arguments.

    Imports make no garbage, and looking for it takes a tenth of their time.
    """
    imports = f"import gc, sys; gc.disable(); from {module} import main; gc.enable()"
    program = f"{imports}; sys.exit(main(sys.argv[1:]))"
    return [sys.executable, "-c", program, str(os.getpid()), *map(str, arguments)]


def hurried_command(module: str, *arguments: object) -> list[str]:
    """As :func:`python_command`, begun in a hurry, imports and all.

    Its last argument is how nice it is otherwise; :func:`~taktsight.inspect.realtime.relax` makes it so.
    """
    command = python_command(module, *arguments)
    hurry = (
        "import os; usual = os.getpriority(os.PRIO_PROCESS, 0)\n"
        "try: os.setpriority(os.PRIO_PROCESS, 0, min(usual, int(sys.argv.pop())))\n"
        "except PermissionError: pass\n"
        "sys.argv.append(str(usual))\n"
    )
    return [*command[:2], f"import sys\n{hurry}{command[2]}", *command[3:], str(START_NICE)]


class Child:
    """A process of the line and the channel to it."""

    def __init__(self, name: ChildName, descriptors: Sequence[int]) -> None:
        self.name = name
        self._descriptors = tuple(descriptors)
        self._dying: list[subprocess.Popen[bytes]] = []
        self.restarts = RestartLimit(name)
        self._start()

    @property
    def process_id(self) -> int:
        """Of the process that runs now."""
        return self._process.pid

    def restart(self, now_ns: int) -> None:
        """Ends what is left of the process and starts it anew; the old one may still be ending then.

        Raises:
            LineError: If it was started too often.
        """
        self.kill()
        self.restarts.count(now_ns)
        self._start()

    def kill(self) -> None:
        """Ends it, and does not wait until it is gone: in a driver that hangs it may stay for long."""
        self._process.kill()
        self._dying.append(self._process)
        self.channel.close()

    def end(self, within_s: float) -> None:
        """Waits for its own end for so long, then ends it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(within_s)
        self.kill()
        self.reap()

    def reap(self) -> None:
        """Waits until every process that was killed is gone; in a disk that hangs one may never be."""
        for process in self._dying:
            try:
                process.wait(REAP_S)
            except subprocess.TimeoutExpired:
                log.warning("%s: process %d does not end and is left behind", self.name, process.pid)
        self._dying.clear()

    def _start(self) -> None:
        self._dying = [process for process in self._dying if process.poll() is None]
        self.channel, theirs = Channel.pair()
        inherited = (theirs.fileno(), *self._descriptors)
        # These work when nobody wants the core, and parts do not wait for them.
        is_calm = self.name in ("archive", "quality_watch")
        command = python_command if is_calm else hurried_command
        self._process = subprocess.Popen(
            command(f"taktsight.inspect.{self.name}", *inherited),
            stdin=subprocess.DEVNULL,
            pass_fds=inherited,
            env=os.environ | SAFE_PATH | CALM,
        )
        theirs.close()


class RestartLimit:
    """At most five restarts in a minute: what fails more often does not fail by chance."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._restarts_ns: deque[int] = deque()

    def count(self, now_ns: int) -> None:
        """Counts a restart.

        Raises:
            LineError: If it is one too many.
        """
        while self._restarts_ns and now_ns - self._restarts_ns[0] > RESTART_WINDOW_NS:
            self._restarts_ns.popleft()
        if len(self._restarts_ns) >= MAX_RESTARTS:
            raise LineError(
                f"{self._name} ended {MAX_RESTARTS + 1} times within {RESTART_WINDOW_NS // 10**9} s; "
                "its last messages above say why"
            )
        self._restarts_ns.append(now_ns)


@dataclass(frozen=True, slots=True)
class Crew:
    """The line's processes and the memory they share."""

    vision: Child
    recorder: Child
    ring_descriptor: int
    meters_descriptor: int

    def dismiss(self) -> None:
        """Ends what still runs."""
        for child in (self.vision, self.recorder):
            child.kill()
            child.reap()
        os.close(self.ring_descriptor)
        os.close(self.meters_descriptor)


def start_crew() -> Crew:
    """Starts the processes, before the station is even read: vision first, it has the longest way to go."""
    ring, meters = os.memfd_create("taktsight-ring"), os.memfd_create("taktsight-meters")
    vision = Child("vision", (ring,))
    return Crew(vision, Child("recorder", (ring, meters)), ring, meters)
