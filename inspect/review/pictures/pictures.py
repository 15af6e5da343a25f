"""Every picture of the review bench: tiles, thumbnails, overlays and examples, by opaque names.

A frame is decoded once, and before anybody asks where :meth:`Pictures.prepare` was told which comes next.
Nothing here writes but below the review's folder, and everything it holds is bounded in bytes.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass

import cv2

from taktsight.errors import DataError, TaktsightError
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.pictures.bundles import BundleAtHand
from taktsight.inspect.review.pictures.byte_cache import ByteCache
from taktsight.inspect.review.pictures.examples import TrainingExample
from taktsight.inspect.review.pictures.frames import REPLACED, Frames, Shown, fault_of
from taktsight.inspect.review.pictures.judge_port import JudgePort
from taktsight.inspect.review.pictures.nearest import Example, Nearest
from taktsight.inspect.review.pictures.overlays import Overlay
from taktsight.inspect.review.pictures.pyramid import (
    TILE_PX,
    Pyramid,
    encode_jpeg,
    make_pyramid,
    max_level,
    overview_tiles,
    shrunk,
    tile_of,
)
from taktsight.inspect.review.pictures.thumbnails import JPEG_QUALITY, SIDE_PX, Thumbnails
from taktsight.records import Image

log = logging.getLogger(__name__)

FRAME_BYTES = 256 << 20
"""Decoded frames with their halves: five of 12 MP in colour."""
TILE_BYTES = 64 << 20
OVERLAY_BYTES = 32 << 20
MAX_AHEAD = 32
"""Frames that wait to be prepared; the oldest go."""


@dataclass(frozen=True, slots=True)
class Described:
    """What a page needs to know of a picture."""

    image_id: str
    view: str
    width: int
    height: int
    channels: int
    tile_px: int
    max_level: int
    fault: str | None
    """Why this is not, or may not be, the frame that was judged; a page must show it."""
    is_golden: bool


@dataclass(frozen=True, slots=True)
class _Decoded:
    shown: Shown
    pyramid: Pyramid
    fault: str | None


class Pictures:
    """Any thread may ask. :meth:`close` ends its thread and its process."""

    def __init__(
        self,
        index: PartIndex,
        bundles: Sequence[BundleAtHand] = (),
        examples: Sequence[TrainingExample] = (),
        *,
        frame_bytes: int = FRAME_BYTES,
        tile_bytes: int = TILE_BYTES,
    ) -> None:
        """Over the frames of an index.

        Args:
            index: knows where frames lie.
            bundles: that may have judged; :mod:`taktsight.inspect.review.pictures.bundles` opens them.
            examples: training images that are shown where they look alike.
            frame_bytes: for decoded frames.
            tile_bytes: for encoded tiles.
        """
        self._frames = Frames(index, bundles, examples)
        self._thumbnails = Thumbnails(index.folder)
        self._decoded = ByteCache[_Decoded](frame_bytes, lambda decoded: decoded.pyramid.bytes)
        self._tiles = ByteCache[bytes](tile_bytes, len)
        self._overlays = ByteCache[Overlay](OVERLAY_BYTES, lambda overlay: overlay.bytes)
        self._judge = JudgePort()
        self._asked: OrderedDict[str, Future[Overlay]] = OrderedDict()
        self._nearest = Nearest(
            index,
            self._frames,
            self._image,
            self._overlays.get,
            is_decoded=lambda image_id: self._decoded.get(image_id) is not None,
        )
        self._lock = threading.Lock()
        self._ahead: OrderedDict[str, None] = OrderedDict()
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def close(self) -> None:
        """Ends what runs beside."""
        self._stopping.set()
        self._wake.set()
        self._judge.close()
        if self._thread is not None:
            self._thread.join(10)

    def describe(self, image_id: str) -> Described:
        """Size and state of a picture.

        Raises:
            ReviewError: If nobody was ever given this name.
            DataError: If the frame is gone, or no image.
        """
        found = self._decode(image_id)
        width, height = found.pyramid.width, found.pyramid.height
        return Described(
            image_id,
            found.shown.view,
            width,
            height,
            int(found.pyramid.levels[0].shape[2]),
            TILE_PX,
            max_level(width, height),
            found.fault,
            found.shown.golden is not None,
        )

    def tile(self, image_id: str, level: int, column: int, row: int) -> bytes:
        """A tile as Deep Zoom names it: PNG at 1:1, JPEG below.

        Raises:
            ReviewError: If there is no such picture, or it has no such tile.
            DataError: If the frame is gone, or no image.
        """

        def make() -> bytes:
            return tile_of(self._decode(image_id).pyramid, level, column, row)

        return self._tiles.get_or_make((image_id, level, column, row), make)

    def thumbnail(self, image_id: str) -> bytes:
        """A small JPEG. A frame that is not the one that was judged is crossed out.

        Raises:
            ReviewError: If there is no such picture.
            DataError: If the frame is gone, or no image.
        """
        self._frames.shown(image_id)  # what is gone from the records is gone here
        kept = self._thumbnails.get(image_id)
        if kept is not None:
            return kept
        found = self._decode(image_id)
        content = encode_jpeg(_small(found), JPEG_QUALITY)
        self._thumbnails.put(image_id, content)
        return content

    def prepare(self, image_ids: Iterable[str]) -> None:
        """Decodes frames and cuts the tiles that a bench asks for first, before it asks; comes back at
        once.
        """
        with self._lock:
            for image_id in image_ids:
                self._ahead.pop(image_id, None)
                self._ahead[image_id] = None
            while len(self._ahead) > MAX_AHEAD:
                self._ahead.popitem(last=False)
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._work, name="review-ahead", daemon=True)
                self._thread.start()
        self._wake.set()

    def overlay(self, image_id: str, wait_s: float = 10.0) -> Overlay:
        """What the bundle that judged the frame sees in it, judged again where nobody has asked before.

        Args:
            image_id: of the frame.
            wait_s: how long to wait for it; later it may be asked for again.

        Raises:
            ReviewError: If there is no such picture.
        """
        kept = self._overlays.get(image_id)
        if kept is not None:
            return kept
        asked = self._ask(image_id)
        if isinstance(asked, Overlay):
            return asked
        try:
            found = asked.result(wait_s)
        except NotYet:
            return Overlay(is_ready=False, why="it is being judged again; come back in a moment")
        return found

    def nearest(self, image_id: str, most: int = 6) -> tuple[Example, ...]:
        """Golden samples, decided parts and training images that look most like this frame around its
        defect, nearest first.

        Raises:
            ReviewError: If there is no such picture.
            DataError: If the frame is gone, or no image.
        """
        return self._nearest.find(image_id, most)

    def golden(self, image_id: str) -> tuple[Example, ...]:
        """The golden frames of the same view, of the bundle that judged the frame; good ones first."""
        return self._nearest.golden(image_id)

    def _ask(self, image_id: str) -> Future[Overlay] | Overlay:
        try:
            shown = self._frames.shown(image_id)
        except DataError as error:
            return Overlay(is_ready=False, why=str(error))
        frame = self._frames.judging(shown)
        if isinstance(frame, str):
            return Overlay(is_ready=False, why=frame)
        with self._lock:
            running = self._asked.get(image_id)
            if running is not None and not running.done():
                return running
            self._asked[image_id] = answer = self._judge.ask(frame)
            while len(self._asked) > 4 * MAX_AHEAD:
                self._asked.popitem(last=False)
        answer.add_done_callback(lambda done: self._keep(image_id, done.result()))
        return answer

    def _keep(self, image_id: str, overlay: Overlay) -> None:
        if overlay.is_ready:
            self._overlays.put(image_id, overlay)
            self._nearest.remember(image_id)
        with self._lock:
            self._asked.pop(image_id, None)

    def _decode(self, image_id: str) -> _Decoded:
        def make() -> _Decoded:
            shown = self._frames.shown(image_id)
            picture = self._frames.read(shown)
            return _Decoded(shown, make_pyramid(picture.image), fault_of(shown, picture))

        return self._decoded.get_or_make(image_id, make)

    def _image(self, image_id: str) -> Image:
        return self._decode(image_id).pyramid.levels[0]

    def _work(self) -> None:
        while not self._stopping.is_set():
            with self._lock:
                image_id = self._ahead.popitem(last=False)[0] if self._ahead else None
                if image_id is None:
                    self._wake.clear()
            if image_id is None:
                if not self._nearest.learn():
                    self._wake.wait(1.0)
                continue
            try:
                self._prepare(image_id)
            except TaktsightError as error:  # whoever asks for it is told
                log.debug("%s", error)

    def _prepare(self, image_id: str) -> None:
        pyramid = self._decode(image_id).pyramid
        for level, column, row in overview_tiles(pyramid.width, pyramid.height):
            if self._stopping.is_set():
                return
            self.tile(image_id, level, column, row)
        self.thumbnail(image_id)


def _small(found: _Decoded) -> Image:
    image = shrunk(found.pyramid, SIDE_PX)
    if found.fault != REPLACED:
        return image
    crossed = image.copy()
    height, width, channels = crossed.shape
    colour = (255, 0, 0) if channels == 3 else (255,)
    for start, end in (((0, 0), (width - 1, height - 1)), ((0, height - 1), (width - 1, 0))):
        cv2.line(crossed, start, end, colour, 5)
    return crossed
