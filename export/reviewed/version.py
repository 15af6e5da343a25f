"""A version of a data set from the decisions on a station's parts, and the labelled images before them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from taktsight.datasets.dataset_card import Base
from taktsight.datasets.fingerprints import fingerprints
from taktsight.datasets.samples import Sample
from taktsight.datasets.writers.version_folder import (
    Origin,
    Version,
    VersionImage,
    newest_version,
    write_version,
)
from taktsight.errors import ConfigError, DataError
from taktsight.export.reviewed.decisions import Made
from taktsight.export.reviewed.frames import frames_of
from taktsight.export.reviewed.lots import LotBy, lot_by
from taktsight.export.reviewed.samples import ReviewedPart, samples_of
from taktsight.export.reviewed.settled import LeftOut, Settled, settle
from taktsight.image_files import read_image
from taktsight.inspect.frame_files import pixels_digest
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.recorded import RecordedPart, read_parts
from taktsight.inspect.review.store.values import Decision, PartKey


@dataclass(frozen=True, slots=True)
class Asked:
    """What shall be in the version."""

    name: str
    """Of the data set, the same from version to version."""
    runs: tuple[str, ...] = ()
    """Only these; all where empty."""
    without: frozenset[PartKey] = frozenset()
    lots: Mapping[str, str] | None = None
    """Serial → lot, where the plant knows; every part then needs one."""
    lot_by: LotBy = "run"


def make_version(
    records: Path, out: Path, made: Made, asked: Asked, base: tuple[Path, Sequence[Sample]] | None = None
) -> Version:
    """The next version, or the newest where nothing changed.

    Args:
        records: the folder that holds the ledger.
        out: holds the versions.
        made: what people decided.
        asked: what shall be in it.
        base: root and samples of the labelled images that reviewed parts are added to; None for none.

    Raises:
        LedgerError: If the ledger lacks a part, or a row of it was changed.
        DataError: If frames are not those that were judged, all of them named; if a mark does not fit.
        ConfigError: If a run or a part that was asked for is in no decision, or a serial has no lot.
    """
    decisions = _wanted(made.decisions, asked)
    settled, left_out = settle(decisions, asked.without)
    newest = newest_version(out)
    before = None if newest is None else newest / "images" / "reviewed"
    parts, gone = _parts(records, settled, asked, before)
    parts, again = _last_inspections(parts)
    tested = [] if base is None else _tested_on(parts, base[1])
    parts = [part for part in parts if part.settled.part not in {each.part for each in tested}]
    images, unplaced = _images(parts, made.digests, is_split=base is not None and _has_splits(base[1]))
    base_images = [] if base is None else _base_images(*base)
    origin = Origin(
        asked.name,
        made.reviews,
        None if base is None else _base(*base),
        [(str(each.part), each.why) for each in (*left_out, *gone, *again, *tested, *unplaced)],
    )
    return write_version(out, [*base_images, *images], origin)


def _wanted(decisions: Sequence[Decision], asked: Asked) -> list[Decision]:
    reviewed = {decision.part for decision in decisions}
    for run in asked.runs:
        if run not in {part.run for part in reviewed}:
            raise ConfigError(f"--run {run}: nobody decided on a part of it")
    for part in sorted(asked.without - reviewed):
        raise ConfigError(f"--without {part}: nobody decided on it")
    return [each for each in decisions if not asked.runs or each.part.run in asked.runs]


def _parts(
    records: Path, settled: Sequence[Settled], asked: Asked, before: Path | None
) -> tuple[list[ReviewedPart], list[LeftOut]]:
    """The parts with their frames; every frame that is not the one that was judged is named at once."""
    parts, left_out, wrong = [], [], []
    for one, recorded in _recorded(records, settled):
        if recorded.is_golden:
            left_out.append(LeftOut(one.part, "golden_part"))
            continue
        try:
            frames = frames_of(recorded, one.decision, before)
        except DataError as error:
            wrong.append(str(error))
            continue
        if frames is None:
            left_out.append(LeftOut(one.part, "frames_gone"))
        else:
            parts.append(ReviewedPart(one, recorded, tuple(frames), _lot(recorded, asked)))
    if wrong:
        raise DataError(
            f"{records}: {len(wrong)} reviewed parts are refused, and nothing was written. Find out who "
            "changed their frames; --without RUN:TRIGGER leaves a part out:\n  " + "\n  ".join(wrong)
        )
    return parts, left_out


def _recorded(records: Path, settled: Sequence[Settled]) -> list[tuple[Settled, RecordedPart]]:
    by_run: dict[str, list[Settled]] = {}
    for one in settled:
        by_run.setdefault(one.part.run, []).append(one)
    found = []
    ledger = Ledger.open(records)
    try:
        for run, wanted in by_run.items():
            parts = read_parts(ledger, records, run, [one.part.trigger for one in wanted])
            found += list(zip(wanted, parts, strict=True))  # both in the order of their triggers
    finally:
        ledger.close()
    return found


def _lot(part: RecordedPart, asked: Asked) -> str:
    if asked.lots is None:
        return lot_by(part.run, part.utc, asked.lot_by)
    if part.serial is None or part.serial not in asked.lots:
        raise ConfigError(
            f"part {part.run}:{part.trigger}: --lots names no lot of its serial {part.serial!r}; add it"
        )
    return asked.lots[part.serial]


def _last_inspections(parts: Sequence[ReviewedPart]) -> tuple[list[ReviewedPart], list[LeftOut]]:
    """Of pieces with several views one inspection each: the views of two cannot be told apart."""
    last: dict[str, ReviewedPart] = {}
    for part in parts:
        other = last.get(part.piece)
        if len(part.frames) > 1 and (other is None or other.recorded.utc <= part.recorded.utc):
            last[part.piece] = part
    left = [each for each in parts if last.get(each.piece, each) is not each]
    return [each for each in parts if each not in left], [
        LeftOut(each.settled.part, "inspected_again") for each in left
    ]


def _tested_on(parts: Sequence[ReviewedPart], base: Sequence[Sample]) -> list[LeftOut]:
    """Reviewed parts that the base holds back for limits or tests: learned, they would be memory."""
    held = [sample for sample in base if sample.split in ("val", "test")]
    pieces, lots = {sample.part for sample in held}, {sample.lot for sample in held if sample.lot}
    return [
        LeftOut(part.settled.part, "tested_on")
        for part in parts
        if part.piece in pieces or part.lot in lots
    ]


def _has_splits(samples: Sequence[Sample]) -> bool:
    split = [sample.split is not None for sample in samples]
    if any(split) and not all(split):
        raise DataError("only some of the base's parts have a split; give each one, or none")
    return any(split)


def _images(
    parts: Sequence[ReviewedPart], digests: Mapping[int, str], *, is_split: bool
) -> tuple[list[VersionImage], list[LeftOut]]:
    """Where the base has splits all are learned from: chosen for review, they measure nothing."""
    images, left_out = [], []
    for part in parts:
        found = samples_of(part)
        if isinstance(found, str):
            left_out.append(LeftOut(part.settled.part, found))
            continue
        for (sample, name), frame in zip(found, part.frames, strict=True):
            said = _said(part, digests) | {
                "view": frame.view,
                "sha256": frame.sha256,
                "label": sample.label,
            }
            images.append(
                VersionImage(
                    replace(sample, split="train") if is_split else sample,
                    Path("reviewed") / name,
                    str(part.settled.part),
                    said,
                )
            )
    return images, left_out


def _said(part: ReviewedPart, digests: Mapping[int, str]) -> dict[str, object]:
    """The lineage of a reviewed part."""
    decision, recorded = part.settled.decision, part.recorded
    return {
        "source": "review",
        "part": str(decision.part),
        "serial": recorded.serial,
        "lot": part.lot,
        "station": recorded.station,
        "inspected_utc": recorded.utc,
        "outcome": None if recorded.outcome is None else recorded.outcome.value,
        "bundle": recorded.bundle,
        "recipe": recorded.recipe,
        "reviewer": decision.reviewer,
        "decision": decision.id,
        "decision_digest": digests[decision.id],
        "choice": decision.choice.value,
        "why": decision.why.value,
        "truth": part.settled.truth,
        "marks": len(part.settled.marks),
        "decided_utc": decision.utc,
        "agreeing": {str(number): digests[number] for number in part.settled.agreeing},
    }


def _base_images(root: Path, samples: Sequence[Sample]) -> list[VersionImage]:
    images = []
    for sample in samples:
        if any(sample.references):
            raise DataError(
                f"{sample.images[0]}: is compared with a golden template, and a version holds none; leave "
                "the base out"
            )
        for view in sample.each_view():
            (file,) = view.images
            said: dict[str, object] = {"source": "base", "part": sample.part, "lot": sample.lot}
            said |= {"sha256": pixels_digest(read_image(file)), "label": view.label}
            images.append(VersionImage(view, Path("base") / file.relative_to(root), sample.part, said))
    return images


def _base(root: Path, samples: Sequence[Sample]) -> Base:
    prints = fingerprints(samples, root)
    lines = sorted(f"{name}\t{split}\t{digest}" for name, (split, digest) in prints.items())
    lots = sorted(f"{sample.part}\t{sample.lot}\t{sample.split}" for sample in samples)
    sha256 = hashlib.sha256("\n".join([*lines, *lots]).encode()).hexdigest()
    return Base(name=root.resolve().name, parts=len(samples), sha256=sha256)
