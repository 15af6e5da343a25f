"""A model that answers otherwise than the one that was trained does not leave the house."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from taktsight.bundle import read_bundle, write_bundle
from taktsight.cli import main
from taktsight.datasets.samples import Sample
from taktsight.errors import ExportError
from taktsight.export import build
from taktsight.export.parity import Compared, prove
from taktsight.records import Outcome, Verdict
from taktsight.training.run_folder import open_run

PASS, REJECT = Verdict(Outcome.PASS), Verdict(Outcome.REJECT, ("pit",))


@pytest.fixture
def model(workshop: Path) -> bytes:
    return read_bundle(workshop / "part.taktsight").model


def give(monkeypatch: pytest.MonkeyPatch, model: bytes) -> None:
    """The exporter's answer, faulty or merely kept from the first export: it takes ten seconds."""
    monkeypatch.setattr(build, "to_onnx", lambda network, canvas: model)


def with_first_convolution_scaled(model: bytes, factor: float) -> bytes:
    proto = onnx.load_from_string(model)
    kernels = [tensor for tensor in proto.graph.initializer if len(tensor.dims) == 4]
    scaled = numpy_helper.to_array(kernels[0]) * np.float32(factor)
    kernels[0].CopyFrom(numpy_helper.from_array(scaled, kernels[0].name))
    return bytes(proto.SerializeToString())


def with_brightness_shifted(model: bytes, grey_levels: float) -> bytes:
    """A wrong mean: what follows the cast is a little brighter."""
    proto = onnx.load_from_string(model)
    graph = proto.graph
    (cast,) = (node for node in graph.node if node.op_type == "Cast" and node.input[0] == "images")
    for node in graph.node:
        node.input[:] = ["brighter" if name == cast.output[0] else name for name in node.input]
    graph.initializer.append(numpy_helper.from_array(np.array(grey_levels, np.float32), "shift"))
    place = list(graph.node).index(cast) + 1
    graph.node.insert(place, onnx.helper.make_node("Add", [cast.output[0], "shift"], ["brighter"]))
    return bytes(proto.SerializeToString())


