"""SIGINT and SIGTERM as an event of the line's loop."""

from __future__ import annotations

import contextlib
import selectors
import signal
import socket
from collections.abc import Callable, Iterator

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def stop_signals(selector: selectors.BaseSelector, stop: Callable[[], None]) -> Iterator[None]:
    """Until it is left, ``stop`` is called at either signal, and the selector wakes up."""
    woken, wake = socket.socketpair()
    woken.setblocking(False)
    wake.setblocking(False)
    handlers = {number: signal.signal(number, lambda _signal, _frame: stop()) for number in STOP_SIGNALS}
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    selector.register(woken, selectors.EVENT_READ, lambda: woken.recv(64))
    try:
        yield
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        selector.unregister(woken)
        wake.close()
        woken.close()
