"""The certificate: limits with the bounds they were certified to, and the digests that this holds for.

It lies in the bundle as ``certificate.json``, signed with everything else. The line reads it, so nothing
here computes statistics.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from taktsight.imaging import Canvas
from taktsight.manifest import Digest
from taktsight.recipe import Limit, Recipe
from taktsight.strict_json import parse_json
from taktsight.strict_model import StrictModel

CERTIFICATE = "certificate.json"
"""Its entry in the bundle."""
Kind = Literal["escape", "overkill", "false reject"]
"""escape: a defective part passed ÷ defective parts. overkill: a good part did not pass ÷ good parts.
false reject: a good part was rejected ÷ good parts; those that go to review are not counted."""
Method = Literal[
    "fixed-sequence Learn-then-Test, exact binomial", "exact binomial at limits chosen elsewhere"
]
Unit = Literal["part", "lot"]
Scope = Literal["label", "part"]
"""label: every label's escapes are bounded, each. part: those of defective parts as they were mixed."""
Chance = Annotated[float, Field(gt=0, lt=1)]


class Claim(StrictModel):
    """One rate that is at most so much, with so much confidence."""

    kind: Kind
    label: str | None = None
    """Of an escape claim about one label; None: of all parts."""
    units: int = Field(ge=1)
    """n: parts or lots that it was tested on."""
    events: int = Field(ge=0)
    """k: how many escaped, or were held up, at the certified limits. Of a label: by its own score alone,
    whatever other label held them."""
    allowed: int = Field(ge=0)
    """The most events that still show it: the largest k with BinomCDF(k; n, alpha) ≤ delta."""
    alpha: Chance
    """The rate is at most this."""
    delta: Chance
    """Chance that the test claims it wrongly, after the correction for several claims."""

    @model_validator(mode="after")
    def _is_shown(self) -> Claim:
        if not self.events <= self.allowed < self.units:
            raise ValueError(f"{self.events} events of {self.units}, and {self.allowed} are allowed")
        return self

    @property
    def subject(self) -> str:
        """What it is about."""
        return self.kind if self.label is None else f"{self.kind} of {self.label}"


class Counted(StrictModel):
    """A share that was counted at the certified limits, with its one-sided bound. No target was set."""

    events: int = Field(ge=0)
    parts: int = Field(ge=1)
    upper: float = Field(ge=0, le=1)
    """One-sided bound at the confidence of the claim about good parts."""


class Evidence(StrictModel):
    """Parts that were judged."""

    name: str
    """Of the file or folder, without the place where it lay."""
    kind: Literal["table", "images"]
    """Whether scores were read, or the bundle judged images."""
    sha256: Digest
    """Of the table's bytes; of images, of their content and labels, whatever their order."""
    rows: int = Field(ge=1)


class Place(StrictModel):
    """The station that the parts came from."""

    name: str = Field(min_length=1)
    cameras: Digest
    """SHA-256 of its cameras' settings."""


class Certificate(StrictModel):
    """``certificate.json``."""

    format: Literal[1] = 1
    product: str = Field(min_length=1)
    """The ``name`` on the bundle's card."""
    model: Digest
    """SHA-256 of the network that gave the scores."""
    engine: str
    """What ran it, such as onnxruntime:f32."""
    preprocessing: Digest
    """Of canvas, regions, scale and golden templates: see :func:`preprocessing_digest`."""
    recipe: Digest
    """Of the recipe with these limits."""
    limits: tuple[Limit, ...] = Field(min_length=1)
    station: Place | None = None
    data: tuple[Evidence, ...] = Field(min_length=1)
    unit: Unit
    scope: Scope
    defective: int = Field(ge=1)
    """Defective units."""
    good: int = Field(ge=1)
    """Good units."""
    method: Method
    claims: tuple[Claim, ...] = Field(min_length=1)
    simultaneous: str
    """Which of the claims hold together, and with what confidence."""
    overkill: Counted
    """Good units that did not pass, those that go to review among them."""
    reviewed: Counted
    """Good units that go to review."""
    population: str = Field(min_length=1)
    """What the parts are a sample of, in words: it holds for parts like these and no others."""
    issued: date
    """In UTC."""
    taktsight: str
    """Version that issued it."""
    warnings: tuple[str, ...] = ()
    """What a reader has to know before believing it."""

    @property
    def content(self) -> bytes:
        """The canonical bytes: sorted, indented, the same from the same values."""
        content = self.model_dump(mode="json")
        return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes: what ``sha256sum certificate.json`` says."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def by_label(self) -> dict[str, Limit]:
        """The certified limit of each label."""
        return {limit.label: limit for limit in self.limits}

    def claims_of(self, kind: Kind) -> Sequence[Claim]:
        """Its claims of one kind."""
        return [claim for claim in self.claims if claim.kind == kind]


def parse_certificate(content: bytes) -> Certificate:
    """The certificate in canonical bytes.

    Raises:
        ValueError: If it is none, or its bytes are not the canonical ones.
    """
    parse_json(content)
    try:
        certificate = Certificate.model_validate_json(content, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the whole"
        raise ValueError(f"{place}: {first['msg']}") from None
    if certificate.content != content:
        raise ValueError("its bytes are not the canonical ones: it was written by somebody else")
    return certificate


def preprocessing_digest(recipe: Recipe, canvas: Canvas) -> str:
    """Digest of what is done to a frame before the network sees it, and of the scale areas are measured in.

    What the cameras are called is no part of it, nor is image health, which lets fewer parts pass.
    """
    views = [
        {"roi_px": view.roi_px, "mm_per_px": view.mm_per_px, "reference": view.reference_sha256}
        for view in recipe.views
    ]
    content = json.dumps({"canvas": asdict(canvas), "views": views}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
