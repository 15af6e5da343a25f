"""What a station asks of the machine it is to run on."""

from __future__ import annotations

from dataclasses import dataclass

from taktsight.inspect.engines import TENSORRT


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
    def needs_gpu(self) -> bool:
        """Whether it runs on an NVIDIA GPU or not at all."""
        return self.kind in TENSORRT or self.engine.endswith(":cuda")


def asks_for(demand: Demand | None, *kinds: str) -> bool:
    """Whether a station asks for one of these engines; nobody asks where there is no station."""
    return demand is not None and demand.kind in kinds
