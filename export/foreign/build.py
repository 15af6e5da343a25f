"""A foreign network as a bundle: wrapped, held against its own file on real parts, limits from val."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace as replaced
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

import taktsight
from taktsight.card import Card, Origin, Task, not_yet_compared
from taktsight.datasets.fingerprints import digests_of, fingerprints
from taktsight.datasets.learn_from import only_good_to_learn
from taktsight.datasets.samples import Sample, Split, defect_labels
from taktsight.datasets.source import Source
from taktsight.datasets.splits import check_splits, split_samples
from taktsight.datasets.view_files import read_view
from taktsight.errors import DataError, ExportError
from taktsight.export.build import Asked, halved, spread, write_proved
from taktsight.export.foreign.answers import Answers, Highest, check_answers, read_answers
from taktsight.export.foreign.calibration import Calibration, calibration_of, rounded
from taktsight.export.foreign.graph import Chosen, ForeignGraph
from taktsight.export.foreign.proof import advice, check_neighbours, see
from taktsight.export.foreign.reference import Reference
from taktsight.export.foreign.wrap import wrap
from taktsight.export.gate import open_inspectors
from taktsight.export.parity import compare_seen
from taktsight.foreign import Foreign, Preparation
from taktsight.imaging import Canvas, prepare
from taktsight.inspect.engines import REFERENCE
from taktsight.source_code import code_digest
from taktsight.training.evaluation.evaluate import evaluate
from taktsight.training.evaluation.figures import Figures
from taktsight.training.evaluation.operating_point import choose_limits
from taktsight.training.predict import Look, SweptPart, choose_map_score, judge_part

JUDGED: tuple[Split, Split] = ("val", "test")


@dataclass(frozen=True, slots=True)
class Stated:
    """What the owner of a network says of it."""

    task: Task
    preparation: Preparation
    canvas: Canvas
    chosen: Chosen
    mm_per_px: float | None = None
    answers: Path | None = None
    """CSV of scores that the network's own framework gave."""
    target_escape: float = 0.01
    target_overkill: float = 0.01


@dataclass(frozen=True, slots=True)
class Imported:
    """A bundle that was written."""

    card: Card
    digest: str
    figures: Figures
    answers: int
    """Images whose framework's scores were found again."""
    tiles: int
    """Most tiles of a part."""
    calibration: Calibration | None
    """What int8 ranges were measured on; None where no engine runs int8."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the file itself said of the val and test parts."""

    figures: Figures
    answers: Answers | None
    """What its own framework had said of some of them."""
    found: int
    """Images of those whose scores were found again."""


def import_model(graph: ForeignGraph, stated: Stated, source: Source, out: Path, asked: Asked) -> Imported:
    """Writes the bundle of a foreign network.

    Args:
        graph: opened.
        stated: what its owner says of it.
        source: parts that it has not learned from.
        out: the file.
        asked: what it is proved on, what it is called, and how it is signed.

    Raises:
        ConfigError: If what was stated does not fit the file or the data.
        DataError: If the data cannot choose or measure limits.
        ExportError: If the wrapped network or an engine answers otherwise than the file itself.
    """
    reference = Reference(graph, stated.chosen, stated.preparation, stated.canvas)
    every = read_parts(source, stated.preparation.labels, stated.task)
    samples = [sample for sample in every if sample.split in JUDGED]
    model = wrap(graph, stated.chosen, stated.preparation, stated.canvas, reference.map_size)
    calibration = calibration_of(asked.engines, model, graph.name, every, source.root)
    tiles = _tiles_of(graph, samples, stated.canvas)
    measured = _measure(reference, samples, stated, source.root)
    card = _unproved_card(graph, stated, samples, measured, source, asked, calibration)
    models = {"f32": model} | halved(model, asked.engines)
    models |= rounded(model, card, asked.engines, calibration)
    tested = spread([sample for sample in samples if sample.split == "test"], asked.parity_parts)
    check_neighbours(graph, model, stated.canvas, tested[:2])
    inspectors = open_inspectors(asked.engines, models, card)
    told = track(tested, f"{len(inspectors)} engines beside the file itself", transient=True)
    compared = compare_seen(inspectors, see(reference, told, card.views, stated.mm_per_px))
    said = f"{graph.name} itself, fed as stated, on {len(tested)} test parts"
    card, digest = write_proved(out, card, models, compared, asked, said, advice)
    return Imported(card, digest, measured.figures, measured.found, tiles, calibration)


def read_parts(source: Source, labels: Sequence[str], task: Task) -> list[Sample]:
    """The parts with their splits; where nobody split them, half val and half test, by part and lot.

    Raises:
        DataError: If a split cannot do its job, or the labels are not those of the network.
    """
    samples = source.read()
    if all(sample.split is None for sample in samples):
        samples = split_samples(samples, {"val": 0.5, "test": 0.5})
    if task == "anomaly":
        samples = only_good_to_learn(samples)
    check_splits(samples, test_only=task == "anomaly", wanted=JUDGED)
    found = defect_labels([sample for sample in samples if sample.split in JUDGED])
    if set(found) != set(labels):
        raise DataError(
            f"the network's defect labels are {', '.join(labels)}, those of the val and test parts "
            f"{', '.join(found)}: each must be in both. Name classes as the data do (a book renames "
            "labels), or add parts"
        )
    return samples


