"""The values that flow from the camera to the ledger. Frozen; checked once, at birth."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:  # the line process hands values on and has no need of numpy
    import numpy as np
    from numpy.typing import NDArray

Image: TypeAlias = "NDArray[np.uint8]"
"""(H, W, C) uint8, C = 1 (mono) or 3 (RGB)."""
Maps: TypeAlias = "NDArray[np.float32]"
"""(K, h, w) float32, 0–1: where each label is."""
Scores: TypeAlias = "NDArray[np.float32]"
"""(K,) float32, 0–1: how sure the network is that each label is there at all."""
_ONE_AS_BITS = 0x3F800000
"""1.0 in float32."""
Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels; x1 and y1 are exclusive."""


class Outcome(str, Enum):
    """What the gate is told. Only ``PASS`` opens it."""

    PASS = "PASS"
    REJECT = "REJECT"
    REVIEW = "REVIEW"
    UNINSPECTED = "UNINSPECTED"


@dataclass(frozen=True, slots=True)
class Frame:
    """One exposure of one part."""

    image: Image
    """(H, W, C) uint8, C = 1 (mono) or 3 (RGB). Never BGR, never float."""
    trigger: int
    """Consecutive since the station was armed: a gap is a part nobody looked at."""
    captured_ns: int
    """Monotonic clock at the trigger, ns."""
    camera: str
    """The station's name for the camera; the recipe's view carries the same name."""

    def __post_init__(self) -> None:
        check_image(self.image)
        if self.trigger < 0:
            raise ValueError(f"trigger must be ≥ 0, got {self.trigger}")


@dataclass(frozen=True, slots=True)
class Part:
    """One piece under its trigger number, seen from one or more views."""

    trigger: int
    frames: tuple[Frame, ...]
    """One per view, in the recipe's order."""
    serial: str | None = None
    """What is engraved or known of it upstream; the image's name where images are replayed."""

    def __post_init__(self) -> None:
        strangers = [frame.trigger for frame in self.frames if frame.trigger != self.trigger]
        if strangers:
            raise ValueError(f"part {self.trigger} holds frames of triggers {strangers}")


@dataclass(frozen=True, slots=True)
class Defect:
    """One connected region of one label in one view."""

    label: str
    score: float
    """0–1, the highest map value in the region."""
    box_px: Box
    """In frame pixels."""
    area_mm2: float
    view: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the network says of one view. There is no decision in it."""

    labels: tuple[str, ...]
    """K defect labels, in the bundle's order."""
    scores: Scores
    """(K,) float32, 0–1."""
    maps: Maps
    """(K, h, w) float32, 0–1; h = w = 1 for a classifier."""
    defects: tuple[Defect, ...] = ()
    view: str = ""

    def __post_init__(self) -> None:
        labels = len(self.labels)
        if self.scores.shape != (labels,) or self.maps.shape[:1] != (labels,) or self.maps.ndim != 3:
            raise ValueError(
                f"{labels} labels need scores ({labels},) and maps ({labels}, h, w), "
                f"got {self.scores.shape} and {self.maps.shape}"
            )
        _check_unit_range("scores", self.scores)
        _check_unit_range("maps", self.maps)

    def score_of(self, label: str) -> float:
        """The part score of one label, 0–1."""
        return float(self.scores[self.labels.index(label)])


@dataclass(frozen=True, slots=True)
class Verdict:
    """The one answer a part gets."""

    outcome: Outcome
    reasons: tuple[str, ...] = ()
    """In a person's words: "scratch: 0.80 mm² > 0.50 mm²", "late: 92 ms > 80 ms"."""

    def __post_init__(self) -> None:
        if self.outcome is not Outcome.PASS and not self.reasons:
            raise ValueError(f"a {self.outcome.value} must say why")


@dataclass(frozen=True, slots=True)
class Inspection:
    """A part, the verdict it got and what the verdict rests on."""

    part: Part
    verdict: Verdict
    predictions: tuple[Prediction, ...]
    """One per view."""
    bundle_digest: str
    recipe_digest: str
    stage_ns: dict[str, int] = field(default_factory=dict)
    """How long each stage took, ns, in the order they ran."""


def check_image(image: Image) -> None:
    """Raises ``ValueError`` unless ``image`` is (H, W, 1 or 3) uint8 with at least one pixel."""
    if image.dtype != "uint8" or image.ndim != 3 or image.shape[2] not in (1, 3) or not image.size:
        raise ValueError(
            f"an image is (H, W, 1 or 3) uint8, got {image.shape} {image.dtype}; "
            "convert in the camera, not later"
        )


def _check_unit_range(name: str, values: NDArray[np.float32]) -> None:
    # The bits of floats from 0 to 1 are in their order; negative ones and NaN lie above. One pass.
    if values.dtype == "float32" and values.size and values.view("uint32").max() <= _ONE_AS_BITS:
        return
    # NaN compares false with everything: unseen, it would let a part pass.
    if not (values.min(initial=1.0) >= 0.0 and values.max(initial=0.0) <= 1.0):
        raise ValueError(f"{name} must be finite and within 0–1: the network's output is broken")
