"""What tests of foreign networks and of the acceptance report share: it is made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from taktsight.cli import main

from .acceptance_evidence import evidence, make_evidence, report
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


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of evidence for an acceptance; no test changes it."""
    return make_evidence(tmp_path_factory.mktemp("acceptance"))


@pytest.fixture(scope="session")
def whole(place: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The report with all evidence: its folder and its figures."""
    out = tmp_path_factory.mktemp("whole")
    status, figures = report(place, out, *evidence(place))
    assert status == 0
    return out, figures
