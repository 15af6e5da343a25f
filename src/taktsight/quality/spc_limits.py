"""Limits of a control chart as phase I leaves them in a file and phase II takes them from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from taktsight.errors import ConfigError
from taktsight.records import Outcome
from taktsight.strict_json import parse_json
from taktsight.strict_model import StrictModel
from taktsight.whole_files import whole_file

RuleSet = Literal["nelson", "western-electric", "limits"]
Method = Literal["normal", "exact"]
"""normal: centre ± 3 σ. exact: quantiles of the distribution itself."""
TAIL = 0.00135
"""Chance beyond each exact limit at most: what lies beyond 3 σ of a normal distribution on one side."""
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1)]


class ShareLimits(StrictModel):
    """Of defective parts: p and np."""

    chart: Literal["p", "np"]
    share: Share
    """p̄: defective ÷ inspected in phase I."""
    method: Method


class CountLimits(StrictModel):
    """Of defects: u and c."""

    chart: Literal["u", "c"]
    rate: Positive
    """ū or c̄: defects ÷ units in phase I."""
    method: Method


class LaneyLimits(StrictModel):
    """Of shares and rates whose subgroups scatter otherwise than binomial or Poisson ones (Laney 2002)."""

    chart: Literal["laney-p", "laney-u"]
    centre: Positive
    sigma_z: Positive
    """How many times as much: mean moving range of z ÷ 1.128."""


class GapLimits(StrictModel):
    """Between rare events: g (good parts between two defective ones) and t (time between two events)."""

    chart: Literal["g", "t"]
    mean: Positive
    """Gap, in good parts or seconds."""


class ValueLimits(StrictModel):
    """Of single measured values."""

    chart: Literal["i"]
    mean: Finite
    sigma: Positive
    """Mean moving range ÷ 1.128, or as it was given."""


class EwmaLimits(StrictModel):
    """Of the exponentially weighted moving average."""

    chart: Literal["ewma"]
    target: Finite
    sigma: Positive
    weight: float = Field(gt=0, le=1)
    """λ of the newest value."""
    width: Positive
    """L: half the width of the limits in standard deviations of the average."""
    start: Literal["steady", "growing"]
    """growing: narrower limits for the first points, of which the average has not yet settled."""


class CusumLimits(StrictModel):
    """Of the tabular cumulative sum, in the unit of the values."""

    chart: Literal["cusum"]
    target: Finite
    sigma: Positive
    allowance: float = Field(ge=0, allow_inf_nan=False)
    """k: half the shift that should be found."""
    interval: Positive
    """h: a sum strictly above it signals."""


class BernoulliLimits(StrictModel):
    """Of the cumulative sum over single parts (Reynolds and Stoumbos 1999)."""

    chart: Literal["bernoulli"]
    share: Share
    """p0: of defective parts that is accepted."""
    worse_share: Share
    """p1: that should be found."""
    steps: int = Field(ge=2)
    """m: a defective part adds 1 − 1/m, a good one takes 1/m off."""
    height: int = Field(ge=1)
    """H: a sum strictly above H/m signals."""

    @model_validator(mode="after")
    def _is_worse(self) -> BernoulliLimits:
        if self.worse_share <= self.share:
            raise ValueError(f"worse_share {self.worse_share} must lie above share {self.share}")
        return self


Limits = Annotated[
    ShareLimits
    | CountLimits
    | LaneyLimits
    | GapLimits
    | ValueLimits
    | EwmaLimits
    | CusumLimits
    | BernoulliLimits,
    Field(discriminator="chart"),
]


class LedgerPart(StrictModel):
    """A part of a ledger."""

    run: str
    trigger: int


class OfLedger(StrictModel):
    """How the points of phase I came out of a ledger: those of phase II come out of it in the same way."""

    count: tuple[Outcome, ...] = Field(min_length=1)
    """Outcomes that count."""
    per: int = Field(ge=1)
    """Inspected parts of a point; single parts and gaps have none."""
    last: LedgerPart
    """Of phase I; with the part after it phase II begins."""


class FrozenLimits(StrictModel):
    """The file."""

    format: Literal["taktsight-limits-1"] = "taktsight-limits-1"
    limits: Limits
    rules: RuleSet
    """That were looked at in phase I."""
    points: int = Field(ge=1)
    """Of phase I that the limits were computed from."""
    excluded: tuple[int, ...] = ()
    """Points of phase I that were left out, counted from 1."""
    stayed: tuple[int, ...] = ()
    """Points that lie beyond these limits and stayed in."""
    why: str = ""
    """Points were left out or stayed in: the cause, or that none was found."""
    data_sha256: str = Field(pattern="^([0-9a-f]{64})?$")
    """Of the table of phase I; "" where it came from a ledger."""
    ledger: OfLedger | None = None
    """None where they came from a table."""
    frozen_utc: str

    @model_validator(mode="after")
    def _excluded_with_a_cause(self) -> FrozenLimits:
        if (self.excluded or self.stayed) and not self.why.strip():
            raise ValueError(
                "points were excluded, or stayed in, and nothing says why: a point without a cause stays in"
            )
        return self


def write_limits(path: Path, frozen: FrozenLimits) -> None:
    """Writes the file; what was there before is replaced whole.

    Raises:
        ConfigError: If it cannot be written.
    """
    text = json.dumps(frozen.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"
    try:
        with whole_file(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error


def read_limits(path: Path) -> FrozenLimits:
    """The limits in a file that phase I wrote.

    Raises:
        ConfigError: If it is absent, or no such file.
    """
    try:
        content = path.read_bytes()
        parse_json(content)  # no key twice, no NaN
        return FrozenLimits.model_validate_json(content, strict=True)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; freeze limits first") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(step) for step in first["loc"])
        raise ConfigError(f"{path}: is no file of limits: {key}: {first['msg']}") from None
    except ValueError as error:
        raise ConfigError(f"{path}: is no file of limits: {error}") from error
