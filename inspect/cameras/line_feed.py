"""Blocks of lines on their way to the parts they show: ordered, watched, placed, and joined to images.

Between the thread that receives blocks and the one that grabs images for parts.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from taktsight.errors import CameraError
from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.cameras.gige_settings import GigeSettings
from taktsight.inspect.cameras.line_blocks import Block, BlockOrder
from taktsight.inspect.cameras.line_images import History, Joined, Tile, Tiles
from taktsight.inspect.cameras.line_scan_settings import LineScanSettings
from taktsight.inspect.cameras.line_strips import Rules, Strip, StripMaker
from taktsight.inspect.cameras.line_watch import LineWatch
from taktsight.inspect.cameras.stream import Broken, FrameStream, Undeveloped
from taktsight.inspect.messages import Expose

log = logging.getLogger(__name__)

Tell = Callable[[int, int], object]
"""Is given a tile's number and time."""
SAID_NS = 10_000_000_000
"""How often it is said that blocks are damaged while no image comes of them."""
STANDING = 16
"""Blocks in a row of which no line is placed: the count stands while lines come, or the belt runs back."""
KEPT_PARTS = 2
"""So many parts' lines are kept for parts that are asked for late."""


class LineFeed:
    """What a line-scan camera sends; takes the place of the stream of an area camera."""

    def __init__(self, settings: GigeSettings, line_scan: LineScanSettings, height: int) -> None:
        """``height``: lines of a block."""
        self._name, self._line_scan, self._height = settings.name, line_scan, height
        self._order, self._watch = BlockOrder(), LineWatch()
        self._strips = StripMaker(rules_of(line_scan, height))
        self._history: History | None = History(
            line_scan.lines, line_scan.lead_lines, kept_lines(line_scan, height)
        )
        self._tiles: Tiles | None = None
        self._tell: Tell | None = None
        self._stream = FrameStream(settings.name)
        self._changed = threading.Condition()
        self._lost = ""
        self._parts = self._lost_before = 0
        self._said_ns = self._unplaced = 0

    @property
    def outage(self) -> str:
        """Why no image will come; "" while one may."""
        if self._lost or self._unplaced < STANDING:
            return self._lost
        return (
            f"no line of the last {self._unplaced} blocks has a place: does the encoder count, and forward?"
        )

    @property
    def strays(self) -> int:
        """Tiles that were asked for too late, or never."""
        return self._stream.strays

    def tell_tiles(self, tell: Tell) -> None:
        """From now on the lines are a web, cut into tiles, and each is told of."""
        with self._changed:
            scan = self._line_scan
            self._tiles = Tiles(scan.lines, scan.stride, self._strips.head)
            self._tell, self._history = tell, None

    def begin_anew(self) -> None:
        """The camera was opened again: it may have been off, and the belt have run on."""
        with self._changed:
            self._begin_anew("the camera was opened anew")

    def put(self, frame: Exposure | Undeveloped | Broken) -> None:
        """A block has come, so the camera is there. Never waits for anybody who grabs."""
        block = self._block(frame)
        with self._changed:
            self._lost = ""
            for each in self._order.put(block):
                strips = self._strips.add(each)
                self._unplaced = (
                    0 if any(strip.image is not None for strip in strips) else self._unplaced + 1
                )
                self._hand_on(strips)
            if self._order.is_astray:
                self._begin_anew("the camera's frames are numbered from the beginning again")
            self._changed.notify_all()

    def lose(self, reason: str) -> None:
        """The camera is gone: whoever waits need not wait on, until a block comes again."""
        with self._changed:
            self._lost = reason
            self._changed.notify_all()
        self._stream.lose(reason)

    def regain(self) -> None:
        """The camera is there again, but has not sent a block yet."""
        with self._changed:
            self._lost = ""
        self._stream.regain()

    def take_tile(self, expose: Expose) -> Exposure:
        """The tile that was told of with this time.

        Raises:
            CameraError: If lines of it are missing, or it was asked for too late.
        """
        exposure = self._stream.take(expose.captured_ns, expose.captured_ns, expose.answer_by_ns)
        with self._changed:
            return self._with_lost(exposure)

    def take_part(self, expose: Expose) -> Exposure:
        """The lines of a part, by where the belt was at its trigger.

        Raises:
            CameraError: If some are missing, are not exposed in time, or nobody knows which they are.
        """
        with self._changed:
            while (joined := self._part(expose.captured_ns)) is None:
                if self._lost:
                    raise CameraError(f"{self._name}: {self._lost}")
                left_ns = expose.answer_by_ns - time.monotonic_ns()
                if left_ns <= 0:
                    raise CameraError(f"{self._name}: not all lines came in time; does the belt run?")
                self._changed.wait(left_ns / 1e9)
            if joined.image is None:
                raise CameraError(f"{self._name}: {joined.fault}")
            self._parts += 1
            return self._with_lost(Exposure(joined.image, joined.captured_ns, self._parts))

    @property
    def is_web(self) -> bool:
        """Whether lines are cut into tiles."""
        return self._tiles is not None

    def _begin_anew(self, why: str) -> None:
        self._order.begin_anew()
        self._hand_on(self._strips.begin_anew(why, time.monotonic_ns()))

    def _block(self, frame: Exposure | Undeveloped | Broken) -> Block:
        """The block, with its image; or why it shows nothing."""
        fault = frame.reason if isinstance(frame, Broken) else "it is no block"
        image = count = None
        if isinstance(frame, Undeveloped):
            by_number = self._line_scan.chunk is None and frame.counter is not None
            count = (frame.counter or 0) * self._height if by_number else frame.encoder_count
            try:
                image = frame.develop().image
                fault = self._watch.fault(image, frame.counter)
            except CameraError as error:
                fault = str(error)
            fault = fault or ("" if count is not None else "it has neither a count nor a number")
        if fault:
            self._say(fault, frame.captured_ns)
            image = None
        return Block(frame.captured_ns, frame.counter, count, image, fault)

    def _hand_on(self, strips: list[Strip]) -> None:
        for strip in strips:
            if self._history is not None:
                self._history.add(strip)
            if self._tiles is not None:
                for tile in self._tiles.add(strip):
                    self._hand_out(tile)

    def _hand_out(self, tile: Tile) -> None:
        """First into the stream: it is asked for as soon as it was told of."""
        joined = tile.joined
        if joined.image is None:
            self._stream.put(Broken(joined.fault, tile.captured_ns, tile.number))
        else:
            self._stream.put(Exposure(joined.image, tile.captured_ns, tile.number))
        if self._tell is not None:
            self._tell(tile.number, tile.captured_ns)

    def _part(self, triggered_ns: int) -> Joined | None:
        return None if self._history is None else self._history.part(triggered_ns)

    def _with_lost(self, exposure: Exposure) -> Exposure:
        """Blocks are what the camera counts; between two tiles none is left out."""
        lost, self._lost_before = self._strips.lost_blocks - self._lost_before, self._strips.lost_blocks
        return replace(exposure, lost_frames=lost)

    def _say(self, fault: str, now_ns: int) -> None:
        """Where every block is damaged there may be no part to carry the reason."""
        if now_ns - self._said_ns > SAID_NS:
            self._said_ns = now_ns
            log.warning("%s: a block of lines is lost: %s", self._name, fault)


def rules_of(line_scan: LineScanSettings, height: int) -> Rules:
    """The station's settings, for blocks of so many lines."""
    if line_scan.chunk is None:  # the feed makes a count of lines of the frame's number
        return Rules(height, 1, 64, 1, line_scan.lines)
    sign = 1 if line_scan.direction == "up" else -1
    return Rules(height, line_scan.counts_per_line, line_scan.counter_bits, sign, line_scan.lines)


def kept_lines(line_scan: LineScanSettings, height: int) -> int:
    """How many lines are kept for parts: those of parts that are asked for late, and those before."""
    return KEPT_PARTS * line_scan.lines + abs(line_scan.lead_lines) + 2 * height
