"""The card of a bundle: what the model is, what it was proved to do, and how to judge with it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from taktsight.defect_book import Described
from taktsight.foreign import Foreign
from taktsight.imaging import Canvas
from taktsight.manifest import Digest, Manifest
from taktsight.recipe import Limit, Recipe, View
from taktsight.records import Outcome
from taktsight.strict_model import StrictModel

Task = Literal["segmentation", "classification", "anomaly", "comparison"]
MAX_VERSION = 1_000_000
NOT_YET_COMPARED = "not yet compared"
GoldenFile = Annotated[str, Field(pattern=r"^golden/[A-Za-z0-9._-]+\.png$")]


class GoldenSample(StrictModel):
    """A part whose verdict is known: replayed before the model may judge parts."""

    file: GoldenFile
    """The frame of the first view."""
    other_views: tuple[GoldenFile, ...] = ()
    """The frames of the other views, in the order of the card's."""
    references: tuple[GoldenFile, ...] = ()
    """Of a model that compares: the golden template of each view."""
    outcome: Outcome
    """The verdict under the card's own limits."""
    scores: tuple[float, ...]
    """(K,) part scores 0–1 as ONNX Runtime gave them at export; of several views each label's highest."""

    @property
    def frames(self) -> tuple[str, ...]:
        """One file per view."""
        return (self.file, *self.other_views)

    @property
    def files(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.frames, *self.references)


class Parity(StrictModel):
    """How far an engine's answers are from those of the trained network, on real parts."""

    engine: str
    """Kind and precision, such as onnxruntime:f32; with a device where it is not the CPU."""
    reference: str
    """What was compared with what."""
    parts: int = Field(ge=1)
    flips: int = Field(ge=0)
    """Parts whose verdict differs."""
    flips_upper: float = Field(ge=0, le=1)
    """One-sided 95 % Clopper–Pearson bound on the share of flipped parts."""
    max_map_difference: float = Field(ge=0)
    p999_map_difference: float = Field(ge=0)
    """Of the largest difference of each part, the 99.9th percentile of its pixels, the highest."""
    relative_map_difference: float = Field(ge=0)
    """Norm of all differences ÷ norm of all maps."""
    max_score_difference: float = Field(ge=0)

    @property
    def flip_share(self) -> float:
        """Share of the compared parts whose verdict flipped."""
        return self.flips / self.parts

    @property
    def is_compared(self) -> bool:
        """Whether an engine really judged parts: see :func:`not_yet_compared`."""
        return self.reference != NOT_YET_COMPARED

    def __str__(self) -> str:
        return (
            f"parity {self.engine}: {self.flips} of {self.parts} verdicts flipped (at most "
            f"{self.flips_upper:.2%} with 95 % confidence), maps differ by at most "
            f"{self.max_map_difference:.1e}"
        )


def not_yet_compared(engine: str) -> Parity:
    """What stands on a card until the engine was compared: no flip was seen, and none is ruled out.

    It lets a card be judged with, never shipped: no bundle is written or read with it. ``parts`` is 1
    because no parity is stated on none.
    """
    return Parity(
        engine=engine,
        reference=NOT_YET_COMPARED,
        parts=1,
        flips=0,
        flips_upper=1,
        max_map_difference=0,
        p999_map_difference=0,
        relative_map_difference=0,
        max_score_difference=0,
    )


class OperatingPoint(StrictModel):
    """Where the limits stand and what they did on parts the model had not learned from."""

    chosen_on: str
    """Split the thresholds were chosen on."""
    measured_on: str
    """Split the figures below were measured on."""
    defective: int = Field(ge=0)
    escapes: int = Field(ge=0)
    escape_upper: float = Field(ge=0, le=1)
    """Upper end of the two-sided 95 % Clopper–Pearson interval."""
    good: int = Field(ge=0)
    overkills: int = Field(ge=0)
    overkill_upper: float = Field(ge=0, le=1)


class Origin(StrictModel):
    """Where the bundle comes from."""

    training: Manifest | Foreign
    """What the weights were made of; of an imported network, what is known instead."""
    code: Digest
    """Every Python file of the Taktsight that exported them."""
    taktsight: str
    """Its version."""

    @property
    def weights(self) -> str | None:
        """Digest of the trained weights; None of an imported network."""
        return self.training.weights if isinstance(self.training, Manifest) else None


class Card(StrictModel):
    """``card.json``."""

    format: Literal[1] = 1
    name: str = Field(min_length=1)
    """Of the product, the same from training to training: a station takes no lower version of this name
    than it has run."""
    version: int = Field(default=1, ge=1, le=MAX_VERSION)
    """Higher with each bundle of a product that replaces another."""
    expires: date | None = None
    """The last day, in UTC, on which a line may start with it; None without end."""
    task: Task
    labels: tuple[str, ...] = Field(min_length=1)
    """K defect labels, in the order of maps and scores."""
    described: tuple[Described, ...] = ()
    """What labels mean and how grave they are, from the defect book; none where there was no book."""
    canvas: Canvas
    views: tuple[str, ...] = Field(default=("camera",), min_length=1)
    """Names of the views that a part was learned from, one at least."""
    mm_per_px: float | None = Field(default=None, gt=0)
    """Scale of the frames the model learned from; None where the data say none."""
    limits: tuple[Limit, ...] = Field(min_length=1)
    operating_point: OperatingPoint
    flip_limit: float = Field(default=0.0, ge=0, le=0.05)
    """Share of parts that an engine may judge otherwise than the trained network, as it was exported."""
    parity: tuple[Parity, ...] = Field(min_length=1)
    """The engines that the bundle was proved on, ONNX Runtime in float32 first."""
    golden: tuple[GoldenSample, ...]
    origin: Origin

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Card:
        proved = [each.engine for each in self.parity]
        if len(set(proved)) < len(proved):
            raise ValueError(f"each engine is proved once, got {proved}")
        limited = [limit.label for limit in self.limits]
        if sorted(limited) != sorted(self.labels) or len(set(limited)) < len(limited):
            raise ValueError(f"each label has one limit; labels {self.labels}, limits for {limited}")
        paired = self.canvas.paired
        if (self.task == "comparison") != paired:
            raise ValueError(f"task {self.task} and canvas.paired {paired} contradict each other")
        named = [entry.name for entry in self.described]
        if not set(named) <= set(self.labels) or len(set(named)) < len(named):
            raise ValueError(f"labels {self.labels} are described once at most, got {named}")
        for sample in self.golden:
            views, held = len(self.views), (len(sample.frames), len(sample.references))
            if held != (views, views if paired else 0):
                raise ValueError(
                    f"{sample.file}: {held[0]} frames and {held[1]} golden templates for {views} views"
                )
            if len(sample.scores) != len(self.labels):
                scores, labels = len(sample.scores), len(self.labels)
                raise ValueError(f"{sample.file}: {scores} scores for {labels} labels")
        return self

    def parity_of(self, engine: str) -> Parity | None:
        """What was proved of an engine; None where nothing was."""
        return next((each for each in self.parity if each.engine == engine), None)

    @property
    def located(self) -> bool:
        """Whether the maps have pixels."""
        return self.task != "classification"

    def own_recipe(self, *cameras: str) -> Recipe:
        """The recipe the bundle carries: whole frames, the limits it was measured with.

        Args:
            cameras: what the station calls the camera of each view; the card's names where left out.
        """
        scale = self.mm_per_px or 1.0
        views = tuple(View(camera=camera, mm_per_px=scale) for camera in cameras or self.views)
        return Recipe(product=self.name, views=views, limits=self.limits, max_flip_share=self.flip_limit)
