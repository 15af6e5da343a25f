"""ONNX Runtime's TensorRT provider: it runs the engine that was built for it, or nothing runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import helper

from taktsight.cli import main
from taktsight.errors import BackendError
from taktsight.export.half import halve_precision
from taktsight.export.to_onnx import to_onnx
from taktsight.imaging import Canvas
from taktsight.inspect.backends.backend import open_backend
from taktsight.inspect.backends.cuda_driver import Gpu
from taktsight.inspect.backends.ort import OnnxRuntimeBackend, new_session
from taktsight.inspect.backends.ort_gpu import BoundBackend, refuse_other_providers
from taktsight.inspect.backends.ort_tensorrt import PROVIDER, check_major, major_of_provider, run_engine
from taktsight.inspect.backends.trt.context_model import context_model
from taktsight.inspect.backends.trt.engine_files import list_engines
from taktsight.inspect.backends.trt.runner import TensorRtBackend
from taktsight.inspect.backends.trt.target import Target
from taktsight.inspect.commands import engine as engine_verb
from taktsight.inspect.config import OnnxRuntime, TensorRt, built_engine, placed
from taktsight.inspect.engines import ON_A_GPU, engine_named, installed
from taktsight.training.networks import SegmentationNetwork

from .cuda_stand_in import StandIn, compile_driver
from .ort_tensorrt_stand_in import ProviderStandIn
from .place import Place
from .spots import SIZE_PX, spot_model
from .tensorrt_stand_in import TensorRtStandIn

HAS_PROVIDER = PROVIDER in ort.get_available_providers()
SHAPES = {"images": (2, 300, 5, 1), "maps": (2, 4, 300, 5), "scores": (2, 4)}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> str:
    return compile_driver(tmp_path_factory.mktemp("cuda"))


@pytest.fixture
def tensorrt(library: str) -> TensorRtStandIn:
    driver = StandIn(library)
    driver.fail("")
    return TensorRtStandIn("10", driver)


@pytest.fixture
def provider(tensorrt: TensorRtStandIn) -> ProviderStandIn:
    return ProviderStandIn(tensorrt)


def config(cache: Path, **changes: Any) -> TensorRt:
    engine = OnnxRuntime.model_validate(
        {"kind": "onnxruntime", "device": "tensorrt", "cache": cache} | changes
    )
    built = built_engine(engine)
    assert built is not None
    return built


def tiles(count: int, side: int = SIZE_PX) -> Any:
    return np.random.default_rng(count).integers(0, 256, (count, side, side, 1), np.uint8)


def opened(tensorrt: TensorRtStandIn, provider: ProviderStandIn, settings: TensorRt) -> BoundBackend:
    return run_engine(settings, spot_model(), tensorrt.vendor, Gpu(tensorrt.driver.path), provider)


def builds(tensorrt: TensorRtStandIn) -> int:
    return [call[0] for call in tensorrt.calls].count("build_serialized_network")


@pytest.mark.parametrize("batch", [1, 4])
def test_every_tile_gets_its_own_answer_however_many_come(
    batch: int, tensorrt: TensorRtStandIn, provider: ProviderStandIn, tmp_path: Path
) -> None:
    backend = opened(tensorrt, provider, config(tmp_path, batch=batch))
    reference = OnnxRuntimeBackend(spot_model(), threads=1)
    for count in (1, 2, 5, 9):
        for ours, wanted in zip(backend.infer(tiles(count)), reference.infer(tiles(count)), strict=True):
            assert np.array_equal(ours, wanted)


@pytest.mark.parametrize("cuda_graph", [True, False])
def test_session_is_told_what_runs_and_that_nothing_else_may(
    cuda_graph: bool, tensorrt: TensorRtStandIn, provider: ProviderStandIn, tmp_path: Path
) -> None:
    opened(tensorrt, provider, config(tmp_path, cuda_graph=cuda_graph))
    assert provider.may_use_the_processor == [False]
    (given,) = provider.given
    assert given["trt_cuda_graph_enable"] == str(cuda_graph)
    assert set(given) == {"device_id", "user_compute_stream", "trt_cuda_graph_enable"}  # no precision
    assert ("clear_flag", "TF32") in tensorrt.calls


def test_engine_is_that_of_kind_tensorrt_built_once_for_both(
    tensorrt: TensorRtStandIn, provider: ProviderStandIn, tmp_path: Path
) -> None:
    gpu = Gpu(tensorrt.driver.path)
    TensorRtBackend(TensorRt(kind="tensorrt", cache=tmp_path), spot_model(), tensorrt.vendor, gpu)
    opened(tensorrt, provider, config(tmp_path))
    assert builds(tensorrt) == 1
    assert len(list(list_engines(tmp_path))) == 1


@pytest.mark.parametrize("change", ["damaged", "writable by others"])
def test_engine_file_that_is_not_to_be_trusted_is_built_again(
    change: str, tensorrt: TensorRtStandIn, provider: ProviderStandIn, tmp_path: Path
) -> None:
    opened(tensorrt, provider, config(tmp_path))
    (stored,) = list_engines(tmp_path)
    if change == "damaged":
        content = bytearray(stored.path.read_bytes())
        content[-1] ^= 1
        stored.path.write_bytes(content)
    else:
        stored.path.chmod(0o666)
    opened(tensorrt, provider, config(tmp_path))
    assert builds(tensorrt) == 2
    assert [each.fault for each in list_engines(tmp_path)] == [""]


def test_whole_engine_that_tensorrt_refuses_is_built_again(
    tensorrt: TensorRtStandIn, provider: ProviderStandIn, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now, tensorrt.version = tensorrt.version, "10.3.0 before the fix"
    opened(tensorrt, provider, config(tmp_path))
    tensorrt.version = now
    backend = opened(tensorrt, provider, config(tmp_path))
    assert "could not deserialize engine from binary data" in caplog.text
    assert caplog.text.rstrip().endswith(": built again")
    assert backend.infer(tiles(1))[1].shape == (1, 1)
    assert builds(tensorrt) == 2


def test_provider_that_does_not_start_costs_no_second_build(
    tensorrt: TensorRtStandIn, provider: ProviderStandIn, tmp_path: Path
) -> None:
    provider.broken = "Please install TensorRT libraries"
    for _ in range(2):
        with pytest.raises(BackendError, match="Please install TensorRT libraries"):
            opened(tensorrt, provider, config(tmp_path))
    assert builds(tensorrt) == 1


@pytest.mark.parametrize("function", ["cuStreamSynchronize", "cuMemcpyHtoDAsync_v2", "cuCtxSetCurrent"])
def test_failing_gpu_is_an_error_that_names_it_and_the_next_part_is_judged(
    function: str, tensorrt: TensorRtStandIn, provider: ProviderStandIn, tmp_path: Path
) -> None:
    backend = opened(tensorrt, provider, config(tmp_path))
    tensorrt.driver.fail(function)
    with pytest.raises(BackendError, match=rf"Stand-in GPU: {function} failed: CUDA_ERROR_LAUNCH"):
        backend.infer(tiles(1))
    tensorrt.driver.fail("")
    wanted = OnnxRuntimeBackend(spot_model(), threads=1).infer(tiles(5))
    assert np.array_equal(backend.infer(tiles(5))[0], wanted[0])


def test_engine_that_does_not_answer_does_not_reach_the_line(
    tensorrt: TensorRtStandIn, provider: ProviderStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Gpu, "download", lambda self, buffer, stream: None)
    with pytest.raises(BackendError, match=r"on Stand-in GPU: the same tiles gave answers nan apart"):
        opened(tensorrt, provider, config(tmp_path))


def test_wrong_batch_is_refused(
    tensorrt: TensorRtStandIn, provider: ProviderStandIn, tmp_path: Path
) -> None:
    backend = opened(tensorrt, provider, config(tmp_path))
    with pytest.raises(BackendError, match=r"ONNX Runtime with TensorRT 10.3.0 on .*got a batch float32"):
        backend.infer(np.zeros((1, SIZE_PX, SIZE_PX, 1), np.float32))


def test_engine_becomes_a_model_of_one_node_as_onnx_reads_it() -> None:
    engine = bytes(range(256)) * 3
    model = onnx.load_from_string(context_model(engine, SHAPES, "8.9", PROVIDER))
    onnx.checker.check_model(model)
    (node,) = model.graph.node
    assert (node.op_type, node.domain) == ("EPContext", "com.microsoft")
    assert (list(node.input), list(node.output)) == (["images"], ["maps", "scores"])
    assert {each.name: helper.get_attribute_value(each) for each in node.attribute} == {
        "embed_mode": 1,
        "ep_cache_context": engine,
        "hardware_architecture": b"89",
        "source": PROVIDER.encode(),
    }
    values = [*model.graph.input, *model.graph.output]
    assert {
        each.name: tuple(d.dim_value for d in each.type.tensor_type.shape.dim) for each in values
    } == SHAPES
    types = [each.type.tensor_type.elem_type for each in values]
    assert types == [onnx.TensorProto.UINT8, onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT]


def test_no_other_provider_runs_the_engine() -> None:
    """Whatever else fails: there is nothing that a part could silently be judged by instead."""
    model = context_model(b"engine", SHAPES, "8.9", PROVIDER)
    with pytest.raises(BackendError, match=r"not find an implementation for EPContext|NOT_IMPLEMENTED"):
        new_session(model, ort.SessionOptions(), "CPUExecutionProvider")


@pytest.mark.skipif(HAS_PROVIDER, reason="this onnxruntime has TensorRT")
def test_engine_that_is_not_there_is_refused_not_replaced() -> None:
    assert not installed("onnxruntime:f32:tensorrt")
    with pytest.raises(BackendError, match=r"TensorrtExecutionProvider was asked for .* onnxruntime-gpu"):
        open_backend(engine_named("onnxruntime:f32:tensorrt"), {"f32": spot_model()})


@pytest.mark.skipif(not HAS_PROVIDER, reason="this onnxruntime has no TensorRT")
def test_real_provider_without_a_gpu_refuses_and_opens_nothing_else(
    capfd: pytest.CaptureFixture[str],
) -> None:
    try:
        Gpu()
    except BackendError:
        options = ort.SessionOptions()
        refuse_other_providers(options)
        model = context_model(b"engine", SHAPES, "8.9", PROVIDER)
        with pytest.raises(BackendError, match="ONNX Runtime refuses the model"):
            new_session(model, options, PROVIDER, {"trt_cuda_graph_enable": "True"})
        assert "Falling back" not in capfd.readouterr().out
    else:
        pytest.skip("a GPU is here")


def test_tensorrt_of_another_major_version_is_refused_before_anything_is_built(
    tensorrt: TensorRtStandIn, tmp_path: Path
) -> None:
    library = tmp_path / "libonnxruntime_providers_tensorrt.so"
    library.write_bytes(b"\x7fELF\0libcublas.so.13\0libnvinfer.so.11\0libnvonnxparser.so.11\0")
    assert major_of_provider(library) == 11
    with pytest.raises(
        BackendError, match=r"TensorRT 10\.3\.0 is installed, .* pip install 'tensorrt==11\.\*'"
    ):
        check_major(tensorrt.vendor, 11)
    check_major(tensorrt.vendor, 10)
    assert major_of_provider(tmp_path / "absent.so") is None


def test_provider_of_this_onnxruntime_says_which_tensorrt_it_runs() -> None:
    assert (major_of_provider() is not None) == HAS_PROVIDER


def test_settings_are_those_by_which_tensorrt_builds() -> None:
    said = {"precision": "fp16", "batch": 4, "workspace_mb": 64, "cuda_graph": False, "cache": "kept"}
    engine = OnnxRuntime.model_validate({"kind": "onnxruntime", "device": "tensorrt"} | said)
    native = TensorRt.model_validate({"kind": "tensorrt"} | said)
    assert built_engine(engine) == native == built_engine(native)
    assert placed(engine, Path("/line")).model_dump()["cache"] == Path("/line/kept")
    for name in ("onnxruntime:f32", "onnxruntime:fp16:cuda", "openvino:bf16"):
        other = engine_named(name)
        assert (built_engine(other), placed(other, Path("/line"))) == (None, other)


def test_verb_builds_what_the_station_will_run(
    tensorrt: TensorRtStandIn,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(engine_verb, "open_vendor", lambda kind: tensorrt.vendor)
    monkeypatch.setattr(engine_verb, "_target", lambda *asked: Target("Orin", "8.7", "540"))
    backend = {"kind": "onnxruntime", "device": "tensorrt", "batch": 2, "cache": "kept"}
    station = place.write(backend=backend)
    assert main(["engine", "--station", str(station)]) == 0, capsys.readouterr().err
    (stored,) = list_engines(station.parent / "kept")
    assert stored.key is not None
    assert (stored.key.batch, stored.key.vendor) == (2, "TensorRT 10.3.0")


def test_every_precision_has_its_name() -> None:
    names = [name for name in ON_A_GPU if name.endswith(":tensorrt")]
    assert [engine_named(name).precision for name in names] == ["f32", "fp16", "int8"]


@pytest.mark.gpu
@pytest.mark.skipif(not HAS_PROVIDER, reason="this onnxruntime has no TensorRT")
@pytest.mark.parametrize("cuda_graph", [True, False])
def test_real_gpu_answers_as_the_reference_does(cuda_graph: bool, tmp_path: Path) -> None:
    pytest.importorskip("tensorrt")
    torch.manual_seed(0)
    network = SegmentationNetwork(2, 1, decoder_channels=(48, 24, 16, 8, 8)).eval()
    model = to_onnx(network, Canvas(96, 96, 1))
    models = {"f32": model, "fp16": halve_precision(model)}
    wanted, _ = OnnxRuntimeBackend(model).infer(tiles(3, 96))
    apart = {}
    for precision in models:
        engine = engine_named(f"onnxruntime:{precision}:tensorrt").model_copy(
            update={"cache": tmp_path, "batch": 2, "cuda_graph": cuda_graph}
        )
        got, _ = open_backend(engine, models).infer(tiles(3, 96))
        apart[precision] = float(np.abs(got - wanted).max())
    assert apart["f32"] < 1e-4  # with 10 bits of mantissa (TF32) it would be above 1e-3
    assert 1e-5 < apart["fp16"] < 2e-2