@pytest.mark.parametrize("fault", ["scaled", "brighter"])
def test_broken_model_is_refused_and_nothing_is_written(
    in_workshop: Path, model: bytes, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = (
        with_first_convolution_scaled(model, 1.2)
        if fault == "scaled"
        else with_brightness_shifted(model, 30.0)
    )
    give(monkeypatch, broken)
    with pytest.raises(ExportError, match="Nothing was written"):
        build.build_bundle(open_run(Path("run")), tmp_path / "out" / "part.taktsight")
    assert list(tmp_path.iterdir()) == []


def test_bundle_whose_model_was_exchanged_does_not_verify(
    workshop: Path, model: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = read_bundle(workshop / "part.taktsight")
    changed = with_brightness_shifted(model, 60.0)
    write_bundle(tmp_path / "part.taktsight", bundle.card, changed, bundle.golden)
    assert main(["verify", str(tmp_path / "part.taktsight")]) == 1
    assert "golden samples differ here" in capsys.readouterr().err


def compared(trained: Verdict, exported: Verdict, *, maps: float = 0.0, scores: float = 0.0) -> Compared:
    image = np.zeros((4, 4, 1), np.uint8)
    sample = Sample((Path("a.png"),), "pit")
    return Compared(sample, (image,), (), trained, exported, np.zeros(1, np.float32), maps, maps, scores)


def test_flipped_verdict_is_refused_and_the_part_is_named() -> None:
    with pytest.raises(ExportError, match=r"1 of 2 parts .* a\.png: REJECT became PASS"):
        prove([compared(PASS, PASS), compared(REJECT, PASS)], "test")


def test_maps_further_apart_than_rounding_are_refused_without_a_flip() -> None:
    with pytest.raises(ExportError, match=r"maps differ by 0\.01"):
        prove([compared(PASS, PASS), compared(PASS, PASS, maps=0.01)], "test")


def test_scores_further_apart_than_rounding_are_refused_without_a_flip() -> None:
    with pytest.raises(ExportError, match=r"scores differ by 0\.01"):
        prove([compared(PASS, PASS, scores=0.01), compared(PASS, PASS)], "test")


def test_rounding_is_proved_and_counted() -> None:
    parity = prove([compared(REJECT, REJECT, maps=1e-6, scores=2e-6)] * 40, "test")
    assert (parity.parts, parity.flips) == (40, 0)
    assert parity.flips_upper == pytest.approx(1 - 0.05 ** (1 / 40))
    assert (parity.max_map_difference, parity.max_score_difference) == (1e-6, 2e-6)


def test_model_that_judges_no_part_rightly_is_not_shipped() -> None:
    with pytest.raises(ExportError, match="not one of 2 test parts is judged rightly"):
        build.choose_golden([compared(PASS, PASS)] * 2)  # both parts have a pit


def test_surest_part_that_is_judged_rightly_becomes_the_golden_sample() -> None:
    (sample,), frames = build.choose_golden([compared(PASS, PASS), compared(REJECT, REJECT)])
    assert (sample.file, sample.outcome) == ("golden/0-pit.png", Outcome.REJECT)
    assert list(frames) == ["golden/0-pit.png"]


def test_rare_label_is_among_the_parts_that_are_compared() -> None:
    samples = [Sample((Path(f"{number}.png"),), "good") for number in range(50)]
    samples.append(Sample((Path("rare.png"),), "crack"))
    assert [sample.label for sample in build.spread(samples, 3)] == ["good", "crack", "good"]


def copied_run(workshop: Path, folder: Path) -> Path:
    shutil.copytree(workshop / "run", folder / "run")
    return folder / "run"


def test_evaluation_of_other_weights_is_refused(
    in_workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = copied_run(in_workshop, tmp_path)
    for file in ("best.ckpt", "manifest.json"):
        shutil.copy(in_workshop / "twin" / file, run / file)
    assert main(["export", str(run), "--out", str(tmp_path / "part.taktsight")]) == 2
    assert "is about other weights than best.ckpt; run 'taktsight evaluate" in capsys.readouterr().err
    assert not (tmp_path / "part.taktsight").exists()


def test_run_that_was_not_evaluated_is_refused(
    in_workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = copied_run(in_workshop, tmp_path)
    shutil.rmtree(run / "evaluation")
    assert main(["export", str(run), "--out", str(tmp_path / "part.taktsight")]) == 2
    assert "evaluation.json: is missing; first run 'taktsight evaluate" in capsys.readouterr().err


def test_bundle_of_another_run_is_not_compared(
    in_workshop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", "part.taktsight", "--run", "twin"]) == 1
    assert "was not exported from twin" in capsys.readouterr().err


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("a small disk is mounted by root only")
    mounting = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(mounting, check=False, capture_output=True).returncode != 0:
        pytest.skip("no tmpfs can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disk_leaves_nothing_behind(
    in_workshop: Path,
    model: bytes,
    small_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    give(monkeypatch, model)
    assert main(["export", "run", "--out", str(small_disk / "part.taktsight")]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "is not a PEM private key"),
        ("plain text", "is not a PEM private key"),
        ("ed25519", "is not a P-256 key"),
    ],
)
def test_key_that_cannot_sign_is_named_and_nothing_is_written(
    in_workshop: Path,
    model: bytes,
    content: str | None,
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    give(monkeypatch, model)
    key, out = tmp_path / "plant.pem", tmp_path / "part.taktsight"
    if content == "ed25519":
        key.write_bytes(ed25519_pem())
    elif content is not None:
        key.write_text(content)
    assert main(["export", "run", "--out", str(out), "--key", str(key)]) == 1
    said = capsys.readouterr().err
    assert "plant.pem" in said
    assert complaint in said
    assert not out.exists()


def ed25519_pem() -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
