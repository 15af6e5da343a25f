"""A bundle of the spot model, certified on made-up parts."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from taktsight.bundle import Bundle, read_bundle, write_bundle
from taktsight.quality.certificate import Certificate, Evidence
from taktsight.quality.certifying import certify
from taktsight.quality.claims import Wanted
from taktsight.quality.issuing import Subject, certified_recipe, issue
from taktsight.quality.parts import Parts
from taktsight.recipe import Recipe

from ..inspect.spots import spot_bundle
from .made_up import make_parts

EVIDENCE = Evidence(name="parts.csv", kind="table", sha256=64 * "a", rows=800)


def spot_parts(defective: int = 400, good: int = 400, *, noise: float = 0.0) -> Parts:
    """Parts of the spot model's one label."""
    made = make_parts(defective, good)
    scores = made.scores.copy()
    if noise:
        scores[defective : defective + good // 10] = noise
    truth = type(made.truth)(("good", "spot"), made.truth.codes)
    return Parts(made.part, truth, ("spot",), scores)


def certified(folder: Path, *, noise: float = 0.0) -> tuple[Bundle, Certificate, Recipe]:
    """The bundle with its certificate in it, the certificate, and the recipe that it certifies."""
    path = spot_bundle(folder / "plain.taktsight")
    bundle = read_bundle(path)
    recipe, wanted = bundle.card.own_recipe(), Wanted()
    subject = Subject(
        bundle, recipe, "onnxruntime:f32", "f32", (EVIDENCE,), "made-up parts", date(2026, 11, 26)
    )
    shown = certify(spot_parts(noise=noise), wanted)
    certificate = issue(shown, subject, wanted)
    out = folder / "certified.taktsight"
    write_bundle(out, bundle.card, bundle.model, bundle.golden, certificate=certificate)
    return read_bundle(out), certificate, certified_recipe(shown, subject, wanted)
