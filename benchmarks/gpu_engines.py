"""What does the line's own handling of a GPU cost, over a session whose tensors lie on the GPU already?

A U-Net on EfficientNet-Lite0 at 256² and 512², in float32 and fp16, one tile a run, on each provider of
ONNX Runtime that this machine has. In each round, in a random order: *ours*, from the tile in memory to
maps and scores in memory; *bare*, a session with the same options and buffers bound on the GPU, nothing
copied; *copied*, the same with ONNX Runtime's own copies of tile, maps and scores, which is what any use of
the answer takes; *plain*, ``session.run`` as the documentation shows it, TF32 and all; *whole*, a part
through the inspector; on TensorRT also *native*, the same engine without ONNX Runtime.

    python benchmarks/gpu_engines.py --rounds 300
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray

from taktsight.benchmarks.inference import LABELS, card_of_nothing, interleaved, rendered_frames
from taktsight.benchmarks.measured import circumstances, write_result
from taktsight.export.half import halve_precision
from taktsight.export.to_onnx import to_onnx
from taktsight.imaging import Canvas, prepare
from taktsight.inspect.backends.backend import open_backend
from taktsight.inspect.backends.cuda_driver import Gpu
from taktsight.inspect.backends.ort_tensorrt import run_shapes
from taktsight.inspect.backends.trt.context_model import context_model
from taktsight.inspect.backends.trt.ready import ready_engine
from taktsight.inspect.backends.trt.target import target_here
from taktsight.inspect.backends.trt.vendor import open_vendor
from taktsight.inspect.config import OnnxRuntime, built_engine
from taktsight.inspect.engines import PROVIDERS, installed
from taktsight.inspect.inspector import Inspector
from taktsight.records import Frame, Part
from taktsight.training.networks import SegmentationNetwork

SIDES = (256, 512)
Task = Callable[[int], object]


def main() -> None:
    """Measures, prints, writes ``results/gpu_engines.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    rounds = parser.parse_args().rounds
    devices = [device for device in PROVIDERS if installed(f"onnxruntime:f32:{device}")]
    if not devices:
        raise SystemExit("this onnxruntime has no CUDA: install onnxruntime-gpu, on a machine with a GPU")
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        for side in SIDES:
            torch.manual_seed(0)
            network = SegmentationNetwork(len(LABELS), 1, decoder_channels=(96, 48, 32, 16, 8)).eval()
            model = to_onnx(network, Canvas(side, side, 1, 2))
            for precision, content in (("f32", model), ("fp16", halve_precision(model))):
                for device in devices:
                    said = {"precision": precision, "device": device, "cache": cache}
                    engine = OnnxRuntime.model_validate({"kind": "onnxruntime"} | said)
                    rows.append(_row(side, engine, content, rounds))
                    print(rows[-1], flush=True)
    write_result("gpu_engines", {"device": Gpu().name, "rows": rows, **circumstances()})


def _row(side: int, engine: OnnxRuntime, model: bytes, rounds: int) -> dict[str, object]:
    canvas = Canvas(side, side, 1, 2)
    frames = rendered_frames(16, 2 * side)
    tiles = [prepare(frame, None, canvas)[0][:1] for frame in frames]
    parts = [Part(number, (Frame(frame, number, 0, "camera"),)) for number, frame in enumerate(frames)]
    began = time.perf_counter_ns()
    backend = open_backend(engine, {engine.precision: model})
    opened_ms = (time.perf_counter_ns() - began) / 1e6
    card = card_of_nothing(canvas)
    inspector = Inspector(backend, card, card.own_recipe())
    bare, copied = _bound_session(*_on_provider(engine, model), tiles)
    plain = ort.InferenceSession(model, providers=[PROVIDERS[engine.device]])
    tasks: dict[str, Task] = {
        "ours": lambda at: backend.infer(tiles[at]),
        "again": lambda at: backend.infer(tiles[at]),
        "bare": bare,
        "copied": copied,
        "plain": lambda at: plain.run(None, {"images": tiles[at]}),
        "whole": lambda at: inspector.inspect(parts[at]),
    }
    built = built_engine(engine)
    if built is not None:
        native = open_backend(built, {engine.precision: model})
        tasks["native"] = lambda at: native.infer(tiles[at])
    times = interleaved(tasks, rounds, len(frames), f"{side}² {engine.precision} {engine.device}")
    return _figures(side, engine, times) | {"open_ms": round(opened_ms), "rounds": rounds}


def _on_provider(engine: OnnxRuntime, model: bytes) -> tuple[bytes, str, dict[str, str]]:
    """What a session of the engine's provider is opened with: model, provider, options."""
    provider, built = PROVIDERS[engine.device], built_engine(engine)
    if built is None:
        return model, provider, {"enable_cuda_graph": "1", "use_tf32": "0"}
    vendor, gpu = open_vendor("tensorrt"), Gpu()
    ready = ready_engine(vendor, target_here(vendor, gpu), built, model)
    shapes = run_shapes(model, engine.batch, "bare")
    wrapped = context_model(ready.engine, shapes, gpu.compute_capability, provider)
    return wrapped, provider, {"trt_cuda_graph_enable": "True"}


def _bound_session(
    model: bytes, provider: str, given: dict[str, str], tiles: list[NDArray[np.uint8]]
) -> tuple[Task, Task]:
    """Runs on tensors that lie on the GPU: without a copy, and with ONNX Runtime's own copies."""
    options = ort.SessionOptions()
    options.add_free_dimension_override_by_name("N", 1)
    session = ort.InferenceSession(model, options, providers=[(provider, given)])
    images = ort.OrtValue.ortvalue_from_numpy(tiles[0], "cuda", 0)
    outputs = {
        value.name: ort.OrtValue.ortvalue_from_shape_and_type((1, *value.shape[1:]), np.float32, "cuda", 0)
        for value in session.get_outputs()
    }
    binding = session.io_binding()
    binding.bind_ortvalue_input("images", images)
    for name, value in outputs.items():
        binding.bind_ortvalue_output(name, value)

    def bare(_: int) -> None:
        session.run_with_iobinding(binding)

    def copied(at: int) -> list[NDArray[np.float32]]:
        images.update_inplace(np.ascontiguousarray(tiles[at]))
        session.run_with_iobinding(binding)
        return [value.numpy() for value in outputs.values()]

    return bare, copied


def _figures(side: int, engine: OnnxRuntime, times: dict[str, NDArray[np.float64]]) -> dict[str, object]:
    p50 = {name: float(np.median(each)) for name, each in times.items()}
    return {
        "model": f"unet-lite0-{side}",
        "backend": "onnxruntime",
        "device": engine.device,
        "precision": engine.precision,
        "throughput_over_copied": round(p50["copied"] / p50["ours"], 3),
        "throughput_over_bare": round(p50["bare"] / p50["ours"], 3),
        "throughput_over_plain": round(p50["plain"] / p50["ours"], 3),
        "throughput_over_native": round(p50["native"] / p50["ours"], 3) if "native" in p50 else None,
        "host_overhead_ms": round(p50["ours"] - p50["copied"], 3),
        "copies_ms": round(p50["copied"] - p50["bare"], 3),
        "aa": round(p50["again"] / p50["ours"], 3),
        "p50_ms": {name: round(value, 3) for name, value in p50.items()},
        "p99_ms": {name: round(float(np.percentile(each, 99)), 3) for name, each in times.items()},
    }


if __name__ == "__main__":
    main()
