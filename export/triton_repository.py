"""A bundle as a model repository of NVIDIA's Triton Inference Server.

labels.txt               K labels, in the order of scores
config.pbtxt             what goes in and out, how many instances, whether requests are batched
1/model.onnx             the bundle's float32 model, unchanged
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from taktsight.bundle import Bundle
from taktsight.errors import ConfigError
from taktsight.export.plain_onnx import labels_file, model_shapes

Device = Literal["cpu", "gpu"]


@dataclass(frozen=True, slots=True)
class Serving:
    """How the server runs the model."""

    device: Device = "cpu"
    instances: int = 1
    """Copies that run at the same time, of each device."""
    max_batch: int = 8
    """Images of one request at most, tiles among them; a model whose batch is fixed has its own."""
    max_queue_delay_us: int | None = None
    """How long a request may wait for others to share a batch; None: requests are not joined."""


def triton_repository(bundle: Bundle, name: str, serving: Serving) -> dict[str, bytes]:
    """The files of the repository, by their paths below it.

    Args:
        bundle: verified.
        name: of the model: its folder, and what clients ask for.
        serving: how it is run.

    Raises:
        ConfigError: If requests are to be joined and the model takes a fixed number of images.
        BackendError: If ONNX Runtime refuses the model.
    """
    return {
        f"{name}/config.pbtxt": _config(bundle, name, serving).encode(),
        f"{name}/labels.txt": labels_file(bundle.card.labels),
        f"{name}/1/model.onnx": bundle.model,
    }


def _config(bundle: Bundle, name: str, serving: Serving) -> str:
    shapes = model_shapes(bundle)
    leading: tuple[int, ...]
    if shapes.batch is None:
        max_batch, leading = serving.max_batch, ()
    elif serving.max_queue_delay_us is not None:
        raise ConfigError(
            f"{bundle.card.name}: the model takes {shapes.batch} image at a time, so requests cannot share "
            "a batch: leave out --max-queue-delay-us, or import it with a free batch dimension"
        )
    else:  # Triton adds no batch dimension to a model of batch size 0
        max_batch, leading = 0, (shapes.batch,)
    device = {"cpu": "KIND_CPU", "gpu": "KIND_GPU"}[serving.device]
    batching = f"dynamic_batching {{ max_queue_delay_microseconds: {serving.max_queue_delay_us} }}\n"
    dims: Mapping[str, tuple[int, ...]] = {
        "images": (*leading, *shapes.images),
        "maps": (*leading, *shapes.maps),
        "scores": (*leading, *shapes.scores),
    }
    return (
        f'name: "{name}"\n'
        'backend: "onnxruntime"\n'
        f"max_batch_size: {max_batch}\n"
        f"input [ {{ {_tensor('images', 'TYPE_UINT8', dims['images'])} }} ]\n"
        "output [\n"
        f"  {{ {_tensor('maps', 'TYPE_FP32', dims['maps'])} }},\n"
        f'  {{ {_tensor("scores", "TYPE_FP32", dims["scores"])} label_filename: "labels.txt" }}\n'
        "]\n"
        f"instance_group [ {{ count: {serving.instances} kind: {device} }} ]\n"
        f"{batching if serving.max_queue_delay_us is not None else ''}"
        f'parameters {{ key: "bundle_digest" value {{ string_value: "{bundle.digest}" }} }}\n'
    )


def _tensor(name: str, kind: str, dims: Sequence[int]) -> str:
    return f'name: "{name}" data_type: {kind} dims: [ {", ".join(map(str, dims))} ]'
