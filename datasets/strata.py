"""What a sample counts as when splits are balanced: its label, and whether its defect is a small one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import numpy as np

from taktsight.datasets.masks import read_mask
from taktsight.datasets.readers.sizes import image_size
from taktsight.datasets.samples import Sample

FEWEST = 12
"""Defects of a label that are divided by size; fewer only by label."""


def label_and_size(samples: Sequence[Sample]) -> list[str]:
    """The stratum of each sample: its label, and the half of that label's defects it belongs to by area.

    Samples whose pixels nobody drew have their label alone.
    """
    with ThreadPoolExecutor() as pool:
        areas = list(pool.map(defect_area_px, samples))
    known: dict[str, list[int]] = defaultdict(list)
    for sample, area in zip(samples, areas, strict=True):
        if area is not None:
            known[sample.label].append(area)
    middles = {label: median(found) for label, found in known.items() if len(found) >= FEWEST}
    return [_stratum(sample.label, area, middles) for sample, area in zip(samples, areas, strict=True)]


def defect_area_px(sample: Sample) -> int | None:
    """The defective area of the first view, pixels; None of a good part and where nobody drew it."""
    if not sample.is_defective or not (sample.masks or sample.regions):
        return None
    mask = read_mask(sample, image_size(sample.images[0]))
    return None if mask is None else int(np.count_nonzero(mask))


def _stratum(label: str, area: int | None, middles: dict[str, float]) -> str:
    if area is None or label not in middles:
        return label
    return f"{label}, {'small' if area < middles[label] else 'large'}"
