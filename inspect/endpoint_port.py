"""The line's side of the metrics endpoint: it is started before the line works, and ended after it."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
from collections.abc import Iterator

from taktsight.inspect.alarm_settings import MetricsSettings
from taktsight.inspect.children import SAFE_PATH, python_command

log = logging.getLogger(__name__)

END_S = 5.0


@contextlib.contextmanager
def metrics_endpoint(
    settings: MetricsSettings, meters_descriptor: int, station: str, run: str
) -> Iterator[None]:
    """A process that shows the meters to Prometheus, at the priority of what can wait."""
    arguments = (meters_descriptor, settings.address, settings.port, station, run)
    endpoint = subprocess.Popen(
        ["/usr/bin/env", "nice", "-n", "10", *python_command("taktsight.inspect.endpoint", *arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        pass_fds=(meters_descriptor,),
        env=os.environ | SAFE_PATH,
    )
    log.info("metrics: http://%s/metrics", _authority(settings))
    try:
        yield
    finally:
        _end(endpoint)


def why_unheard(settings: MetricsSettings) -> str:
    """Why nobody could listen there now, in words; "" where one could."""
    family = socket.AF_INET6 if settings.address.version == 6 else socket.AF_INET
    with socket.socket(family) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((str(settings.address), settings.port))
            tried.listen()
        except OSError as error:
            return str(error.strerror)
    return ""


def _authority(settings: MetricsSettings) -> str:
    address = f"[{settings.address}]" if settings.address.version == 6 else str(settings.address)
    return f"{address}:{settings.port}"


def _end(endpoint: subprocess.Popen[bytes]) -> None:
    """The end of its input is its end."""
    if endpoint.poll() is not None:
        log.warning("metrics: nobody served them any more, their process was killed")
    try:
        endpoint.communicate(timeout=END_S)
    except subprocess.TimeoutExpired:  # stopped by somebody: what it started ends with it
        endpoint.kill()
        endpoint.communicate()
