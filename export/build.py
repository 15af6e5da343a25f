"""A trained and evaluated run as a bundle: ONNX, proof of parity, card, golden samples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import taktsight
from taktsight.bundle import write_bundle
from taktsight.card import Card, GoldenSample, Origin, Parity
from taktsight.datasets.samples import GOOD, Sample
from taktsight.errors import ConfigError, ExportError
from taktsight.export.parity import Compared, compare, prove
from taktsight.export.to_onnx import to_onnx
from taktsight.inspect.backends.ort import OnnxRuntimeBackend
from taktsight.inspect.inspector import Inspector
from taktsight.manifest import Manifest
from taktsight.records import Image
from taktsight.source_code import code_digest
from taktsight.training.evaluation.report import FIGURES_FILE, Evaluation, read_evaluation
from taktsight.training.evaluation_run import FOLDER
from taktsight.training.predict import part_scores
from taktsight.training.run_folder import TrainedRun


def build_bundle(
    run: TrainedRun,
    out: Path,
    *,
    key: Path | None = None,
    parity_parts: int = 200,
    version: int = 1,
    expires: date | None = None,
) -> tuple[Card, str]:
    """Writes the bundle of a run and returns its card and its digest.

    Args:
        run: trained and evaluated; the card carries the limits and figures of that evaluation.
        out: the file.
        key: PEM file of a P-256 private key, or None for an unsigned bundle.
        parity_parts: test parts that both models judge; every label is among them.
        version: of the product's bundle, higher than that of the one it replaces.
        expires: the last day, in UTC, on which a line may start with it.

    Raises:
        ConfigError: If the run has no manifest, was not evaluated, or was trained again since.
        ExportError: If the exported model answers differently, or the file cannot be written.
    """
    if run.manifest is None:
        raise ConfigError(
            f"{run.folder}: was trained before runs had a manifest, so nothing says what its weights were "
            "made of; train again"
        )
    evaluation = _evaluation_of(run)
    model = to_onnx(run.module.network, run.data.canvas)
    card = _unproved_card(run, evaluation, run.manifest)
    inspector = Inspector(OnnxRuntimeBackend(model), card, card.own_recipe())
    samples = spread(run.data.split("test"), parity_parts)
    compared = compare(run, inspector, samples)
    parity = prove(compared, f"PyTorch float32 against ONNX Runtime float32 on {len(samples)} test parts")
    golden, frames = choose_golden(compared)
    known = {"parity": parity, "golden": golden, "version": version, "expires": expires}
    card = card.model_copy(update=known)
    digest = write_bundle(out, card, model, frames, key=key)
    return card, digest


def spread(samples: Sequence[Sample], count: int) -> list[Sample]:
    """At most ``count`` samples, each label in turn: a rare label is not left to chance."""
    queues: dict[str, list[Sample]] = {}
    for sample in samples:
        queues.setdefault(sample.label, []).append(sample)
    rounds = max(map(len, queues.values()))
    turns = [queue[turn] for turn in range(rounds) for queue in queues.values() if turn < len(queue)]
    return turns[:count]


def _evaluation_of(run: TrainedRun) -> Evaluation:
    file = run.folder / FOLDER / FIGURES_FILE
    if not file.is_file():
        raise ConfigError(f"{file}: is missing; first run 'taktsight evaluate {run.folder}'")
    evaluation = read_evaluation(file)
    if evaluation.subject.digests.get("weights") != run.weights_digest:
        raise ConfigError(
            f"{file}: is about other weights than best.ckpt; run 'taktsight evaluate {run.folder}' again"
        )
    return evaluation


def _unproved_card(run: TrainedRun, evaluation: Evaluation, manifest: Manifest) -> Card:
    return Card(
        name=evaluation.subject.model,
        task=run.task,
        labels=run.module.labels,
        described=run.data.book.described(run.module.labels) if run.data.book else (),
        canvas=run.data.canvas,
        views=run.data.views,
        mm_per_px=run.data.mm_per_px,
        limits=evaluation.figures.limits,
        operating_point=evaluation.figures.operating_point,
        parity=Parity(
            reference="not yet compared",
            parts=1,
            flips=0,
            flips_upper=1,
            max_map_difference=0,
            max_score_difference=0,
        ),
        golden=(),
        origin=Origin(training=manifest, code=code_digest(), taktsight=taktsight.__version__),
    )


def choose_golden(compared: Sequence[Compared]) -> tuple[tuple[GoldenSample, ...], dict[str, Image]]:
    """The surest part of each label that was judged rightly: rounding never moves it across a limit.

    Raises:
        ExportError: If no part was judged rightly.
    """
    chosen: dict[str, Compared] = {}
    for each in compared:
        label = each.sample.label
        right = (each.exported.outcome.value == "PASS") == (label == GOOD)
        if right and (label not in chosen or _certainty(each) > _certainty(chosen[label])):
            chosen[label] = each
    if not chosen:
        raise ExportError(
            f"not one of {len(compared)} test parts is judged rightly: the line would have nothing to "
            "prove the bundle with. Train longer, or look at the evaluation's report. Nothing was written"
        )
    samples: list[GoldenSample] = []
    files: dict[str, Image] = {}
    for number, label in enumerate(sorted(chosen)):
        each = chosen[label]
        name = f"{number}-{re.sub(r'[^A-Za-z0-9._-]+', '-', label)}"
        endings = ["", *(f"-{view}" for view in range(1, len(each.images)))]
        first, *others = (f"golden/{name}{ending}.png" for ending in endings)
        references = tuple(f"golden/{name}-template-{view}.png" for view in range(len(each.references)))
        files |= dict(zip((first, *others, *references), (*each.images, *each.references), strict=True))
        samples.append(
            GoldenSample(
                file=first,
                other_views=tuple(others),
                references=references,
                outcome=each.exported.outcome,
                scores=tuple(part_scores(each.predictions).tolist()),
            )
        )
    return tuple(sorted(samples, key=lambda sample: sample.file)), files


def _certainty(compared: Compared) -> float:
    score = float(part_scores(compared.predictions).max())
    return score if compared.sample.is_defective else -score
