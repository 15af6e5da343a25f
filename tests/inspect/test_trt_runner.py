"""An engine on the GPU: what goes in comes out, whatever fails is said, on stand-ins and on real GPUs."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taktsight.errors import BackendError
from taktsight.inspect.backends.cuda_driver import Gpu
from taktsight.inspect.backends.ort import OnnxRuntimeBackend
from taktsight.inspect.backends.trt.engine_files import list_engines
from taktsight.inspect.backends.trt.runner import TensorRtBackend
from taktsight.inspect.backends.trt.vendor import open_vendor
from taktsight.inspect.config import TensorRt

from .cuda_stand_in import StandIn, compile_driver
from .spots import SIZE_PX, spot_model
from .tensorrt_stand_in import VERSIONS, Context, ILogger, TensorRtStandIn


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> str:
    return compile_driver(tmp_path_factory.mktemp("cuda"))


@pytest.fixture
def driver(library: str) -> StandIn:
    stand_in = StandIn(library)
    stand_in.fail("")
    return stand_in


def config(cache: Path, **changes: Any) -> TensorRt:
    return TensorRt.model_validate({"kind": "tensorrt", "cache": cache} | changes)


def tiles(count: int) -> Any:
    return np.random.default_rng(count).integers(0, 256, (count, SIZE_PX, SIZE_PX, 1), np.uint8)


def opened(driver: StandIn, settings: TensorRt, version: str = "10") -> TensorRtBackend:
    stand_in = TensorRtStandIn(version, driver)
    return TensorRtBackend(settings, spot_model(), stand_in.vendor, Gpu(driver.path))


@pytest.mark.parametrize("cuda_graph", [True, False], ids=["graph", "no graph"])
@pytest.mark.parametrize("version", VERSIONS)
def test_every_tile_gets_its_own_answer_however_many_come(
    version: str, cuda_graph: bool, driver: StandIn, tmp_path: Path
) -> None:
    kind = VERSIONS[version][0]
    for batch in (1, 4):
        settings = config(tmp_path, kind=kind, batch=batch, cuda_graph=cuda_graph)
        backend = opened(driver, settings, version)
        reference = OnnxRuntimeBackend(spot_model(), threads=1)
        for count in (1, 2, 5, 9):
            for ours, wanted in zip(
                backend.infer(tiles(count)), reference.infer(tiles(count)), strict=True
            ):
                assert np.array_equal(ours, wanted)


def test_graph_is_launched_and_left_out_where_it_is_not_wanted(driver: StandIn, tmp_path: Path) -> None:
    for cuda_graph, launched in ((True, 3), (False, 0)):
        backend = opened(driver, config(tmp_path, cuda_graph=cuda_graph))
        before = driver.launches
        backend.infer(tiles(3))
        assert driver.launches - before == launched


def test_engine_that_fits_in_no_graph_runs_without(
    driver: StandIn, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    driver.fail("cuStreamBeginCapture_v2")
    backend = opened(driver, config(tmp_path))
    assert "fits in no CUDA graph" in caplog.text
    assert backend.infer(tiles(2))[1].shape == (2, 1)


def test_answers_are_not_overwritten_by_the_next_part(driver: StandIn, tmp_path: Path) -> None:
    backend = opened(driver, config(tmp_path))
    first = backend.infer(tiles(1))
    kept = [output.copy() for output in first]
    backend.infer(tiles(2))
    assert all(np.array_equal(*pair) for pair in zip(first, kept, strict=True))


@pytest.mark.parametrize("function", ["cuStreamSynchronize", "cuGraphLaunch", "cuCtxSetCurrent"])
def test_failing_gpu_is_an_error_that_names_it_and_the_next_part_is_judged(
    function: str, driver: StandIn, tmp_path: Path
) -> None:
    backend = opened(driver, config(tmp_path))
    driver.fail(function)
    with pytest.raises(BackendError, match=rf"Stand-in GPU: {function} failed: CUDA_ERROR_LAUNCH"):
        backend.infer(tiles(1))
    driver.fail("")
    wanted = OnnxRuntimeBackend(spot_model(), threads=1).infer(tiles(5))
    assert np.array_equal(backend.infer(tiles(5))[0], wanted[0])


def test_full_gpu_is_an_error_before_the_line_starts(driver: StandIn, tmp_path: Path) -> None:
    driver.fail("cuMemAlloc_v2")
    with pytest.raises(BackendError, match="Stand-in GPU: cuMemAlloc_v2 failed"):
        opened(driver, config(tmp_path))


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((1, 32, 64, 1), np.uint8), np.zeros((1, 64, 64, 1), np.float32), tiles(1)[:0]],
    ids=["size", "type", "none"],
)
def test_wrong_batch_is_refused(wrong: Any, driver: StandIn, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"the engine takes uint8 \(N, 64, 64, 1\)"):
        opened(driver, config(tmp_path)).infer(wrong)


def test_second_start_finds_its_engine(driver: StandIn, tmp_path: Path) -> None:
    stand_in = TensorRtStandIn("10", driver)
    for _ in range(2):
        TensorRtBackend(config(tmp_path), spot_model(), stand_in.vendor, Gpu(driver.path))
    assert [call[0] for call in stand_in.calls].count("build_serialized_network") == 1


def test_whole_engine_that_the_vendor_refuses_is_built_again(
    driver: StandIn, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The same version number over other bytes: a vendor's hot fix."""
    old = TensorRtStandIn("10", driver)
    old.version = "10.3.0 before the fix"
    with pytest.raises(BackendError, match="does not load the engine that it built"):
        TensorRtBackend(config(tmp_path), spot_model(), _loads_nothing(old), Gpu(driver.path))
    backend = opened(driver, config(tmp_path))
    assert "is refused (the version tag does not match): built again" in caplog.text
    assert backend.infer(tiles(1))[1].shape == (1, 1)
    assert [stored.fault for stored in list_engines(tmp_path)] == [""]


