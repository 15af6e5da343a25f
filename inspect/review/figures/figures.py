"""What the pages on quality share: counts that follow ledger and store, figures kept until either grows."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

from taktsight.inspect.review.figures.decided import Decided
from taktsight.inspect.review.figures.tally import Tally
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.store.store import ReviewStore

MOST_KEPT = 64
TURN_S = 0.1
T = TypeVar("T")


class Figures:
    """Of one bench; any thread may ask."""

    def __init__(self, store: ReviewStore, index: PartIndex) -> None:
        self.store = store
        self.index = index
        self.tally = Tally(index)
        self.decided = Decided(store, index)
        self._kept: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = threading.Lock()
        self._going_on: threading.Thread | None = None
        self.computed = 0
        """How often figures were computed, and not found kept."""

    def catch_up(self) -> bool:
        """Whether everything is counted; it takes a second at most, and what is left goes on by itself."""
        is_counted = self.tally.catch_up()
        if self.decided.catch_up() and is_counted:
            return True
        with self._lock:
            if self._going_on is None or not self._going_on.is_alive():
                self._going_on = threading.Thread(target=self._go_on, name="review-count", daemon=True)
                self._going_on.start()
        return False

    def _go_on(self) -> None:
        """In short turns, so that a page that asks meanwhile waits for one of them."""
        while not (self.tally.catch_up(TURN_S) and self.decided.catch_up(TURN_S)):
            time.sleep(TURN_S / 10)

    def kept(self, name: Hashable, make: Callable[[], T], *, on_verdicts: bool = True) -> T:
        """The figures of this name, computed once for as long as ledger and decisions stay as they are.

        Args:
            name: with everything that they depend on besides.
            make: computes them.
            on_verdicts: whether they change with every new part; else with decisions alone.
        """
        key = (name, self.decided.version, self.tally.seq if on_verdicts else None)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return cast(T, self._kept[key])
        made: Any = make()
        with self._lock:
            self.computed += 1
            self._kept[key] = made
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return cast(T, made)
