"""Files that are not what they should be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from taktsight.datasets.checks.findings import Finding
from taktsight.datasets.checks.look import Looks
from taktsight.datasets.samples import Sample


def broken_files(looks: Looks) -> list[Finding]:
    """Files, images and masks alike, that are absent, empty, cut short, or no 8-bit image."""
    every = [*looks.images.values(), *looks.masks.values()]
    return [looked.fault for looked in every if looked.fault]


def blank_images(looks: Looks) -> list[Finding]:
    """Images of one even grey."""
    return [
        Finding(
            "blank image",
            (path,),
            f"is one even grey of {looked.seen.mean:.0f} (standard deviation {looked.seen.spread:.1f} "
            "levels): light, lens and exposure; take it again or delete it",
        )
        for path, looked in looks.images.items()
        if looked.seen and looked.seen.is_blank
    ]


def reference_sizes(samples: Sequence[Sample], looks: Looks) -> list[Finding]:
    """Good parts to compare with that are not the size of what they are compared with."""
    findings = []
    for image, reference in _with_reference(samples):
        shown, good = looks.seen(image), looks.seen(reference)
        if shown and good and (shown.height, shown.width) != (good.height, good.width):
            message = (
                f"is {shown.width}×{shown.height} pixels, the good part {reference.name} that it is "
                f"compared with {good.width}×{good.height}"
            )
            findings.append(Finding("mask size", (image, reference), message))
    return findings


def _with_reference(samples: Sequence[Sample]) -> list[tuple[Path, Path]]:
    pairs = (pair for sample in samples for pair in zip(sample.images, sample.references, strict=False))
    return [(image, reference) for image, reference in pairs if reference]
