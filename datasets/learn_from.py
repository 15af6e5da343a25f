"""What a training may learn from: every label, or good parts alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from taktsight.datasets.samples import GOOD, Sample

LearnFrom = Literal["all", "good"]
ANOMALY = "anomaly"
"""The label of whatever is not as a good part is."""


def only_good_to_learn(samples: Sequence[Sample]) -> list[Sample]:
    """Every defect label becomes ``ANOMALY``; no defective part is left in train.

    Defective parts of val and test stay where they are: limits are chosen and figures measured on them.
    """
    return [
        replace(
            sample,
            label=ANOMALY if sample.is_defective else sample.label,
            regions=tuple(
                drawn and tuple(replace(region, label=ANOMALY) for region in drawn)
                for drawn in sample.regions
            ),
            view_labels=tuple(GOOD if label == GOOD else ANOMALY for label in sample.view_labels),
        )
        for sample in samples
        if sample.split != "train" or not sample.is_defective
    ]
