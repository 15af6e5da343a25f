"""The edges of one input, as the kernel noted them, given on as they are read in the line's loop."""

from __future__ import annotations

import selectors
from collections.abc import Callable
from dataclasses import dataclass

from taktsight.errors import LineError
from taktsight.inspect.gpio.chip import input_settings, request
from taktsight.inspect.gpio.settings import GpioInput


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge."""

    at_ns: int
    """When the level changed, before any debouncing; monotonic clock."""
    lost: int
    """Edges before it that the kernel could not keep, because nobody fetched them in time."""


class EdgeInput:
    """An input whose edges are given to a listener."""

    def __init__(
        self,
        settings: GpioInput,
        edge: str,
        selector: selectors.BaseSelector,
        listener: Callable[[Edge], None],
    ) -> None:
        """Asks for the input.

        Raises:
            LineError: If it cannot be had.
        """
        self._name = f"gpio: line {settings.line} of {settings.chip}"
        self._debounce_ns = round(settings.debounce_ms * 1e6)
        self._listener = listener
        self._selector = selector
        self._seen = 0
        self._is_open = True
        self._request = request(settings.chip, [settings.line], input_settings(settings, edge))
        selector.register(self._request.fileno(), selectors.EVENT_READ, self._read)

    def close(self) -> None:
        """Lets go of the input."""
        if self._is_open:
            self._is_open = False
            self._selector.unregister(self._request.fileno())
            self._request.release()

    def _read(self) -> None:
        try:
            events = self._request.read_edge_events()
        except OSError as error:
            self.close()
            raise LineError(f"{self._name}: no edge can be read any more: {error}") from error
        for event in events:
            lost, self._seen = event.line_seqno - self._seen - 1, event.line_seqno
            # What is debounced is noted once the level has held.
            self._listener(Edge(event.timestamp_ns - self._debounce_ns, max(0, lost)))
