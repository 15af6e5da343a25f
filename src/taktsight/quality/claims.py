"""What is claimed of limits, in words: which claims hold together, and what makes them weaker."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from taktsight.quality.certificate import Claim, Scope, Unit
from taktsight.quality.design_effect import kish_design_effect, matters
from taktsight.quality.learn_then_test import Thresholds
from taktsight.quality.parts import Parts


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be certified."""

    escape: float = 0.01
    """At most this share of the defective parts may pass."""
    overkill: float = 0.05
    """At most this share of the good parts may be held up; with a review band: be rejected."""
    escape_delta: float = 0.05
    """Chance that the claims about escapes, all labels together, are wrong."""
    overkill_delta: float = 0.05
    """Chance that the claim about good parts is wrong."""
    scope: Scope = "label"
    unit: Unit = "part"


LOTS_SHARED = (
    "{:,} lots gave defective and good parts: the claim about good lots takes it that the limits chosen on "
    "their defective parts say nothing of their good ones"
)


def claimed_together(wanted: Wanted, claims: Sequence[Claim], thresholds: Thresholds) -> str:
    """Which claims hold together, with what confidence, in words."""
    escape, overkill = _percent(wanted.escape), _percent(wanted.overkill)
    escapes = [claim for claim in claims if claim.kind == "escape"]
    sure, both = 1 - wanted.escape_delta, 1 - wanted.escape_delta - wanted.overkill_delta
    unit = "parts" if wanted.unit == "part" else "lots with such parts"
    if wanted.scope == "part":
        said = (
            f"With {_percent(sure)} confidence at most {escape} of the defective {unit} "
            "pass, mixed as they were here"
        )
    else:
        several = len(escapes) > 1
        delta = f", each tested at {escapes[0].delta:.4g}" if several else ""
        every = f", for every label at once (Bonferroni over {len(escapes)}{delta}):" if several else ""
        said = (
            f"With {_percent(sure)} confidence{every} at most {escape} of the {unit} that have "
            f"the label pass, and so of defective {unit} of these labels, however they are mixed"
        )
    verb = "are rejected" if thresholds.has_band else "do not pass"
    return (
        f"{said}. With {_percent(1 - wanted.overkill_delta)} confidence at most {overkill} of the "
        f"good {wanted.unit}s {verb}. Both at once with {_percent(both)} at least"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"


def warnings_of(parts: Parts, unit: Unit) -> tuple[str, ...]:
    """What a reader has to know before believing that what is counted is independent."""
    if unit == "lot":
        lot = parts.groups["lot"].codes
        bad = parts.is_defective
        shared = np.intersect1d(lot[bad], lot[~bad]).size
        return (LOTS_SHARED.format(shared),) if shared else ()
    return (*_repeated(parts), *_alike(parts))


def _repeated(parts: Parts) -> list[str]:
    looks, count = len(parts), np.unique(parts.part.codes).size
    if looks == count:
        return []
    return [
        f"{looks:,} looks at {count:,} parts: a part escaped if it passed once, and a good one was held up "
        "if it was once"
    ]


def _alike(parts: Parts) -> list[str]:
    """From the likeness of their scores within lots."""
    lot = parts.group("lot")
    if lot is None or "" in lot.names:
        return ["the lots of the parts are not known: that the parts are independent is assumed"]
    warnings = []
    for kind, rows in (("defective", parts.is_defective), ("good", ~parts.is_defective)):
        scores, lots = parts.scores[rows].max(axis=1), lot.codes[rows]
        effect, count = kish_design_effect(scores, lots), np.unique(lots).size
        if count < 2:
            warnings.append(f"all {kind} parts are of one lot: nothing says how lots differ")
        elif effect is not None and matters(effect, count):
            worth = math.floor(scores.size / effect)
            warnings.append(
                f"{scores.size:,} {kind} parts of {count:,} lots resemble each other within lots and are "
                f"worth about {worth:,} independent ones (design effect {effect:.1f} of their scores): the "
                "claim is weaker than it says; certify by lot, or take parts of more lots"
            )
    return warnings
