"""A real RTSP server, to be killed, stopped and started again; and a line that hurts."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import IO

import pytest

from taktsight.records import Image

SYSTEM_PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).with_name("rtsp_server.py")
SQUARE_PX = 16
PROBE = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst, GstRtspServer; "
    "Gst.init(None); assert all(map(Gst.ElementFactory.find, ('x264enc', 'rtph264pay', 'appsrc')))"
)


def need_server() -> None:
    """Skips where GStreamer's RTSP server is not installed."""
    try:
        probed = subprocess.run([SYSTEM_PYTHON, "-c", PROBE], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("the system has no Python of its own")
    if probed.returncode:
        pytest.skip("gir1.2-gst-rtsp-server-1.0, python3-gi and GStreamer's plugins are not installed")


class RtspPeer:
    """The server; its address stays when it is started again."""

    def __init__(self) -> None:
        self.port = 0
        self.process = self._start()

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/camera"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def restart(self) -> None:
        self.process = self._start()

    def hang(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def _start(self) -> subprocess.Popen[str]:
        command = [SYSTEM_PYTHON, str(SERVER), str(self.port)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        self.port = int(_line(process.stdout))
        return process


def _line(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline()


def read_number(image: Image, row: int) -> int:
    """One of the numbers in a server's frame: 0 counts frames, 1 is the millisecond it was drawn at."""
    middle = image[row * SQUARE_PX + SQUARE_PX // 2, SQUARE_PX // 2 :: SQUARE_PX, 0]
    return sum(1 << bit for bit in range(32) if middle[bit] > 128)


class HurtingLine:
    """Between client and server: of the stream's packets a few come damaged, or not at all."""

    def __init__(self, server_port: int, *, drops: bool) -> None:
        self.hurt = 0
        self.share = 0.0
        self.hold_s = 0.0
        """Once, the stream waits for so long."""
        self._server_port = server_port
        self._drops = drops
        self._random = random.Random(1)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self._listener.getsockname()[1]}/camera"

    def close(self) -> None:
        for each in self._sockets:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._server_port))
            self._sockets += [client, server]
            threading.Thread(target=self._copy, args=(client, server), daemon=True).start()
            threading.Thread(target=self._copy_hurt, args=(server, client), daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while content := source.recv(65536):
                target.sendall(content)
        except OSError:
            return

    def _copy_hurt(self, source: socket.socket, target: socket.socket) -> None:
        reader = source.makefile("rb")
        try:
            while first := reader.read(1):
                if first != b"$":  # an answer of the server, in text
                    target.sendall(first + self._answer(reader))
                    continue
                header = reader.read(3)
                packet = bytearray(reader.read(int.from_bytes(header[1:], "big")))
                if header[0] == 0 and self._random.random() < self.share:
                    self.hurt += 1
                    if self._drops:
                        continue
                    for _ in range(4):
                        packet[self._random.randrange(12, len(packet))] ^= 1 << self._random.randrange(8)
                hold_s, self.hold_s = self.hold_s, 0.0
                time.sleep(hold_s)
                target.sendall(first + header + bytes(packet))
        except OSError:
            return

    def _answer(self, reader: IO[bytes]) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += reader.readline()
        length = next(
            (
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            ),
            0,
        )
        return head + reader.read(length)
