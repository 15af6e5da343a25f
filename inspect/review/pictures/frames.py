"""What a picture's name is of: a kept frame of a part, a golden frame of a bundle, a training image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from taktsight.errors import DataError, ReviewError
from taktsight.inspect.frame_files import pixels_digest
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.rows import FrameRef, PartRow
from taktsight.inspect.review.pictures.bundles import BundleAtHand
from taktsight.inspect.review.pictures.examples import TrainingExample
from taktsight.inspect.review.pictures.ids import (
    ExamplePlace,
    FramePlace,
    GoldenPlace,
    bundle_number,
    camera_number,
)
from taktsight.inspect.review.pictures.judging import JudgeFrame
from taktsight.inspect.review.pictures.picture_files import Picture, read_picture

REPLACED = "the file is not the frame that was judged"
UNKNOWN = "the ledger has no digest of this frame: whether it is the one that was judged, nobody knows"
NO_SUCH = "there is no such picture"


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame that may be shown."""

    view: str
    file: str
    sha256: str
    """Of the pixels that were judged; "" where nobody knows."""
    bundle: str
    """Digest of the bundle that judged it."""
    recipe: str
    scores: Mapping[str, float] = field(default_factory=dict)
    """As recorded."""
    golden: BundleAtHand | None = None
    part: PartRow | None = None
    example: TrainingExample | None = None


class Frames:
    """Looks names up; any thread may ask."""

    def __init__(
        self, index: PartIndex, bundles: Sequence[BundleAtHand], examples: Sequence[TrainingExample] = ()
    ) -> None:
        self._index = index
        self._examples = {each.number: each for each in examples}
        self._bundles = {each.bundle.digest: each for each in bundles}

    def shown(self, image_id: str) -> Shown:
        """What a name is of.

        Raises:
            ReviewError: If nobody was ever given this name, or what it is of is gone from the records.
        """
        place = self._index.ids.place(image_id)
        if isinstance(place, ExamplePlace):
            return self._example(place)
        return self._golden(place) if isinstance(place, GoldenPlace) else self._of_part(place)

    def read(self, shown: Shown) -> Picture:
        """Its pixels.

        Raises:
            DataError: If it was removed, or is no image.
        """
        if shown.golden is not None:
            image = shown.golden.bundle.golden[shown.file]
            return Picture(image, pixels_digest(image))
        if shown.example is not None:
            return Picture(shown.example.read(), "")
        return read_picture(self._index.records, shown.file)

    def judging(self, shown: Shown) -> JudgeFrame | str:
        """What the process that judges again is asked; in a sentence, why it cannot be."""
        if not shown.bundle:
            return "nobody judged it: there is nothing to draw"
        at_hand = self._bundles.get(shown.bundle)
        if at_hand is None:
            named = f"the bundle that judged it ({shown.bundle:.12})"
            return f"{named} is not at hand; start the bench with --bundle"
        return JudgeFrame(
            at_hand.path.resolve(),
            shown.bundle,
            shown.recipe,
            at_hand.recipe_files,
            shown.view,
            self._index.records.resolve(),
            shown.file,
            shown.sha256,
            tuple(shown.scores.items()),
            is_golden=shown.golden is not None,
        )

    def golden_names(self, bundle: str) -> list[tuple[str, str, str, str]]:
        """Image id, view, truth and entry's name of each golden frame of a bundle; empty where it is not at
        hand.
        """
        at_hand = self._bundles.get(bundle)
        if at_hand is None:
            return []
        found, names = [], sorted(at_hand.bundle.golden)
        card = at_hand.bundle.card
        for sample in card.golden:
            worst = max(range(len(card.labels)), key=lambda place: sample.scores[place])
            truth = "good" if sample.outcome.value == "PASS" else card.labels[worst]
            for view, file in zip(card.views, sample.frames, strict=True):
                place = GoldenPlace(bundle_number(bundle), names.index(file))
                found.append((self._index.ids.name(place), view, truth, file))
        return found

    def trained(self) -> list[tuple[str, TrainingExample]]:
        """Image id and each of the training images."""
        name = self._index.ids.name
        return [(name(ExamplePlace(number)), each) for number, each in self._examples.items()]

    def _example(self, place: ExamplePlace) -> Shown:
        example = self._examples.get(place.number)
        if example is None:
            raise ReviewError(f"{NO_SUCH}: its folder of examples is not at hand any more")
        return Shown("", example.image.name, "", "", "", example=example)

    def _golden(self, place: GoldenPlace) -> Shown:
        for digest, at_hand in self._bundles.items():
            names = sorted(at_hand.bundle.golden)
            if bundle_number(digest) == place.bundle and place.frame < len(names):
                file = names[place.frame]
                return self._golden_frame(at_hand, file)
        raise ReviewError(f"{NO_SUCH}: its bundle is not at hand any more")

    def _golden_frame(self, at_hand: BundleAtHand, file: str) -> Shown:
        card = at_hand.bundle.card
        for sample in card.golden:
            if file in sample.frames:
                view = card.views[sample.frames.index(file)]
                scores = dict(zip(card.labels, sample.scores, strict=True)) if len(card.views) == 1 else {}
                return Shown(view, file, "", at_hand.bundle.digest, "", scores, golden=at_hand)
        return Shown("", file, "", "", "", golden=at_hand)  # a golden template

    def _of_part(self, place: FramePlace) -> Shown:
        rows = self._index.parts([place.seq])
        if not rows:
            raise ReviewError(NO_SUCH)
        frame = _frame(rows[0], place.camera)
        judged = rows[0].bundle if rows[0].scores else ""
        scores = dict(rows[0].scores.get(frame.view, {}))
        return Shown(frame.view, frame.file, frame.sha256, judged, rows[0].recipe, scores, part=rows[0])


def fault_of(shown: Shown, picture: Picture) -> str | None:
    """Why a frame must not be taken for the one that was judged; None where it is the one."""
    if shown.golden is not None or shown.example is not None:
        return None
    if not shown.sha256:
        return UNKNOWN
    return None if picture.sha256 == shown.sha256 else REPLACED


def _frame(row: PartRow, camera: int) -> FrameRef:
    for view, frame in row.frames.items():
        if camera_number(view) == camera:
            if not frame.is_kept:
                raise DataError(f"the frame of view {view} is no longer kept")
            return frame
    raise ReviewError(NO_SUCH)
