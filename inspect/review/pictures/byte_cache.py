"""What was used last, up to so many bytes; each thing is made once, however many threads ask for it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class ByteCache(Generic[Value]):
    """Any thread may ask."""

    def __init__(self, max_bytes: int, size_of: Callable[[Value], int]) -> None:
        """``size_of`` says how many bytes a value holds. One that is larger than all is not kept."""
        self._max_bytes = max_bytes
        self._size_of = size_of
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self.bytes = 0
        self.made = 0
        """How many values were made."""

    def get(self, key: Hashable) -> Value | None:
        """What is kept; None where nothing is."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Hashable, value: Value) -> None:
        """Keeps it; what was not used for longest goes."""
        size = self._size_of(value)
        with self._lock:
            old = self._values.pop(key, None)
            if old is not None:
                self.bytes -= self._size_of(old)
            if size > self._max_bytes:
                return
            self._values[key] = value
            self.bytes += size
            while self.bytes > self._max_bytes:
                self.bytes -= self._size_of(self._values.popitem(last=False)[1])

    def get_or_make(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """What is kept, or what ``make`` gives; whoever asks meanwhile waits. Errors are not kept."""
        found = self.get(key)
        if found is not None:
            return found
        with self._lock:
            turn = self._making.setdefault(key, threading.Lock())
        with turn:
            found = self.get(key)
            if found is not None:
                return found
            try:
                found = make()
                self.put(key, found)
                self.made += 1
                return found
            finally:
                with self._lock:
                    self._making.pop(key, None)
