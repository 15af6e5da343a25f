"""``taktsight engine``: real networks become real engines by TensorRT-RTX, which needs no GPU to build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from taktsight.cli import main
from taktsight.errors import BackendError
from taktsight.export.to_onnx import to_onnx
from taktsight.imaging import Canvas
from taktsight.inspect.backends.cuda_driver import Gpu
from taktsight.inspect.backends.trt.engine_files import list_engines
from taktsight.inspect.backends.trt.ready import Ready, ready_engine
from taktsight.inspect.backends.trt.target import target_named
from taktsight.inspect.backends.trt.vendor import open_vendor
from taktsight.inspect.commands import engine
from taktsight.inspect.config import TensorRt
from taktsight.training.networks import ClassificationNetwork, SegmentationNetwork

from ..inspect.spots import spot_bundle
from ..kernel.conftest import pem_pair

pytest.importorskip("tensorrt_rtx")

SMALL = "test_efficientnet"
FOR_ADA = ("--kind", "tensorrt_rtx", "--compute-capability", "8.9")


@pytest.fixture(scope="module")
def segmenter() -> bytes:
    torch.manual_seed(0)
    network = SegmentationNetwork(2, 1, "unet", SMALL, None, (32, 16, 16, 8, 8)).eval()
    return to_onnx(network, Canvas(64, 64, 1, 1, 32))


@pytest.fixture(scope="module")
def classifier() -> bytes:
    torch.manual_seed(0)
    return to_onnx(ClassificationNetwork(2, 3, SMALL).eval(), Canvas(64, 64, 3, 1, 32))


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return spot_bundle(tmp_path / "spots.takt")


def asked(cache: Path, **changes: Any) -> TensorRt:
    return TensorRt.model_validate({"kind": "tensorrt_rtx", "cache": cache} | changes)


@pytest.mark.parametrize("compute_capability", ["8.0", "8.6", "8.9", "12.0", "12.1"])
@pytest.mark.parametrize("name", ["segmenter", "classifier"])
def test_network_of_ours_becomes_an_engine_for_every_gpu(
    name: str, compute_capability: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    model: bytes = request.getfixturevalue(name)
    vendor = open_vendor("tensorrt_rtx")
    shares: list[float] = []
    ready = ready_engine(
        vendor,
        target_named(vendor, compute_capability),
        asked(tmp_path, batch=4),
        model,
        lambda phase, share: shares.append(share),
    )
    assert len(ready.engine) > 100_000
    assert ready.built_s is not None
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_what_a_gpu_cannot_compute_is_said_in_the_vendors_words(classifier: bytes, tmp_path: Path) -> None:
    """Turing has no float32 matrix product in TensorRT-RTX; a part must not be judged by something else."""
    vendor = open_vendor("tensorrt_rtx")
    said = r"capability 7\.5: .*FP32 GEMM is not supported.*f32 may be what this GPU lacks"
    with pytest.raises(BackendError, match=said):
        ready_engine(vendor, target_named(vendor, "7.5"), asked(tmp_path), classifier)
    assert list(tmp_path.iterdir()) == []


def test_second_time_it_lies_there_and_other_settings_are_another_engine(
    segmenter: bytes, tmp_path: Path
) -> None:
    vendor = open_vendor("tensorrt_rtx")
    target = target_named(vendor, "8.9")
    first = ready_engine(vendor, target, asked(tmp_path), segmenter)
    again = ready_engine(vendor, target, asked(tmp_path), segmenter)
    assert (again.built_s, again.path, again.engine) == (None, first.path, first.engine)
    other = ready_engine(vendor, target, asked(tmp_path, batch=2), segmenter)
    assert other.path != first.path
    assert len(list(list_engines(tmp_path))) == 2


@pytest.mark.parametrize("fault", ["damaged", "truncated", "foreign"])
def test_engine_that_cannot_be_trusted_is_built_again_with_a_message(
    fault: str, segmenter: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    vendor = open_vendor("tensorrt_rtx")
    target = target_named(vendor, "8.9")
    path = ready_engine(vendor, target, asked(tmp_path), segmenter).path
    whole = path.read_bytes()
    middle = len(whole) // 2
    spoilt = {
        "damaged": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        "truncated": whole[:middle],
        "foreign": whole[whole.index(b"}\n") + 2 :],  # a bare engine, as trtexec writes it
    }
    path.write_bytes(spoilt[fault])
    ready = ready_engine(vendor, target, asked(tmp_path), segmenter)
    assert ready.built_s is not None
    assert f"engine {path}" in caplog.text
    assert "not loaded, it is built again from the bundle" in caplog.text
    assert [stored.fault for stored in list_engines(tmp_path)] == [""]


def test_interrupted_build_ends_and_leaves_nothing(segmenter: bytes, tmp_path: Path) -> None:
    def interrupt(phase: str, share: float) -> None:
        raise KeyboardInterrupt

    vendor = open_vendor("tensorrt_rtx")
    with pytest.raises(KeyboardInterrupt):
        ready_engine(vendor, target_named(vendor, "8.9"), asked(tmp_path), segmenter, interrupt)
    assert list(tmp_path.iterdir()) == []


def test_gpu_that_rtx_does_not_know_is_refused(segmenter: bytes, tmp_path: Path) -> None:
    vendor = open_vendor("tensorrt_rtx")
    with pytest.raises(BackendError, match=r"builds for compute capability 7\.5, .*, not for 9\.0"):
        ready_engine(vendor, target_named(vendor, "9.0"), asked(tmp_path), segmenter)


def test_verb_builds_says_where_and_finds_it_again(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = tmp_path / "engines"
    line = ["engine", str(bundle), *FOR_ADA, "--cache", str(cache)]
    for took in ("built in", "lay there", "built in"):
        assert main(line) == 0
        said = capsys.readouterr().out
        assert "any GPU of compute capability 8.9" in said
        assert f"tensorrt_rtx:f32 {took}" in said
        (file,) = cache.iterdir()
        assert f"{file}, {(file.stat().st_size) / 1e6:.1f} MB" in said
        if took == "lay there":
            line.append("--again")


def test_progress_shows_the_vendors_words_as_they_are(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Brackets are markup to a terminal library: an unknown one of them ended the build."""

    def build(*arguments: Any, look: bool) -> Ready:
        arguments[4]("layers [/conv1] + [bold]", 0.5)
        return Ready(b"engine", tmp_path / "[/old]" / "a.engine", 1.0)

    monkeypatch.setattr(engine, "ready_engine", build)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["engine", str(bundle), *FOR_ADA]) == 0
    said = capsys.readouterr().out
    assert "layers [/conv1] + [bold]" in said
    assert "/[/old]/a.engine" in said


