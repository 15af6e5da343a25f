"""The simulated camera as a process of its own: it can be killed, held up and started again.

    python -m taktsight.inspect.simulation.gige_process 127.0.0.7 --images parts/

A command a line on its standard input, as JSON, is answered with the camera's state on its standard output;
it ends with its input: ``{"spoil": "torn", "count": 2}``, ``{"lose": 0.01}``, ``{"stall": 3}``,
``{"fire": 1}``, ``{}``. With ``--line-scan`` it is a line-scan camera over an endless web; its faults are
those of :mod:`line_scan_server`: ``{"spoil": "drop"}``, ``{"lines_per_s": 0}``, ``{"forward": false}``.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from taktsight.errors import CameraError, TaktsightError
from taktsight.image_files import read_image
from taktsight.inspect.cameras.folder import list_images
from taktsight.inspect.simulation.belt import belt_scene
from taktsight.inspect.simulation.gige_server import DeviceTime, GigeServer, Scene
from taktsight.inspect.simulation.line_scan_server import LineScanServer, web_of
from taktsight.inspect.simulation.loopback import bring_up, take_down
from taktsight.records import Image

START_S = 60.0
ANSWER_S = 60.0


class GigeProcess:
    """A simulated camera, seen from the process that started it."""

    def __init__(self, address: str, *arguments: str, before: Sequence[str] = ()) -> None:
        """Starts it, and waits until it can be found.

        Args:
            address: of 127.0.0.0/8, or one that an interface has.
            arguments: as on the command line, behind the address.
            before: a command that runs it, as for a network of its own.

        Raises:
            CameraError: If it does not start, or may not have that address.
        """
        self.address = address
        self._arguments, self._before = arguments, before
        self._is_new = not before and bring_up(address)
        self._process = self._started()

    def tell(self, **command: Any) -> dict[str, Any]:
        """Gives it a command; the state of the camera.

        Raises:
            CameraError: If it does not answer.
        """
        if self._process.stdin is None:
            raise ValueError("its input is closed")
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise CameraError(f"simulated camera {self.address}: has ended") from error
        state: dict[str, Any] = json.loads(self._line(self._process, ANSWER_S))
        return state

    def kill(self) -> None:
        """Kill -9: as if it lost its power."""
        self._process.kill()
        self._end()

    def restart(self) -> None:
        """The same camera again, after it was killed."""
        self._process = self._started()

    def hold(self) -> None:
        """It does nothing any more, and hears nothing."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """It does what it was held up in."""
        os.kill(self._process.pid, signal.SIGCONT)

    def close(self) -> None:
        """The camera is gone."""
        if self._process.poll() is None:
            self.go_on()
            self._process.terminate()
        self._end()
        if self._is_new:
            take_down(self.address)

    def _started(self) -> subprocess.Popen[str]:
        command = [*self._before, sys.executable, "-m", __name__, self.address, *self._arguments]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._line(process, START_S)
        return process

    def _line(self, process: subprocess.Popen[str], timeout_s: float) -> str:
        if process.stdout is None:
            raise ValueError("its output is closed")
        readable, _, _ = select.select([process.stdout], [], [], timeout_s)
        line = process.stdout.readline() if readable else ""
        if not line:
            process.kill()
            said = process.communicate()[1]
            raise CameraError(f"simulated camera {self.address}: {said.strip() or 'does not answer'}")
        return line

    def _end(self) -> None:
        self._process.wait()
        for end in (self._process.stdin, self._process.stdout, self._process.stderr):
            if end is not None:
                end.close()


def album(images: Sequence[Image]) -> Scene:
    """One image after the other, and again from the first."""
    return lambda number, _exposed_ns: images[number % len(images)]


def slopes(width: int, height: int) -> Scene:
    """Grey slopes, brighter by 8 from one exposure to the next."""
    slope = np.add.outer(np.arange(height, dtype=np.uint16), np.arange(width, dtype=np.uint16))
    first = slope.astype(np.uint8)[:, :, np.newaxis]
    return lambda number, _exposed_ns: first + np.uint8(8 * number % 256)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until its input ends."""
    asked = _parser().parse_args(arguments)
    if asked.line_scan is not None:
        return _serve_lines(asked)
    try:
        server = _server(asked)
    except TaktsightError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    _say({"address": asked.address, "serial": asked.serial})
    for line in sys.stdin:
        _obey(server, json.loads(line))
        _say(asdict(server.state))
    server.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("address", help="of 127.0.0.0/8, or one that an interface has; one camera each")
    parser.add_argument("--serial", default="SIM1")
    parser.add_argument(
        "--user-name", default="", help="what the camera is called beside its serial number"
    )
    parser.add_argument("--images", type=Path, help="a folder, or a list of images; absent: grey slopes")
    parser.add_argument(
        "--belt", type=Path, metavar="FILE", help="says which of --images stands there; see belt.py"
    )
    parser.add_argument("--width", type=int, default=640, help="of the sensor; with --images, theirs")
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument(
        "--stamped",
        action="store_true",
        help="number and time over the first 16 pixels; of lines, the number",
    )
    parser.add_argument("--ahead-ns", type=int, default=0, help="how far its clock is ahead of ours")
    parser.add_argument(
        "--drift-ppm", type=float, default=0.0, help="how much faster its clock is than ours"
    )
    parser.add_argument("--trigger-poll-hz", type=float, default=200.0)
    lines = parser.add_argument_group("a line-scan camera; --images are joined to the web")
    lines.add_argument("--line-scan", type=int, metavar="LINES", help="of a block, at most")
    lines.add_argument("--lines-per-s", type=float, default=5000.0, help="how fast the belt runs")
    lines.add_argument("--counts-per-line", type=int, default=1, help="of the encoder, which has 32 bits")
    lines.add_argument("--first-count", type=int, default=0, help="what it shows at the first line")
    return parser


