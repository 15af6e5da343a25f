"""What tests of foreign networks share: they are made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from taktsight.cli import main

from .foreign_models import ANOMALIB_OUTPUTS, SIDE, AnomalibShaped, classifier, export, segmenter


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A product of 40 parts, and four networks as their owners exported them."""
    folder = tmp_path_factory.mktemp("foreign")
    synth = f"data synth {folder}/parts --parts 40 --size-px {SIDE} --defective-share 0.5 --parts-per-lot 5"
    assert main(synth.split()) == 0
    export(segmenter(), folder / "unet.onnx")
    export(classifier(), folder / "resnet.onnx")
    export(classifier(), folder / "one-at-a-time.onnx", batch_is_free=False)
    export(AnomalibShaped(), folder / "anomaly.onnx", outputs=ANOMALIB_OUTPUTS)
    return folder
