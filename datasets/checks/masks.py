"""Masks that say nothing, the wrong thing, or something else than their image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from taktsight.datasets.checks.findings import Finding
from taktsight.datasets.checks.look import Drawn, Looks
from taktsight.datasets.samples import Sample
from taktsight.datasets.source import Source


def masks_of_good(samples: Sequence[Sample], source: Source) -> dict[Path, Path]:
    """Image → mask file of the good parts that have one.

    No reader hands them on, because a good part needs none; but a marked one is a contradiction.
    """
    images = [view.images[0] for view in _views(samples) if not view.is_defective]
    expected = ((image, _mask_of_good(image, source)) for image in images)
    return {image: mask for image, mask in expected if mask and mask != image and mask.is_file()}


def check_masks(samples: Sequence[Sample], good_masks: dict[Path, Path], looks: Looks) -> list[Finding]:
    """Size, content and levels of every mask."""
    drawn = [(view, *pair) for view in _views(samples) for pair in _with_mask(view)]
    good = [(view, view.images[0], good_masks.get(view.images[0])) for view in _views(samples)]
    every = [*drawn, *((sample, image, mask) for sample, image, mask in good if mask)]
    findings = [finding for sample, image, mask in every for finding in _check(sample, image, mask, looks)]
    return findings + _soft(looks)


def _views(samples: Sequence[Sample]) -> list[Sample]:
    return [view for sample in samples for view in sample.each_view()]


def _with_mask(sample: Sample) -> list[tuple[Path, Path]]:
    pairs = zip(sample.images, sample.masks, strict=False)
    return [(image, mask) for image, mask in pairs if mask]


def _mask_of_good(image: Path, source: Source) -> Path | None:
    if source.layout == "mvtec":
        return source.root / "ground_truth" / "good" / f"{image.stem}_mask.png"
    if source.layout != "mask_folder":
        return None
    images = source.root / "images"
    if images.is_dir():
        return source.root / "masks" / image.relative_to(images).with_suffix(".png")
    return image.with_suffix(".png")


def _check(sample: Sample, image: Path, mask: Path, looks: Looks) -> Iterator[Finding]:
    drawn, seen = looks.drawn(mask), looks.seen(image)
    if drawn is None:
        return  # the file has its own finding
    if seen and (seen.height, seen.width) != (drawn.height, drawn.width):
        yield Finding(
            "mask size",
            (mask, image),
            f"is {drawn.width}×{drawn.height} pixels, its image {image.name} {seen.width}×{seen.height}; "
            "save the mask at the size of the image",
        )
    if not sample.is_defective and drawn.marked:
        yield Finding(
            "mask on good",
            (image, mask),
            f"is labelled good and its mask marks {drawn.marked:,} pixels; correct the label or the mask",
        )
    elif sample.is_defective and not drawn.marked:
        yield _unmarked(sample, image, mask, drawn)


def _unmarked(sample: Sample, image: Path, mask: Path, drawn: Drawn) -> Finding:
    if drawn.highest:
        levels = f"1 to {drawn.highest}" if drawn.highest > 1 else "1"
        message = f"marks with grey levels of {levels}, and a defect lies above 127; save it with 0 and 255"
        return Finding("mask scale", (mask, image), message)
    message = f"is labelled {sample.label!r} and its mask {mask.name} has no pixel; draw the defect"
    return Finding("empty mask", (image, mask), message)


def _soft(looks: Looks) -> list[Finding]:
    """All masks with levels in between as one finding: they come from one tool."""
    marked = [(path, looked.drawn) for path, looked in looks.masks.items() if looked.drawn]
    soft = [(path, drawn) for path, drawn in marked if drawn.between and drawn.highest > 127]
    if not soft:
        return []
    soft.sort(key=lambda pair: (-pair[1].levels, pair[0]))
    levels = soft[0][1].levels
    share = np.median([drawn.between / drawn.lit for _, drawn in soft])
    message = (
        f"has {levels} level{'s' if levels > 1 else ''} between 0 and 255; {len(soft)} of {len(marked)} "
        f"masks have such levels, in the median in {share:.0%} of the pixels that are not black; save "
        "black and white PNG"
    )
    return [Finding("soft mask", tuple(path for path, _ in soft), message)]