def _loads_nothing(stand_in: TensorRtStandIn) -> Any:
    module = stand_in.vendor.module
    runtime = type("Runtime", (), {"deserialize_cuda_engine": lambda self, content: None})
    changed = type("Module", (), {**vars(module), "Runtime": lambda self, logger: runtime()})()
    return dataclasses.replace(stand_in.vendor, module=changed)


def test_engine_that_refuses_to_run_has_said_why_in_the_log(
    driver: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stand_in = TensorRtStandIn("10", driver)
    runtime, heard = stand_in.vendor.module.Runtime, []

    def listened_to(logger: Any) -> Any:
        heard.append(logger)
        return runtime(logger)

    stand_in.vendor.module.Runtime = listened_to
    settings = config(tmp_path, cuda_graph=False)
    backend = TensorRtBackend(settings, spot_model(), stand_in.vendor, Gpu(driver.path))

    def refuse(self: Context, stream_handle: int) -> bool:
        heard[0].log(ILogger.Severity.ERROR, "an illegal memory access was encountered")
        return False

    monkeypatch.setattr(Context, "execute_async_v3", refuse)
    with pytest.raises(BackendError, match="refused to run; see the log for its words"):
        backend.infer(tiles(1))
    assert "TensorRT 10.3.0: an illegal memory access was encountered" in caplog.text


def test_graph_that_answers_otherwise_does_not_reach_the_line(
    driver: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Gpu, "launch", lambda self, graph, stream: None)
    with pytest.raises(BackendError, match=r"the same tiles gave answers .* apart") as refused:
        opened(driver, config(tmp_path))
    assert "cuda_graph to false" in str(refused.value)


def test_machine_without_a_driver_says_so() -> None:
    with pytest.raises(BackendError, match=r"no NVIDIA driver; install it, or set backend\.kind"):
        Gpu("libcuda_that_is_not_there.so.1")


def test_driver_that_is_too_old_is_named() -> None:
    with pytest.raises(BackendError, match=r"has no cuInit: the driver is older than CUDA 11\.4"):
        Gpu("libc.so.6")


@pytest.mark.gpu
@pytest.mark.parametrize("kind", ["tensorrt", "tensorrt_rtx"])
def test_real_gpu_answers_as_onnx_runtime_does(
    kind: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip(kind)
    try:
        gpu = Gpu()
    except BackendError as error:
        pytest.skip(f"no NVIDIA GPU here: {error}")
    caplog.set_level(logging.INFO)
    wanted = OnnxRuntimeBackend(spot_model(), threads=1)
    for batch, cuda_graph in ((1, True), (1, False), (4, True)):
        settings = config(tmp_path, kind=kind, batch=batch, cuda_graph=cuda_graph)
        backend = TensorRtBackend(settings, spot_model(), open_vendor(kind), gpu)
        for count in (1, 5):
            for ours, theirs in zip(backend.infer(tiles(count)), wanted.infer(tiles(count)), strict=True):
                assert np.abs(ours - theirs).max() < 1e-5  # float32, computed in another order