def _serve_lines(asked: argparse.Namespace) -> int:
    try:
        server = _line_server(asked)
    except TaktsightError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    _say({"address": asked.address, "serial": asked.serial})
    for line in sys.stdin:
        _say(server.obey(json.loads(line)))
    server.close()
    return 0


def _line_server(asked: argparse.Namespace) -> LineScanServer:
    if asked.images is None:
        image = slopes(asked.width, asked.height)(0, 0)
    else:
        image = np.concatenate([read_image(file) for file in list_images(asked.images)])
    return LineScanServer(
        asked.address,
        asked.serial,
        web_of(image),
        (image.shape[1], asked.line_scan),
        lines_per_s=asked.lines_per_s,
        counts_per_line=asked.counts_per_line,
        first_count=asked.first_count,
        user_name=asked.user_name,
        device_time=DeviceTime(asked.ahead_ns, asked.drift_ppm),
        stamped=asked.stamped,
    )


def _server(asked: argparse.Namespace) -> GigeServer:
    if asked.images is None:
        size, scene = (asked.width, asked.height), slopes(asked.width, asked.height)
    else:
        images = [read_image(file) for file in list_images(asked.images)]
        size = images[0].shape[1], images[0].shape[0]
        scene = album(images) if asked.belt is None else belt_scene(images, asked.belt)
    return GigeServer(
        asked.address,
        asked.serial,
        scene,
        size,
        user_name=asked.user_name,
        device_time=DeviceTime(asked.ahead_ns, asked.drift_ppm),
        stamped=asked.stamped,
        trigger_poll_hz=asked.trigger_poll_hz,
    )


def _obey(server: GigeServer, command: dict[str, Any]) -> None:
    if "spoil" in command:
        server.spoil(command["spoil"], command.get("count", 1))
    if "lose" in command:
        server.lose_packets(command["lose"])
    if "stall" in command:
        server.stall(command["stall"])
    if "fire" in command:
        server.fire()


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
