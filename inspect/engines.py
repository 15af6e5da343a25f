"""Engines by their short name: ``onnxruntime:f32``, ``openvino:int8``, ``onnxruntime:f32:cuda``."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

from pydantic import TypeAdapter, ValidationError

from taktsight.errors import ConfigError
from taktsight.inspect.backends.backend import engine_name
from taktsight.inspect.config import Engine

REFERENCE = "onnxruntime:f32"
"""Every bundle is proved on it."""
ON_THIS_CPU = (REFERENCE, "onnxruntime:int8", "openvino:f32", "openvino:bf16", "openvino:int8")
"""What a PC without a GPU can run, if it is installed."""
TENSORRT = ("tensorrt", "tensorrt_rtx")
"""Kinds that run on an NVIDIA GPU or not at all."""
ON_A_GPU = (
    "onnxruntime:f32:cuda",
    "onnxruntime:fp16:cuda",
    *(f"onnxruntime:{rounded}:tensorrt" for rounded in ("f32", "fp16", "int8")),
    *(f"{kind}:{rounded}" for kind in TENSORRT for rounded in ("f32", "fp16", "int8")),
)
"""What runs beside an NVIDIA GPU."""
PROVIDERS = {"cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}
"""Device → ONNX Runtime's name of what computes there."""
EXTRAS = {
    "onnxruntime": "line",
    "openvino": "openvino",
    "tensorrt": "tensorrt",
    "tensorrt_rtx": "tensorrt-rtx",
}
"""Kind, which is the import name → extra of the ``taktsight`` package that brings it."""
_ENGINE: TypeAdapter[Engine] = TypeAdapter(Engine)
_PARTS = ("kind", "precision", "device")
_KNOWN = ", ".join(ON_THIS_CPU + ON_A_GPU)


def engine_named(name: str, *, threads: int | None = None) -> Engine:
    """The engine's settings.

    Args:
        name: kind, precision and device, parted by colons; precision f32 and device cpu where left out.
        threads: for one inference; None: one per core.

    Raises:
        ConfigError: If there is no such engine.
    """
    parts = name.split(":")
    if len(parts) > len(_PARTS):
        raise ConfigError(
            f"engine {name!r}: has {len(parts)} parts, {', '.join(_PARTS)} are all there are; "
            f"such as {_KNOWN}"
        )
    said: dict[str, Any] = dict(zip(_PARTS, parts, strict=False))
    try:
        return _ENGINE.validate_python(said | ({} if threads is None else {"threads": threads}))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(place) for place in first["loc"])
        raise ConfigError(f"engine {name!r}: {where} {first['msg'].lower()}; such as {_KNOWN}") from error


def proper_names(said: Iterable[str]) -> tuple[str, ...]:
    """Engines as cards state them and stations look for them, each once, in the order they were said.

    >>> proper_names(["openvino", "openvino:f32:cpu", "onnxruntime:f32:cuda"])
    ('openvino:f32', 'onnxruntime:f32:cuda')

    Raises:
        ConfigError: If there is no such engine.
    """
    return tuple(dict.fromkeys(engine_name(engine_named(each)) for each in said))


def installed(name: str) -> bool:
    """Whether the engine's package is on this machine, with the provider for its device."""
    kind, _, device = (*name.split(":"), "", "")[:3]
    if device in PROVIDERS:
        import onnxruntime

        has_provider = PROVIDERS[device] in onnxruntime.get_available_providers()
        return has_provider and (device != "tensorrt" or find_spec("tensorrt") is not None)
    return find_spec(kind) is not None
