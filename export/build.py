"""A trained and evaluated run as a bundle: ONNX, proof of parity, card, golden samples."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rich.progress import track

import taktsight
from taktsight.bundle import write_bundle
from taktsight.card import Card, GoldenSample, Origin, not_yet_compared
from taktsight.datasets.samples import GOOD, Sample
from taktsight.errors import ConfigError, ExportError
from taktsight.export.gate import Explain, explainer, open_inspectors, prove_all
from taktsight.export.parity import Compared, compare
from taktsight.export.parity_report import write_parity
from taktsight.export.to_onnx import to_onnx
from taktsight.inspect.engines import REFERENCE, engine_named
from taktsight.records import Image
from taktsight.source_code import code_digest
from taktsight.training.evaluation.report import FIGURES_FILE, Evaluation, read_evaluation
from taktsight.training.evaluation_run import FOLDER
from taktsight.training.run_folder import TrainedRun


@dataclass(frozen=True, slots=True)
class Asked:
    """What a bundle is proved on, what it is called, and how it is signed."""

    engines: tuple[str, ...] = (REFERENCE,)
    """By their proper names, the reference first."""
    flip_limit: float = 0.0
    """Share of the parts that another engine or precision may judge otherwise."""
    parity_parts: int = 200
    """Test parts that all of them judge; every label is among them."""
    key: Path | None = None
    """PEM file of a P-256 private key, or None for an unsigned bundle."""
    name: str | None = None
    """Of the product, by which stations count versions; None: that of the run's folder, or of the file."""
    version: int = 1
    """Of the product's bundle, higher than that of the one it replaces."""
    expires: date | None = None
    """The last day, in UTC, on which a line may start with it."""
    report: Path | None = None
    """Folder that gets the comparison as a page, also where it ends in a refusal."""


def build_bundle(run: TrainedRun, out: Path, asked: Asked = Asked()) -> tuple[Card, str]:  # frozen
    """Writes the bundle of a run and returns its card and its digest.

    Args:
        run: trained and evaluated; the card carries the limits and figures of that evaluation.
        out: the file.
        asked: what the bundle is proved on, what it is called, and how it is signed.

    Raises:
        ConfigError: If the run has no manifest, was not evaluated, or was trained again since.
        BackendError: If an engine that was asked for is not on this machine.
        ExportError: If an exported model answers differently, or the file cannot be written.
    """
    card = unproved_card(run, asked)
    model = to_onnx(run.module.network, run.data.canvas)
    models = {"f32": model} | halved(model, asked.engines) | quantised(run, model, card, asked.engines)
    samples = spread(run.data.split("test"), asked.parity_parts)
    told = track(samples, f"{len(asked.engines)} engines beside the trained network", transient=True)
    compared = compare(run, open_inspectors(asked.engines, models, card), told)
    reference = f"PyTorch float32 on {len(samples)} test parts"
    explain = explainer(run.module.network, models, card.canvas)
    return write_proved(out, card, models, compared, asked, reference, explain)


def write_proved(
    out: Path,
    card: Card,
    models: Mapping[str, bytes],
    compared: Mapping[str, Sequence[Compared]],
    asked: Asked,
    reference: str,
    explain: Explain,
) -> tuple[Card, str]:
    """Writes the bundle once every engine is proved, and returns its card and its digest.

    Args:
        out: the file.
        card: without proof and golden samples.
        models: by precision, f32 among them.
        compared: test parts as each engine saw them, the reference among them.
        asked: for the flip limit, the key and the report, which is also written of a refusal.
        reference: what they were compared with.
        explain: why an engine failed, and what to do.

    Raises:
        ExportError: If an engine answers otherwise, or the file cannot be written.
    """
    if asked.report is not None:
        write_parity(asked.report, compared, card, asked.flip_limit)
    try:
        parity = prove_all(compared, asked.flip_limit, reference, explain)
    except ExportError as error:
        raise ExportError(f"{error}. Nothing was written") from error
    golden, frames = choose_golden(compared[REFERENCE])
    card = card.model_copy(update={"parity": parity, "golden": golden})
    others = {name: content for name, content in models.items() if name != "f32"}
    return card, write_bundle(out, card, models["f32"], frames, precisions=others, key=asked.key)


def halved(model: bytes, engines: Sequence[str]) -> dict[str, bytes]:
    """The fp16 model where an engine wants it."""
    if not any(engine_named(each).precision == "fp16" for each in engines):
        return {}
    from taktsight.export.half import halve_precision

    return {"fp16": halve_precision(model)}


def quantised(run: TrainedRun, model: bytes, card: Card, engines: Sequence[str]) -> dict[str, bytes]:
    """The int8 model where an engine wants it; its ranges come from training tiles of every kind."""
    from taktsight.export.quantize import (
        CALIBRATION_TILES,
        CHECKED_TILES,
        calibration_tiles,
        int8_engines,
        quantise_for,
    )

    if not int8_engines(engines):
        return {}
    cache = run.data.cache("train")
    labels = [run.data.split("train")[owner].label for owner in cache.owners.tolist()]
    targets = [sorted(set(labels)).index(label) for label in labels]
    tiles, checked = (
        calibration_tiles(cache.images, targets, count) for count in (CALIBRATION_TILES, CHECKED_TILES)
    )
    return {"int8": quantise_for(engines, model, card, tiles, checked).model}


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


def unproved_card(run: TrainedRun, asked: Asked = Asked()) -> Card:  # frozen
    """The card of a run before anything was compared: its limits and figures are those of the evaluation.

    Args:
        run: trained and evaluated.
        asked: for the product's name and version, its last day and the flip limit.

    Raises:
        ConfigError: If the run has no manifest, was not evaluated, or was trained again since.
    """
    if run.manifest is None:
        raise ConfigError(
            f"{run.folder}: was trained before runs had a manifest, so nothing says what its weights were "
            "made of; train again"
        )
    evaluation = _evaluation_of(run)
    return Card(
        name=asked.name or evaluation.subject.model,
        version=asked.version,
        expires=asked.expires,
        task=run.task,
        labels=run.module.labels,
        described=run.data.book.described(run.module.labels) if run.data.book else (),
        canvas=run.data.canvas,
        views=run.data.views,
        mm_per_px=run.data.mm_per_px,
        limits=evaluation.figures.limits,
        operating_point=evaluation.figures.operating_point,
        flip_limit=asked.flip_limit,
        parity=(not_yet_compared(REFERENCE),),
        golden=(),
        origin=Origin(training=run.manifest, code=code_digest(), taktsight=taktsight.__version__),
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
                scores=tuple(each.scores.tolist()),
            )
        )
    return tuple(sorted(samples, key=lambda sample: sample.file)), files


def _certainty(compared: Compared) -> float:
    score = float(compared.scores.max())
    return score if compared.sample.is_defective else -score
