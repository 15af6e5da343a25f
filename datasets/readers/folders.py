"""Folders that say what their images show: one folder per label, masks beside or apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from taktsight.datasets.readers.faults import Fault, OnFault
from taktsight.datasets.readers.files import image_files
from taktsight.datasets.samples import GOOD, Sample

Masks = set[Path]


def read_mask_folder(root: Path, good: str, on_fault: OnFault) -> list[Sample]:
    """``images/LABEL/x.png`` with ``masks/LABEL/x.png``, or ``LABEL/**/x.jpg`` with ``x.png`` beside it."""
    if (root / "images").is_dir():
        return list(_paired_folders(root / "images", root / "masks", good, on_fault))
    return list(_masks_beside(root, good, on_fault))


def read_class_folder(root: Path, good: str, on_fault: OnFault) -> list[Sample]:
    """``LABEL/**/x.png``."""
    labelled = ((path, _label(root, path, good, on_fault)) for path in image_files(root))
    return [Sample((path,), label) for path, label in labelled if label]


def read_mvtec(root: Path, on_fault: OnFault) -> list[Sample]:
    """``train/good/x.png``, ``test/LABEL/x.png``, ``ground_truth/LABEL/x_mask.png``."""
    samples = []
    for path in image_files(root / "train"):
        label = _label(root / "train", path, GOOD, on_fault)
        if label == GOOD:
            samples.append(Sample((path,), GOOD, split="train"))
        elif label:
            on_fault(Fault("misplaced", path, "train/ holds good parts only, in train/good"))
    truth = root / "ground_truth"
    unused = set(image_files(truth))
    for path in image_files(root / "test"):
        label = _label(root / "test", path, GOOD, on_fault)
        mask = truth / label / f"{path.stem}_mask.png"
        samples += [
            replace(sample, split="test") for sample in _masked(path, label, mask, unused, on_fault)
        ]
    _report_orphans(unused, on_fault)
    return samples


def _paired_folders(images: Path, masks: Path, good: str, on_fault: OnFault) -> Iterator[Sample]:
    unused = set(image_files(masks))
    for path in image_files(images):
        mask = masks / path.relative_to(images).with_suffix(".png")
        yield from _masked(path, _label(images, path, good, on_fault), mask, unused, on_fault)
    _report_orphans(unused, on_fault)


def _masks_beside(root: Path, good: str, on_fault: OnFault) -> Iterator[Sample]:
    files = image_files(root)
    unused = {path for path in files if path.suffix.lower() == ".png"}
    for path in files:
        if path.suffix.lower() != ".png":  # a PNG is a mask here, never an image that is its own mask
            label = _label(root, path, good, on_fault)
            yield from _masked(path, label, path.with_suffix(".png"), unused, on_fault)
    _report_orphans(unused, on_fault)


def _masked(path: Path, label: str, mask: Path, unused: Masks, on_fault: OnFault) -> Iterator[Sample]:
    if label == GOOD:
        unused.discard(mask)
        yield Sample((path,), label)
    elif label and mask in unused:
        unused.remove(mask)
        yield Sample((path,), label, (mask,))
    elif label and mask.is_file():
        said = f"is labelled {label!r}, and its mask {mask} is that of another image already; rename one"
        on_fault(Fault("no mask", path, said))
    elif label:
        on_fault(Fault("no mask", path, f"is labelled {label!r} and has no mask {mask}"))


def _report_orphans(masks: Masks, on_fault: OnFault) -> None:
    for mask in sorted(masks):
        others = f" (one of {len(masks)})" if len(masks) > 1 else ""
        on_fault(Fault("orphan", mask, f"is a mask without an image{others}"))


def _label(root: Path, path: Path, good: str, on_fault: OnFault) -> str:
    """The label; nothing where the image lies in no label folder."""
    below = path.relative_to(root).parts
    if len(below) < 2:
        on_fault(Fault("misplaced", path, f"lies in no label folder; wanted is {root}/LABEL/{path.name}"))
        return ""
    return GOOD if below[0] == good else below[0]
