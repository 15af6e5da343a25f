"""ONNX Runtime on a GPU: refused where there is none, the reference's answers where there is one."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest
import torch

from taktsight.errors import BackendError, ConfigError
from taktsight.export.half import halve_precision
from taktsight.export.to_onnx import to_onnx
from taktsight.imaging import Canvas
from taktsight.inspect.backends.backend import open_backend
from taktsight.inspect.backends.cuda_driver import Gpu
from taktsight.inspect.backends.ort import OnnxRuntimeBackend
from taktsight.inspect.backends.ort_cuda import open_cuda
from taktsight.inspect.engines import engine_named
from taktsight.training.networks import SegmentationNetwork

from .spots import SIZE_PX, spot_model

HAS_CUDA = "CUDAExecutionProvider" in ort.get_available_providers()
needs_gpu = pytest.mark.skipif(not HAS_CUDA, reason="this onnxruntime has no CUDA")
SIDE_PX = 96


def frames(count: int, side: int = SIZE_PX) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, side, side, 1), np.uint8)


@pytest.mark.skipif(HAS_CUDA, reason="this onnxruntime has CUDA")
def test_engine_that_is_not_there_is_refused_not_replaced() -> None:
    with pytest.raises(BackendError, match=r"CUDAExecutionProvider was asked for .* onnxruntime-gpu"):
        open_backend(engine_named("onnxruntime:f32:cuda"), {"f32": spot_model()})


@pytest.mark.parametrize(
    ("name", "why"),
    [("onnxruntime:int8:cuda", "int8 layers in float32"), ("onnxruntime:fp16", "fp16 runs on device cuda")],
)
def test_precision_that_the_device_would_not_compute_in_is_refused(name: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        engine_named(name)


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("batch", [1, 4])
def test_gpu_answers_as_the_reference_does(batch: int) -> None:
    ours, wanted = open_cuda(spot_model(), batch=batch), OnnxRuntimeBackend(spot_model(), threads=1)
    for count in (1, 5, 2):
        for got, right in zip(ours.infer(frames(count)), wanted.infer(frames(count)), strict=True):
            assert np.abs(got - right).max() < 1e-5  # float32, computed in another order


@pytest.mark.gpu
@needs_gpu
def test_network_in_both_precisions_answers_as_the_reference_does() -> None:
    torch.manual_seed(0)
    canvas = Canvas(SIDE_PX, SIDE_PX, 1)
    model = to_onnx(SegmentationNetwork(2, 1, decoder_channels=(48, 24, 16, 8, 8)).eval(), canvas)
    right, _ = OnnxRuntimeBackend(model).infer(frames(3, SIDE_PX))
    apart = {
        name: float(np.abs(open_cuda(content).infer(frames(3, SIDE_PX))[0] - right).max())
        for name, content in (("f32", model), ("fp16", halve_precision(model)))
    }
    assert apart["f32"] < 1e-4  # with 10 bits of mantissa (TF32) it would be above 1e-3
    assert 1e-5 < apart["fp16"] < 2e-2


@pytest.mark.gpu
@needs_gpu
def test_wrong_batch_is_refused_before_it_reaches_the_gpu() -> None:
    with pytest.raises(BackendError, match=r"got a batch uint8 \(1, 32, 32, 1\)"):
        open_cuda(spot_model()).infer(np.zeros((1, 32, 32, 1), np.uint8))


@pytest.mark.gpu
def test_real_driver_takes_a_tensor_up_and_down() -> None:
    try:
        gpu = Gpu()
    except BackendError as error:
        pytest.skip(f"no NVIDIA GPU here: {error}")
    stream, buffer = gpu.new_stream(), gpu.buffer((3, 1000), np.float32)
    sent = np.random.default_rng(0).random((3, 1000), np.float32)
    np.copyto(buffer.pinned, sent)
    gpu.upload(buffer, stream)
    gpu.wait(stream)
    buffer.pinned.fill(0)
    gpu.begin_capture(stream)
    gpu.download(buffer, stream)
    graph = gpu.end_capture(stream)
    assert not buffer.pinned.any()  # what is captured is not done
    gpu.launch(graph, stream)
    gpu.wait(stream)
    np.testing.assert_array_equal(buffer.pinned, sent)