def test_verb_lists_what_lies_there_and_fails_where_something_is_wrong(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = tmp_path / "engines"
    assert main(["engine", str(bundle), *FOR_ADA, "--cache", str(cache)]) == 0
    capsys.readouterr()
    assert main(["engine", "--list", "--cache", str(cache)]) == 0
    assert "whole" in capsys.readouterr().out
    (cache / "0000.engine").write_bytes(b"from somewhere")
    assert main(["engine", "--list", "--cache", str(cache)]) == 1
    assert "was not written by Taktsight" in capsys.readouterr().out


def test_verb_builds_what_a_station_asks_for(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    station = tmp_path / "line1.yaml"
    station.write_text(
        "name: line 1\nbundle: spots.takt\ncameras: [{kind: folder, folder: images}]\n"
        "trigger: {kind: timer, takt_ms: 100}\ngate: {kind: dry_run}\ndeadline_ms: 80\n"
        "backend: {kind: tensorrt_rtx, batch: 2, cache: kept}\nrecords: {folder: records}\n"
    )
    assert main(["engine", "--station", str(station), "--compute-capability", "12.0"]) == 0
    (stored,) = list_engines(tmp_path / "kept")
    assert stored.key is not None
    assert (stored.key.batch, stored.key.compute_capability) == (2, "12.0")


def test_network_that_nobody_vouches_for_reaches_no_parser(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The station's keys hold for what is built for it; without a station those that are named."""
    _, public = pem_pair(tmp_path, "plant")
    station = tmp_path / "line1.yaml"
    station.write_text(
        "name: line 1\nbundle: spots.takt\ncameras: [{kind: folder, folder: images}]\n"
        "trigger: {kind: timer, takt_ms: 100}\ngate: {kind: dry_run}\ndeadline_ms: 80\n"
        f"allowed_keys: [{public.name}]\n"
        "backend: {kind: tensorrt_rtx, cache: kept}\nrecords: {folder: records}\n"
    )
    of_the_station = ["engine", "--station", str(station), "--compute-capability", "8.9"]
    named = [
        "engine",
        str(bundle),
        *FOR_ADA,
        "--cache",
        str(tmp_path / "kept"),
        "--allowed-key",
        str(public),
    ]
    for line in (of_the_station, named):
        assert main(line) == 1
        assert "signed" in capsys.readouterr().err
    assert not (tmp_path / "kept").exists()


def test_machine_without_a_gpu_runs_nothing_in_its_place(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        Gpu()
    except BackendError:
        assert main(["verify", str(bundle), "--engine", "tensorrt_rtx:f32"]) == 1
        assert "it has no NVIDIA driver; install it, or set backend.kind" in capsys.readouterr().err
        assert not (tmp_path / "engines").exists()
        return
    pytest.skip("this machine has an NVIDIA GPU")


@pytest.mark.parametrize(
    ("given", "why", "status"),
    [
        ([], "name a bundle, or a station", 2),
        (["BUNDLE"], "--kind says whose engine", 2),
        (["BUNDLE", "--kind", "tensorrt_rtx", "--batch", "0"], "batch: Input should be greater", 2),
        (["BUNDLE", "--kind", "tensorrt_rtx", "--dla", "0"], "runs on no DLA", 2),
        (["BUNDLE", *FOR_ADA, "--precision", "fp16"], "holds f32 only", 1),
        (["--list", "--cache", "nowhere"], "there is no such folder", 2),
    ],
)
def test_verb_says_what_is_wrong(
    given: list[str], why: str, status: int, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = [str(bundle) if each == "BUNDLE" else each for each in given]
    assert main(["engine", *line]) == status
    assert why in capsys.readouterr().err
