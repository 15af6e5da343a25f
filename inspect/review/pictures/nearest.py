"""Examples that look most like a frame: golden samples of its bundle, parts that people decided, training
images.

What an example looks like is computed once, a few of them with each question and training images between
questions: the first answer comes soon and the next ones know more.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from taktsight.errors import DataError, TaktsightError
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.rows import PartRow
from taktsight.inspect.review.pictures.byte_cache import ByteCache
from taktsight.inspect.review.pictures.descriptors import Floats, distance, look_of
from taktsight.inspect.review.pictures.frames import Frames, Shown
from taktsight.inspect.review.pictures.overlays import Overlay
from taktsight.inspect.review.store.values import GOOD
from taktsight.records import Box, Image

log = logging.getLogger(__name__)

DECIDED = 120
"""The last decided parts, among which examples are looked for."""
NEW_PIXELS = 8_000_000
"""What one question decodes to learn what frames look like: many small ones, one large one. A part that was
seen at the bench is known from then.
"""
LOOK_BYTES = 32 << 20
GOLDEN, TRAINED = "golden sample", "training example"
"""What an example is that is no part of this station."""


@dataclass(frozen=True, slots=True)
class Example:
    """A frame whose truth somebody knows."""

    image_id: str
    view: str
    truth: str
    """"good" or a label."""
    source: str
    """``GOLDEN``, ``TRAINED``, or the part's serial or name."""
    distance: float
    """0 looks the same; from 1 on it looks otherwise."""
    box_px: Box | None = None


class Nearest:
    """Any thread may ask."""

    def __init__(
        self,
        index: PartIndex,
        frames: Frames,
        image: Callable[[str], Image],
        overlay: Callable[[str], Overlay | None],
        is_decoded: Callable[[str], bool],
    ) -> None:
        """``image`` is a decoded frame; ``overlay`` what was judged again already, or None."""
        self._index = index
        self._frames = frames
        self._image = image
        self._overlay = overlay
        self._is_decoded = is_decoded
        self._looks = ByteCache[Floats](LOOK_BYTES, lambda look: look.nbytes)
        self._trained: dict[str, Example] = {}
        self._to_learn = frames.trained()

    def find(self, image_id: str, most: int) -> tuple[Example, ...]:
        """The nearest, nearest first."""
        shown = self._frames.shown(image_id)
        box = self._box(image_id)
        look = self._look(image_id, box)
        trained = list(self._trained.values())
        examples = [*self.golden(image_id), *self._decided(shown.view, image_id), *trained]
        found, left = [], NEW_PIXELS
        for example in examples:
            is_new = self._is_new(example)
            if example.image_id == image_id or (is_new and left <= 0):
                continue
            try:
                of = self._frames.shown(example.image_id)
                if is_new:
                    left -= self._learn(of, example)
                other, scores = self._look(example.image_id, example.box_px), of.scores
            except TaktsightError:  # it was removed meanwhile
                continue
            found.append(replace(example, distance=distance(look, other, shown.scores, scores)))
        return tuple(sorted(found, key=lambda example: example.distance)[:most])

    def remember(self, image_id: str) -> None:
        """What a frame that is decoded looks like, as a whole and around its defect: it may soon be an
        example, and decoded no more.
        """
        if not self._is_decoded(image_id):
            return
        with contextlib.suppress(TaktsightError):  # it went meanwhile, and its file too
            for box in {None, self._box(image_id)}:
                self._look(image_id, box)

    def learn(self) -> bool:
        """Looks at the next training image; whether there was one. One thread alone may ask."""
        if not self._to_learn:
            return False
        image_id, trained = self._to_learn.pop()
        try:
            image, box = trained.read(), trained.box_px()
            if box is not None and (box[2] > image.shape[1] or box[3] > image.shape[0]):
                raise DataError(f"{trained.image.name}: its mask is larger than it")
            self._looks.get_or_make((image_id, box), lambda: look_of(image, box))
        except TaktsightError as error:  # it helps, and nothing hangs on it
            log.warning("training example: %s", error)
        else:
            example = Example(image_id, "", trained.truth, TRAINED, 0.0, box)
            self._trained = self._trained | {image_id: example}
        return True

    def golden(self, image_id: str) -> tuple[Example, ...]:
        """Golden frames of the same view, of the bundle that judged it; good ones first."""
        shown = self._frames.shown(image_id)
        names = self._frames.golden_names(shown.bundle)
        # A bundle of one view calls it as it likes, and the station as it likes.
        is_one = len({view for _, view, _, _ in names}) == 1
        found = [
            Example(name, view, truth, GOLDEN, 0.0, None if truth == GOOD else self._box(name))
            for name, view, truth, _ in names
            if is_one or view == shown.view
        ]
        return tuple(sorted(found, key=lambda example: example.truth != GOOD))

    def _is_new(self, example: Example) -> bool:
        """Whether a frame must be decoded to know what it looks like."""
        is_known = self._looks.get((example.image_id, example.box_px)) is not None
        return not is_known and not self._is_decoded(example.image_id)

    def _learn(self, of: Shown, example: Example) -> int:
        """Looks at a frame without keeping it: those that are shown next stay decoded. Its pixels."""
        image, box = self._frames.read(of).image, example.box_px
        self._looks.get_or_make((example.image_id, box), lambda: look_of(image, box))
        return int(image[:, :, 0].size)

    def _decided(self, view: str, image_id: str) -> list[Example]:
        """Frames of this view of parts whose truth people said, the newest first."""
        query = (
            "SELECT part, truth, mark FROM looks WHERE undone = 0 AND blind = 0 AND truth IS NOT NULL "
            "AND part > 0 AND why <> 'known' ORDER BY id DESC LIMIT ?"
        )
        with self._index.connections.one() as connection:
            rows = {
                row[0]: (row[1], row[2]) for row in connection.execute(query, (DECIDED,)).fetchall()[::-1]
            }
        parts = self._index.parts(list(rows)[::-1])
        return [
            example
            for part in parts
            if (example := self._of_part(part, view, *rows[part.seq])) and example.image_id != image_id
        ]

    def _of_part(self, part: PartRow, view: str, truth: str, mark: str | None) -> Example | None:
        frame = part.frames.get(view)
        if frame is None or not frame.is_kept:
            return None
        marked: Sequence[object] = json.loads(mark) if mark else ()
        box = None
        if marked and marked[0] == view:
            x0, y0, x1, y1 = (int(str(edge)) for edge in marked[1:])
            box = (x0, y0, min(x1, frame.width), min(y1, frame.height))
            box = box if box[0] < box[2] and box[1] < box[3] else None
        elif truth != GOOD:
            box = self._box(frame.image_id)
        return Example(frame.image_id, view, truth, part.serial or str(part.key), 0.0, box)

    def _box(self, image_id: str) -> Box | None:
        """Of the largest region, where the frame was judged again already."""
        overlay = self._overlay(image_id)
        return overlay.contours[0].box_px if overlay is not None and overlay.contours else None

    def _look(self, image_id: str, box: Box | None) -> Floats:
        return self._looks.get_or_make((image_id, box), lambda: look_of(self._image(image_id), box))
