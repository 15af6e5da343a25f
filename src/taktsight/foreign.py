"""A network that was trained elsewhere: what its file takes and gives, as its owner stated it.

Nothing of it is guessed: who states it wrongly gets the figures of a wrong network on the card.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from taktsight.manifest import Digest, Split
from taktsight.strict_model import StrictModel

Activation = Literal["sigmoid", "softmax", "none"]
Axes = Literal["nchw", "nhwc"]
Colour = Literal["mono", "rgb", "bgr"]


class Preparation(StrictModel):
    """What is done to a canvas before the foreign network, and to its outputs behind it."""

    colour: Colour
    axes: Axes
    mean: tuple[float, ...] = Field(min_length=1, max_length=3)
    """Subtracted from pixels of 0–1, channel by channel in the order of ``colour``."""
    deviation: tuple[float, ...] = Field(min_length=1, max_length=3)
    """What they are divided by then."""
    resize: tuple[int, int] | None = None
    """Rows and columns that the canvas is resized to within the graph, bilinear with antialias; None: not
    at all. A defect of few pixels may be lost there."""
    activation: Activation
    """What makes 0–1 of the outputs; softmax goes over the classes."""
    classes: tuple[str, ...] = Field(min_length=1)
    """All of the network's classes in its own order, good parts or the background among them."""
    good: str | None = None
    """The class that is no defect; None where every class is one."""

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Preparation:
        channels = 1 if self.colour == "mono" else 3
        if len(self.mean) != channels or len(self.deviation) != channels:
            raise ValueError(
                f"{self.colour} has {channels} channels, got {len(self.mean)} means and "
                f"{len(self.deviation)} deviations"
            )
        if not all(abs(mean) <= 1 for mean in self.mean):
            raise ValueError(f"means are of pixels 0–1, got {self.mean}; divide those of 0–255 by 255")
        if not all(0 < deviation <= 1 for deviation in self.deviation):
            raise ValueError(
                f"deviations are of pixels 0–1 and above 0, got {self.deviation}; divide those of 0–255 by "
                "255"
            )
        if len(set(self.classes)) < len(self.classes):
            raise ValueError(f"a class stands twice: {self.classes}")
        if self.good is not None and self.good not in self.classes:
            raise ValueError(f"{self.good!r} is none of the classes {self.classes}")
        if not self.labels:
            raise ValueError(f"the classes {self.classes} hold no defect")
        if self.activation == "softmax" and len(self.classes) == 1:
            raise ValueError("a softmax over one class is always 1; state sigmoid")
        return self

    @property
    def labels(self) -> tuple[str, ...]:
        """The K defect labels, in the network's order."""
        return tuple(name for name in self.classes if name != self.good)

    def in_words(self) -> str:
        """One line."""
        resized = f", resized to {self.resize[0]}×{self.resize[1]} (lossy)" if self.resize else ""
        return (
            f"{self.colour}, {self.axes}, mean {_said(self.mean)}, deviation {_said(self.deviation)}"
            f"{resized}; {self.activation} over {', '.join(self.classes)}"
        )


class Foreign(StrictModel):
    """Where an imported network comes from. What it was trained on, nobody here knows."""

    file: str
    """Its name."""
    sha256: Digest
    """Of the file."""
    producer: str
    """What the file says wrote it."""
    maps: str | None
    """Output that became the maps; None where the scores were spread over them."""
    scores: str | None
    """Output that became the scores; None where they are read from the maps."""
    preparation: Preparation
    data: Mapping[Split, Digest]
    """Of the parts that the limits were chosen and the figures measured on, and of those that int8 was
    calibrated on."""
    parts: Mapping[Split, int]
    """How many."""
    calibrated_on: Literal["train", "val"] | None = None
    """Parts that int8 ranges were measured on; None where there is no int8 model."""
    answers: Digest | None = None
    """Of a file of scores that the network's own framework gave and that were found again; None where
    its owner gave none."""
    answered: int | None = Field(default=None, ge=1)
    """Images whose scores were found again; None where its owner gave none, or nobody counted them yet."""

    @model_validator(mode="after")
    def _counts_its_parts(self) -> Foreign:
        for split in ("val", "test", self.calibrated_on):
            if split is not None and (split not in self.data or split not in self.parts):
                raise ValueError(f"says nothing of the {split} parts")
        return self

    def in_words(self) -> tuple[str, ...]:
        """Lines for a person, each with its subject first."""
        counted = f" of {self.answered} images" if self.answered else ""
        proof = (
            f"its own framework's scores{counted} were found again ({self.answers[:12]}…)"
            if self.answers
            else "its owner's word: no scores of its own framework were given"
        )
        return (
            f"imported   {self.file} ({self.sha256}), written by {self.producer}",
            f"stated     {self.preparation.in_words()}",
            f"stated by  {proof}",
            f"judged on  {self.parts['val']} val and {self.parts['test']} test parts (data val "
            f"{self.data['val'][:12]}…, test {self.data['test'][:12]}…)",
            *self._calibrated(),
            "made from  not known: nothing says that it did not learn from these parts",
        )

    def _calibrated(self) -> tuple[str, ...]:
        if self.calibrated_on is None:
            return ()
        count, digest = self.parts[self.calibrated_on], self.data[self.calibrated_on]
        return (
            f"rounded on {count} {self.calibrated_on} parts (data {self.calibrated_on} {digest[:12]}…): "
            "int8 ranges",
        )


def _said(values: tuple[float, ...]) -> str:
    return "/".join(f"{value:g}" for value in values)