def _measure(reference: Reference, samples: Sequence[Sample], stated: Stated, root: Path) -> Measured:
    labels, is_resized = stated.preparation.labels, stated.preparation.resize is not None
    answers = None if stated.answers is None else read_answers(stated.answers, root, labels)
    seen, highest = _look_at_all(reference, samples, stated, root)
    found = 0 if answers is None else check_answers(answers, highest, labels, resized=is_resized)
    return Measured(_judge(seen, stated), answers, found)


def _look_at_all(
    reference: Reference, samples: Sequence[Sample], stated: Stated, root: Path
) -> tuple[list[SweptPart], Highest]:
    """Every part through the foreign file once."""
    seen: list[SweptPart] = []
    highest: Highest = {}
    for sample in track(samples, "the file itself on val and test", transient=True):
        looks = reference.look(sample, _views_of(samples), stated.mm_per_px)
        assert sample.split is not None
        name = _name(sample, root)
        seen.append(judge_part(looks, sample, sample.split, name, stated.mm_per_px))
        highest[sample.images[0].resolve()] = _highest(looks, stated)
    return seen, highest


def _views_of(samples: Sequence[Sample]) -> tuple[str, ...]:
    return samples[0].views or ("camera",)


def _highest(looks: Sequence[Look], stated: Stated) -> NDArray[np.float64]:
    """(K,): scores that the network gave, or the highest pixels of its maps."""
    named = stated.chosen.scores is not None
    each = [look.prediction.scores if named else look.prediction.maps.max(axis=(1, 2)) for look in looks]
    return np.asarray(np.max(each, axis=0), np.float64)


def _judge(seen: Sequence[SweptPart], stated: Stated) -> Figures:
    """Limits from val, figures from test."""
    map_score = choose_map_score([each for each in seen if each.part.split == "val"])
    parts = [each.at(map_score) for each in seen]
    labels = stated.preparation.labels
    chosen = choose_limits(
        parts,
        labels,
        stated.task,
        target_escape=stated.target_escape,
        target_overkill=stated.target_overkill,
    )
    limits = tuple(limit.model_copy(update={"map_score": map_score}) for limit in chosen.limits)
    return evaluate(parts, labels, stated.task, replaced(chosen, limits=limits), mm_per_px=stated.mm_per_px)


def _tiles_of(graph: ForeignGraph, samples: Sequence[Sample], canvas: Canvas) -> int:
    """Most tiles of a part, seen on the first part: a product's frames have one size."""
    image, _ = read_view(samples[0].each_view()[0], canvas)
    tiles = len(prepare(image, None, canvas)[1].starts)
    if tiles > 1 and graph.shape[0] == 1:
        raise ExportError(
            f"{graph.name}: takes 1 image at a time, and parts of this size are cut into {tiles} tiles of "
            f"{canvas.width}×{canvas.height}; export it with a free batch dimension, or give a larger "
            "canvas"
        )
    return tiles


def _unproved_card(
    graph: ForeignGraph,
    stated: Stated,
    samples: Sequence[Sample],
    measured: Measured,
    source: Source,
    asked: Asked,
    calibration: Calibration | None,
) -> Card:
    book, labels = source.read_book(), stated.preparation.labels
    origin = _foreign(graph, stated, samples, source.root, measured, calibration)
    return Card(
        name=asked.name or Path(graph.name).stem,
        version=asked.version,
        expires=asked.expires,
        task=stated.task,
        labels=labels,
        described=book.described(labels) if book else (),
        canvas=stated.canvas,
        views=_views_of(samples),
        mm_per_px=stated.mm_per_px,
        limits=measured.figures.limits,
        operating_point=measured.figures.operating_point,
        flip_limit=asked.flip_limit,
        parity=(not_yet_compared(REFERENCE),),
        golden=(),
        origin=Origin(training=origin, code=code_digest(), taktsight=taktsight.__version__),
    )


def _foreign(
    graph: ForeignGraph,
    stated: Stated,
    samples: Sequence[Sample],
    root: Path,
    measured: Measured,
    calibration: Calibration | None,
) -> Foreign:
    calibrated_on = calibration.split if calibration else None
    splits: tuple[Split, ...] = (*JUDGED, "train") if calibrated_on == "train" else JUDGED
    named = [*samples, *(calibration.parts if calibration and calibrated_on == "train" else ())]
    digests = digests_of(fingerprints(named, root))
    return Foreign(
        file=graph.name,
        sha256=graph.sha256,
        producer=graph.producer,
        maps=stated.chosen.maps,
        scores=stated.chosen.scores,
        preparation=stated.preparation,
        data={split: digests[split] for split in splits},
        parts={split: sum(sample.split == split for sample in named) for split in splits},
        calibrated_on=calibrated_on,
        answers=measured.answers.sha256 if measured.answers else None,
        answered=measured.found or None,
    )


def _name(sample: Sample, root: Path) -> str:
    image = sample.images[0]
    return image.relative_to(root).as_posix() if image.is_relative_to(root) else image.as_posix()
