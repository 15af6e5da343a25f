"""Frames that show no part, or another one: repeated, torn, stale, of a wrong size or format.

Of each frame some rows are remembered as 64-bit digests. A sensor's noise makes each row of each exposure
its own: a row that was there before was not exposed again. One frame suffices to find one that repeats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taktsight.inspect.cameras.camera import Exposure, Repeats
from taktsight.inspect.messages import Expose
from taktsight.records import Image, check_image

ROWS = 128
"""Of a frame that are remembered, evenly spread: what is left of another exposure is found from 1/128 of
the height."""
REMEMBERED = 256
"""Frames before this one that it is held against."""
MIN_ROWS = 32
"""So many of them must tell something, to know a compressed frame again by them alone."""
MIN_CHANGES = 64
"""Neighbours within a row that differ: a row of less may be alike by chance, black or saturated."""
COLUMNS = 500
"""Of a row, about, in which changes are counted."""
CLOCK_TOLERANCE_NS = 5_000_000
"""How far a camera's clock, brought to this computer's, may be ahead."""

Digests = NDArray[np.int64]
"""(ROWS,) int64 of the rows of a frame; 0 of those that say nothing."""


class Memory:
    """The rows of the frames that came before, the last so many of them."""

    def __init__(self) -> None:
        self._digests = np.zeros((REMEMBERED, ROWS), np.int64)
        self._triggers = [0] * REMEMBERED
        self._frames = 0

    @property
    def last(self) -> int | None:
        """The part that the last frame was taken for, 0 for none; None before the first frame."""
        return self._triggers[(self._frames - 1) % REMEMBERED] if self._frames else None

    def add(self, trigger: int, digests: Digests) -> None:
        """Remembers a frame, and forgets the oldest where there is no room."""
        self._digests[self._frames % REMEMBERED] = digests
        self._triggers[self._frames % REMEMBERED] = trigger
        self._frames += 1

    def closest(self, digests: Digests) -> tuple[int, int]:
        """How many rows a frame shares with the one that it shares most with, and the part of that one."""
        alike = ((self._digests == digests) & (digests != 0)).sum(axis=1)
        rows = int(alike.max())
        return rows, max(self._triggers[at] for at in np.flatnonzero(alike == rows))


@dataclass(frozen=True, slots=True)
class Before:
    """The part before this one, as far as its frame was whole."""

    expose: Expose
    counter: int | None


class FrameWatch:
    """What is known of one camera's frames, and what is wrong with the next one."""

    def __init__(
        self,
        camera: str,
        channels: int,
        *,
        max_age_ns: int,
        wanted_px: tuple[int, int] | None = None,
        repeats: Repeats | None = None,
    ) -> None:
        """For one camera.

        Args:
            camera: its name, which every fault begins with.
            channels: 1 or 3, as the bundle wants frames.
            max_age_ns: how long before its trigger a frame may have been exposed, ns.
            wanted_px: width and height that frames must have; None for those of the first one.
            repeats: what frames may have in common; None for what the camera says of each.
        """
        self._camera = camera
        self._channels = channels
        self._max_age_ns = max_age_ns
        self.wanted_px = wanted_px
        """Of the recipe that the next frame is for; a changeover may change it."""
        self._first_px: tuple[int, int] | None = None
        self._repeats = repeats
        self._memory = Memory()
        self._image: Image | None = None
        self._before: Before | None = None
        self._newest_ns = 0

    def expect(self, image: Image) -> None:
        """An image of the rehearsal: frames are of its size, and none of them is it."""
        self._first_px = (image.shape[1], image.shape[0])
        self._memory.add(0, digest_rows(image))
        self._image = image

    def fault(self, expose: Expose, exposure: Exposure, now_ns: int) -> str:
        """Why no part may be judged on this frame; empty where nothing is wrong with it."""
        repeats = self._repeats or exposure.may_repeat
        fault = self._format_fault(exposure.image, is_any_size=repeats == "frames")
        if not fault:
            fault = self._age_fault(expose, exposure, now_ns) or self._order_fault(expose, exposure)
            # A wrong time stamp must not make the frames behind it stale.
            newest_ns = self._newest_ns if fault else exposure.captured_ns
            if repeats != "frames":
                digests, is_raw = digest_rows(exposure.image), repeats == "nothing"
                fault = fault or self._content_fault(exposure.image, digests, is_raw=is_raw)
                self._memory.add(expose.trigger, digests)
                # A camera may have few buffers: a frame is kept where its rows do not tell enough.
                self._image = None if is_raw and digests.any() else exposure.image
            self._newest_ns, self._before = newest_ns, Before(expose, exposure.counter)
        return f"{self._camera}: {fault}" if fault else ""

    def _format_fault(self, image: Image, *, is_any_size: bool) -> str:
        try:
            check_image(image)
        except ValueError as error:
            return f"wrong format: {error}"
        if image.shape[2] != self._channels:
            return f"wrong format: {image.shape[2]} channels, the bundle wants {self._channels}"
        size_px = (image.shape[1], image.shape[0])
        self._first_px = self._first_px or size_px
        wanted_px = self.wanted_px or (size_px if is_any_size else self._first_px)
        if size_px != wanted_px:
            return "wrong size: {}×{} pixels, {}×{} are wanted".format(*size_px, *wanted_px)
        return ""

    def _age_fault(self, expose: Expose, exposure: Exposure, now_ns: int) -> str:
        ahead_ns, age_ns = exposure.captured_ns - now_ns, expose.captured_ns - exposure.captured_ns
        if ahead_ns > CLOCK_TOLERANCE_NS:
            return f"its time stamp lies {ahead_ns / 1e6:.0f} ms ahead of the clock"
        if age_ns > self._max_age_ns:
            return f"stale: exposed {age_ns / 1e6:.0f} ms before the trigger"
        return ""

    def _order_fault(self, expose: Expose, exposure: Exposure) -> str:
        before, captured_ns = self._before, exposure.captured_ns
        if before is None:
            return ""
        if captured_ns < before.expose.captured_ns:
            age_ms = (expose.captured_ns - captured_ns) / 1e6
            return f"stale: exposed {age_ms:.0f} ms before the trigger, for an earlier part"
        if captured_ns <= self._newest_ns:
            return f"stale: exposed no later than the frame of part {before.expose.trigger}"
        if exposure.counter is not None and exposure.counter == before.counter:
            return f"repeated: the camera's frame {before.counter}, as for part {before.expose.trigger}"
        return ""

    def _content_fault(self, image: Image, digests: Digests, *, is_raw: bool) -> str:
        wanted = int(np.count_nonzero(digests))
        if not wanted:  # it may be black, and must then not be the very same
            return (
                f"repeated: the same frame as {_named(self._memory.last)}" if self._is_last(image) else ""
            )
        rows, trigger = self._memory.closest(digests)
        if not rows:
            return ""
        if rows == wanted and (is_raw or wanted >= MIN_ROWS or self._is_last(image)):
            return f"repeated: the same frame as {_named(trigger)}"
        return f"torn: {rows / wanted:.0%} of it is left from {_named(trigger)}" if is_raw else ""

    def _is_last(self, image: Image) -> bool:
        return self._image is not None and np.array_equal(image, self._image)


def digest_rows(image: Image) -> Digests:
    """Digests of some rows of an image (H, W, C), 0 of a row that others may be alike to by chance."""
    rows = image[np.linspace(0, image.shape[0] - 1, ROWS).astype(np.intp)]
    thin = rows[:, :: max(1, rows.shape[1] // COLUMNS)]
    changed = [np.count_nonzero(thin[:, 1:, c] != thin[:, :-1, c], axis=1) for c in range(rows.shape[2])]
    changes = np.max(changed, axis=0)
    found = [
        hash(row.tobytes()) if count >= MIN_CHANGES else 0 for row, count in zip(rows, changes, strict=True)
    ]
    return np.array(found, np.int64)


def _named(trigger: int | None) -> str:
    return f"that of part {trigger}" if trigger else "the one before the first part"
