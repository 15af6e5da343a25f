"""TensorRT at the line: uint8 in, maps and scores out, on the GPU that was asked for."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taktsight.errors import BackendError
from taktsight.imaging import Batch
from taktsight.inspect.backends.cuda_driver import Gpu
from taktsight.inspect.backends.lanes import (
    WARM_UPS,
    Shapes,
    all_answers,
    check_repeats,
    noise_tiles,
    through_lanes,
)
from taktsight.inspect.backends.trt.lane import TensorRtLane
from taktsight.inspect.backends.trt.ready import ready_engine
from taktsight.inspect.backends.trt.target import target_here
from taktsight.inspect.backends.trt.vendor import Vendor
from taktsight.inspect.backends.trt.vendor_log import last_words, listen
from taktsight.inspect.config import TensorRt

log = logging.getLogger(__name__)
LANES = 2
"""While one is on the GPU, the next tiles are copied into the other's buffers."""


class TensorRtBackend:
    """An engine on the GPU, warm, with two lanes to it.

    Args:
        config: of the station.
        model: the bundle's ONNX of that precision.
        vendor: the module that is installed.
        gpu: this machine's.

    Raises:
        BackendError: If the engine cannot be built or loaded. Nothing else runs in its place.
    """

    def __init__(self, config: TensorRt, model: bytes, vendor: Vendor, gpu: Gpu) -> None:
        self._gpu = gpu
        self._name = f"{vendor} on {gpu.name}"
        self._listener = listen(vendor)
        self._runtime = vendor.module.Runtime(self._listener)
        if config.device == "dla":
            self._runtime.DLA_core = config.dla_core
        self._engine = self._load(config, model, vendor)
        self._shapes = engine_shapes(vendor, self._engine, self._name)
        self._lanes = [TensorRtLane(gpu, self._engine, self._shapes, self._name) for _ in range(LANES)]
        self._warm_up(cuda_graph=config.cuda_graph)

    def infer(self, batch: Batch) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """maps (N, K, h, w) and scores (N, K) of a batch.

        Raises:
            BackendError: If the batch is not what the engine takes, or the GPU fails.
        """
        self._gpu.enter()
        return through_lanes(self._lanes, self._shapes, batch, self._name)

    def _load(self, config: TensorRt, model: bytes, vendor: Vendor) -> Any:
        target = target_here(vendor, self._gpu)
        ready = ready_engine(vendor, target, config, model)
        engine = self._runtime.deserialize_cuda_engine(ready.engine)
        if engine is None and ready.built_s is None:
            log.warning("engine %s is refused (%s): built again", ready.path, last_words(self._listener))
            ready = ready_engine(vendor, target, config, model, look=False)
            engine = self._runtime.deserialize_cuda_engine(ready.engine)
        if engine is None:
            raise BackendError(
                f"{self._name}: does not load the engine that it built: {last_words(self._listener)}"
            )
        return engine

    def _warm_up(self, *, cuda_graph: bool) -> None:
        """The first runs allocate and compile; a graph may be captured only after one of them."""
        tiles = noise_tiles(self._shapes)
        answers = [all_answers(lane, self._shapes, tiles) for lane in self._lanes for _ in range(WARM_UPS)]
        if cuda_graph:
            for lane in self._lanes:
                lane.capture()
        answers += [all_answers(lane, self._shapes, tiles) for lane in self._lanes]
        remedy = "set backend.cuda_graph to false, and tell us if that helps"
        check_repeats(answers, self._name, remedy)


def engine_shapes(vendor: Vendor, engine: Any, name: str) -> Shapes:
    """Shapes of the input, ``maps`` and ``scores``, in this order.

    Raises:
        BackendError: If the engine is not one of a bundle's model.
    """
    module = vendor.module
    tensors = [engine.get_tensor_name(number) for number in range(engine.num_io_tensors)]
    inputs = [each for each in tensors if engine.get_tensor_mode(each) == module.TensorIOMode.INPUT]
    if len(inputs) != 1 or sorted(set(tensors) - set(inputs)) != ["maps", "scores"]:
        raise BackendError(f"{name}: the engine has {tensors}; one input, maps and scores are wanted")
    (images,) = inputs
    types = tuple(engine.get_tensor_dtype(each).name for each in (images, "maps", "scores"))
    if types != ("UINT8", "FLOAT", "FLOAT"):
        raise BackendError(f"{name}: the engine's tensors are {types}; uint8 in and float32 out are wanted")
    wanted = tuple(engine.get_tensor_profile_shape(images, 0)[1])
    shapes = {images: wanted}
    for output in ("maps", "scores"):
        shapes[output] = (wanted[0], *tuple(engine.get_tensor_shape(output))[1:])
    if any(min(shape) < 1 for shape in shapes.values()):
        raise BackendError(f"{name}: the engine's shapes {shapes} are not fixed; build it again")
    return shapes
