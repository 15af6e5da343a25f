"""From the frames of a part to its verdict: prepare, infer, locate, decide. No process, no camera."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from taktsight.bundle import Bundle
from taktsight.card import Card, GoldenSample
from taktsight.errors import BackendError
from taktsight.imaging import Batch, Layout, prepare, read_outputs
from taktsight.inspect.backends.backend import Backend
from taktsight.inspect.engines import REFERENCE
from taktsight.recipe import Recipe, View, decide
from taktsight.records import Frame, Image, Inspection, Part, Prediction

GOLDEN_TOLERANCE = 1e-3
"""Engines on other processors round otherwise: measured differences stay below 1e-4."""
STAGES = ("prepare", "infer", "locate", "decide")


@dataclass(frozen=True, slots=True)
class NetworkInput:
    """A frame, prepared for the engine."""

    batch: Batch
    layout: Layout
    took_ns: int


class Inspector:
    """An engine, the card of the model in it, and the recipe to judge by.

    A model that compares needs ``references``: the golden template (H, W, C) of each camera.
    """

    def __init__(
        self,
        backend: Backend,
        card: Card,
        recipe: Recipe,
        bundle_digest: str = "",
        references: Mapping[str, Image] = MappingProxyType({}),
    ) -> None:
        by_label = {limit.label: limit.map_score for limit in recipe.limits}
        self.recipe = recipe
        self._backend = backend
        self._card = card
        self._map_scores = [by_label[label] for label in card.labels]
        self._views = {view.camera: view for view in recipe.views}
        self._digests = (bundle_digest, recipe.digest)
        self._references = references

    def against(self, references: Mapping[str, Image]) -> Inspector:
        """The same, comparing with other golden templates."""
        return Inspector(self._backend, self._card, self.recipe, self._digests[0], references)

    def prepare(self, frame: Frame) -> NetworkInput | None:
        """The network's input; any thread may make it ahead. None where the recipe does not look.

        Raises:
            ValueError: If the frame does not fit the recipe's view.
        """
        view = self._views.get(frame.camera)
        if view is None:
            return None
        started_ns = time.monotonic_ns()
        template = self._references.get(view.camera)
        batch, layout = prepare(frame.image, view.roi_px, self._card.canvas, template)
        return NetworkInput(batch, layout, time.monotonic_ns() - started_ns)

    def inspect(self, part: Part, ahead: Mapping[str, NetworkInput] = MappingProxyType({})) -> Inspection:
        """The verdict of a part, with what it rests on and the time of each stage.

        Args:
            part: its frames.
            ahead: of cameras whose frames :meth:`prepare` of this inspector has prepared.

        Raises:
            ValueError: If a frame does not fit the recipe's view.
            BackendError: If the engine fails, or answers with something that is no score or map: NaN, a
                value outside 0–1, a wrong size.
        """
        stage_ns = dict.fromkeys(STAGES, 0)
        predictions = []
        for frame in part.frames:
            prepared = ahead.get(frame.camera) or self.prepare(frame)
            if prepared is not None:
                predictions.append(self._predict(prepared, self._views[frame.camera], stage_ns))
        started = time.monotonic_ns()
        verdict = decide(tuple(predictions), self.recipe)
        stage_ns["decide"] = time.monotonic_ns() - started
        return Inspection(part, verdict, tuple(predictions), *self._digests, stage_ns)

    def _predict(self, prepared: NetworkInput, view: View, stage_ns: dict[str, int]) -> Prediction:
        batch, layout = prepared.batch, prepared.layout
        started = time.monotonic_ns()
        maps, scores = self._backend.infer(batch)
        inferred = time.monotonic_ns()
        labels = self._card.labels
        if maps.shape[:2] != (len(batch), len(labels)) or scores.shape != (len(batch), len(labels)):
            raise BackendError(
                f"the network gave maps {maps.shape} and scores {scores.shape} "
                f"for {len(batch)} tiles and {len(labels)} labels"
            )
        try:
            prediction = read_outputs(
                maps, scores, labels, self._map_scores, layout, mm_per_px=view.mm_per_px, view=view.camera
            )
        except ValueError as error:  # the frame fitted: what cannot be read is the engine's doing
            raise BackendError(f"view {view.camera}: {error}") from error
        located = time.monotonic_ns()
        stage_ns["prepare"] += prepared.took_ns
        stage_ns["infer"] += inferred - started
        stage_ns["locate"] += located - inferred
        return prediction


def golden_mistakes(backend: Backend, bundle: Bundle, engine: str = REFERENCE) -> list[str]:
    """Replays the golden samples under the card's own limits; one sentence for each that differs.

    Args:
        backend: the engine.
        bundle: with the golden samples.
        engine: its name; scores may differ as far as they did when the engine was proved.
    """
    parity = bundle.card.parity_of(engine)
    tolerance = GOLDEN_TOLERANCE + (parity.max_score_difference if parity else 0.0)
    inspector = Inspector(backend, bundle.card, bundle.card.own_recipe())
    mistakes = [] if bundle.card.golden else ["the bundle has none to replay"]
    for sample in bundle.card.golden:
        part, templates = golden_part(bundle, sample)
        mistake = _golden_mistake(sample, inspector.against(templates).inspect(part), tolerance)
        if mistake:
            mistakes.append(mistake)
    return mistakes


def golden_part(bundle: Bundle, sample: GoldenSample) -> tuple[Part, dict[str, Image]]:
    """A golden sample as a part, and its golden template by view; empty where nothing is compared."""
    views = bundle.card.views
    frames = zip(views, sample.frames, strict=True)
    part = Part(0, tuple(Frame(bundle.golden[file], 0, 0, view) for view, file in frames))
    templates = zip(views[: len(sample.references)], sample.references, strict=True)
    return part, {view: bundle.golden[file] for view, file in templates}


def _golden_mistake(sample: GoldenSample, inspection: Inspection, tolerance: float) -> str | None:
    scores = np.max([prediction.scores for prediction in inspection.predictions], axis=0)
    wanted = np.asarray(sample.scores, np.float32)
    if inspection.verdict.outcome is not sample.outcome:
        return f"{sample.file} is {inspection.verdict.outcome.value}, the card says {sample.outcome.value}"
    if wanted.shape != scores.shape or not np.abs(wanted - scores).max() <= tolerance:
        return f"{sample.file} scores {scores.tolist()}, the card says {list(sample.scores)}"
    return None
