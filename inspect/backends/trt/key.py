"""What an engine depends on, and therefore what it is cached under."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from taktsight.inspect.backends.trt.target import Target
from taktsight.inspect.backends.trt.vendor import Vendor
from taktsight.inspect.config import TensorRt


@dataclass(frozen=True, slots=True)
class Key:
    """An engine is used where all of these are the same, and nowhere else."""

    model: str
    """SHA-256 of the ONNX file in the bundle, hex."""
    gpu: str
    compute_capability: str
    driver: str
    vendor: str
    """Name and whole version."""
    precision: str
    device: str
    """gpu, or dla and the core."""
    batch: int
    """Tiles of one run."""
    workspace_mb: int
    cuda_graph: bool

    @property
    def digest(self) -> str:
        """SHA-256 over all of it, hex."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def key_of(vendor: Vendor, target: Target, config: TensorRt, model: bytes) -> Key:
    """The key of the engine that these make."""
    return Key(
        model=hashlib.sha256(model).hexdigest(),
        gpu=target.gpu,
        compute_capability=target.compute_capability,
        driver=target.driver,
        vendor=str(vendor),
        precision=config.precision,
        device=f"dla{config.dla_core}" if config.device == "dla" else "gpu",
        batch=config.batch,
        workspace_mb=config.workspace_mb,
        cuda_graph=config.cuda_graph,
    )
