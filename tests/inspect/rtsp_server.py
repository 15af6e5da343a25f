"""A real RTSP server, GStreamer's, for the system's Python with gi: H.264 of frames that are numbered.

    /usr/bin/python3 rtsp_server.py PORT

Says its port once it listens; 0 takes any that is free. The frame's number, and the millisecond of the
monotonic clock at which it was drawn, stand as two rows of 32 light or dark squares in the image: what
compression cannot blur.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import gi  # type: ignore[import-not-found,unused-ignore]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found,unused-ignore]  # noqa: E402

WIDTH_PX, HEIGHT_PX, FPS = 512, 128, 25
SQUARE_PX = 16
LAUNCH = (
    "( appsrc name=src is-live=true block=true format=time "
    f"caps=video/x-raw,format=GRAY8,width={WIDTH_PX},height={HEIGHT_PX},framerate={FPS}/1 "
    "! videoconvert ! video/x-raw,format=I420 "
    "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 bitrate=2000 "
    "! rtph264pay name=pay0 pt=96 config-interval=1 )"
)


def row(number: int) -> bytes:
    """32 squares, the lowest bit first."""
    line = b"".join((b"\xeb" if number >> bit & 1 else b"\x10") * SQUARE_PX for bit in range(32))
    return line * SQUARE_PX


class Factory(GstRtspServer.RTSPMediaFactory):  # type: ignore[misc,unused-ignore]
    """One stream, shared by all who ask."""

    def __init__(self) -> None:
        super().__init__()
        self.number = self.since_start = 0
        self.next_s = time.monotonic()
        self.set_launch(LAUNCH)
        self.set_shared(True)

    def do_configure(self, media: Any) -> None:
        """GStreamer calls it when somebody asks for the stream."""
        self.since_start = 0
        media.get_element().get_child_by_name("src").connect("need-data", self.push)

    def push(self, source: Any, _length: int) -> None:
        """The next frame, at its time."""
        wait_s = self.next_s - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        self.next_s = max(self.next_s + 1 / FPS, time.monotonic() - 1)
        drawn_ms = time.monotonic_ns() // 1_000_000 & 0xFFFFFFFF
        grey = b"\x6e" * WIDTH_PX * (HEIGHT_PX - 2 * SQUARE_PX)
        buffer = Gst.Buffer.new_wrapped(row(self.number) + row(drawn_ms) + grey)
        buffer.duration = Gst.SECOND // FPS
        buffer.pts = buffer.dts = self.since_start * buffer.duration
        self.number += 1
        self.since_start += 1
        source.emit("push-buffer", buffer)


def main(port: str) -> None:
    """Serves until it is killed."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    server.get_mount_points().add_factory("/camera", Factory())
    server.attach(None)
    sys.stdout.write(f"{server.get_bound_port()}\n")
    sys.stdout.flush()
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(sys.argv[1])
