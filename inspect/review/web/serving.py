"""The server around the pages: one process, one event loop, stopped by Ctrl-C or SIGTERM without a loss."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from dataclasses import replace

import uvicorn

from taktsight.errors import ConfigError
from taktsight.inspect.review.web.address import Address
from taktsight.inspect.review.web.app import make_app
from taktsight.inspect.review.web.bench import Bench
from taktsight.inspect.review.web.following import follow_ledger
from taktsight.inspect.review.web.guard import MOST_HEADER_BYTES

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
MOST_CONNECTIONS = 512
STOP_S = 5
"""For so long a request that is being answered may go on after the bench was told to stop."""


def listen(address: Address) -> tuple[Address, socket.socket]:
    """A socket that listens there, and the address with the port that it got where 0 was asked for.

    Raises:
        ConfigError: If the port is taken, or the host is not this machine's.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # Named TCP: asyncio turns Nagle's wait off for those that say so alone, and an answer is two writes.
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((address.host, address.port))
    except OSError as error:
        taken.close()
        raise ConfigError(
            f"--host {address.host} --port {address.port}: cannot listen there: {error.strerror}; "
            "is another bench running?"
        ) from error
    taken.listen(256)
    return replace(address, port=taken.getsockname()[1]), taken


def serve(bench: Bench, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Answers requests until SIGINT or SIGTERM; what was acknowledged is on the disk by then.

    Args:
        bench: what the pages stand on; it is stopped when this returns.
        listening: as :func:`listen` gives it.
        ready: called once requests are answered.

    Raises:
        ConfigError: If certificate or key cannot be used.
    """
    server = uvicorn.Server(_configuration(bench))
    if bench.index is not None:
        follow_ledger(bench)
    # The server tells them again once it has stopped; by then they have done what they are for.
    handlers = {number: signal.signal(number, lambda *_: None) for number in STOP_SIGNALS}
    try:
        asyncio.run(_serve(server, bench, listening, ready))
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        bench.stop()
        listening.close()


async def _serve(
    server: uvicorn.Server, bench: Bench, listening: socket.socket, ready: Callable[[], None]
) -> None:
    serving = asyncio.ensure_future(server.serve(sockets=[listening]))
    while not (server.started or serving.done()):
        await asyncio.sleep(0.01)
    if server.started:
        ready()
    while not serving.done():
        if server.should_exit:
            bench.stopping.set()  # streams end, so that the server need not wait for them
        await asyncio.wait({serving}, timeout=0.2)
    serving.result()


def _configuration(bench: Bench) -> uvicorn.Config:
    address = bench.address
    configuration = uvicorn.Config(
        make_app(bench),
        http="h11",
        ws="none",
        lifespan="off",
        loop="asyncio",
        interface="asgi3",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=MOST_HEADER_BYTES,
        timeout_graceful_shutdown=STOP_S,
        timeout_keep_alive=20,
        ssl_certfile=address.certificate,
        ssl_keyfile=address.key,
    )
    try:
        configuration.load()
    except OSError as error:
        raise ConfigError(f"--tls-cert {address.certificate}, --tls-key {address.key}: {error}") from error
    return configuration
