"""The metrics endpoint: a process that reads the meters and shows them to Prometheus over HTTP.

Two processes: one listens, the other one only starts it anew where it ends. Neither can write a meter
nor hold up the line.
"""

from __future__ import annotations

import logging
import mmap
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from importlib.metadata import version
from socketserver import ThreadingTCPServer
from typing import Any

from taktsight.inspect.exposition import CONTENT_TYPE, Identity, exposition
from taktsight.inspect.meters import Meters
from taktsight.inspect.realtime import die_with_line

log = logging.getLogger(__name__)

MAX_READERS = 8
READ_S = 5.0
"""A reader that is silent for so long is let go of."""
RETRY_S = 1.0
MAX_RETRY_S = 60.0


class _Page(BaseHTTPRequestHandler):
    """Answers with the meters, and with nothing else."""

    timeout = READ_S
    server: _Server

    def do_GET(self) -> None:
        """The meters of this moment."""
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404, "the meters are at /metrics")
            return
        content = exposition(self.server.meters, self.server.identity, time.monotonic_ns()).encode()
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  as http.server calls it
        """Nothing per request."""
        log.debug(format, *arguments)


class _Server(ThreadingTCPServer):
    """Not http.server's own: that asks the name service who it is, and a line may have none."""

    daemon_threads = allow_reuse_address = True
    timeout = RETRY_S

    def __init__(self, address: str, port: int, meters: Meters, identity: Identity) -> None:
        self.meters, self.identity = meters, identity
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, port), _Page)

    def process_request(self, request: Any, client_address: Any) -> None:
        """One reader too many is let go of: nothing grows without bound."""
        if threading.active_count() > MAX_READERS:
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader that goes away in the middle is nobody's fault; anything else is ours."""
        level = logging.DEBUG if isinstance(sys.exc_info()[1], OSError) else logging.ERROR
        log.log(level, "metrics: a scrape failed", exc_info=True)


def serve(address: str, port: int, meters: Meters, identity: Identity, end: int) -> None:
    """Until the descriptor ``end`` has nobody at its other side."""
    server = _listen(address, port, meters, identity, end)
    if server is None:
        return
    with server:
        while True:
            readable, _, _ = select.select([server.fileno(), end], [], [])
            if end in readable:
                return
            server.handle_request()


def _listen(address: str, port: int, meters: Meters, identity: Identity, end: int) -> _Server | None:
    """The server, as soon as the port is free; None if the line ended before."""
    said = ""
    while True:
        try:
            server = _Server(address, port, meters, identity)
        except OSError as error:
            why = f"{address} port {port} cannot be listened at: {error.strerror}"
            if why != said:
                log.warning("metrics: %s; the line goes on, and it is tried again", why)
            said = why
            if _has_ended(end, RETRY_S):
                return None
        else:
            if said:
                log.info("metrics: %s port %d is listened at now", address, port)
            return server


def watch_over(address: str, port: int, meters: Meters, identity: Identity, end: int) -> None:
    """Starts the process that serves, and starts it anew where it ends before the line does."""
    wait_s = RETRY_S
    while True:
        began_s = time.monotonic()
        ours = os.getpid()
        process = os.fork()
        if process == 0:
            die_with_line(ours)
            serve(address, port, meters, identity, end)
            os._exit(0)
        _, status = os.waitpid(process, 0)
        if _has_ended(end, 0):
            return
        wait_s = RETRY_S if time.monotonic() - began_s > MAX_RETRY_S else min(2 * wait_s, MAX_RETRY_S)
        said = os.waitstatus_to_exitcode(status)
        log.warning("metrics: the endpoint ended (%d); it is started anew in %g s", said, wait_s)
        if _has_ended(end, wait_s):
            return


def _has_ended(end: int, wait_s: float) -> bool:
    return bool(select.select([end], [], [], wait_s)[0])


def main(arguments: Sequence[str]) -> int:
    """Runs as a process of the line: its process id, the meters' descriptor, where to listen, of what."""
    line_process, meters_descriptor = map(int, arguments[:2])
    address, port, station, run = arguments[2:]
    die_with_line(line_process)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    meters = Meters(meters_descriptor, access=mmap.ACCESS_READ)
    watch_over(address, int(port), meters, Identity(station, run, version("taktsight")), end=0)
    return 0
