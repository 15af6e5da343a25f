"""What a station asks of the machine it is to run on."""

from __future__ import annotations

from dataclasses import dataclass

from taktsight.inspect.engines import PROVIDERS, TENSORRT


@dataclass(frozen=True, slots=True)
class Demand:
    """A bundle on an engine."""

    engine: str
    """Kind, precision and, if it is not the CPU, the device: ``onnxruntime:f32:cuda``."""
    model_mb: float | None = None
    """The network as it lies in the bundle; None where the bundle cannot be read."""

    @property
    def kind(self) -> str:
        """The engine's, as its Python module is called."""
        return self.engine.split(":")[0]

    @property
    def precision(self) -> str:
        """f32 where the engine has no other."""
        return [*self.engine.split(":"), "f32"][1]

    @property
    def provider(self) -> str | None:
        """Of ONNX Runtime, if it is not the CPU's."""
        return PROVIDERS.get(self.engine.split(":")[-1]) if self.kind == "onnxruntime" else None

    @property
    def modules(self) -> tuple[str, ...]:
        """Python modules of the engines that it takes: TensorRT builds what ONNX Runtime runs by it."""
        return (self.kind, "tensorrt") if self.provider == PROVIDERS["tensorrt"] else (self.kind,)

    @property
    def needs_gpu(self) -> bool:
        """Whether it runs on an NVIDIA GPU or not at all."""
        return self.kind in TENSORRT or self.provider is not None


def asks_for(demand: Demand | None, *kinds: str) -> bool:
    """Whether a station needs one of these engines; nobody asks where there is no station."""
    return demand is not None and any(module in kinds for module in demand.modules)
