"""What computes a training: the machine, its threads, and the versions that its sums depend on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import lightning
import torch

from taktsight.manifest import Environment

PACKAGES = (
    "taktsight",
    "torch",
    "torchvision",
    "lightning",
    "timm",
    "segmentation-models-pytorch",
    "albumentations",
    "albucore",
    "numpy",
    "opencv-python-headless",
    "scipy",
)
"""Those whose arithmetic is between an image file and a weight."""


def environment_of(trainer: lightning.Trainer) -> Environment:
    """The environment that a trainer computes in."""
    return Environment(
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        device=_device(trainer.strategy.root_device),
        precision=str(trainer.precision),
        processes=trainer.world_size,
        threads=torch.get_num_threads(),
        packages={name: _version(name) for name in PACKAGES},
    )


def _device(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} {torch.backends.cpu.get_cpu_capability()}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # for example another build of OpenCV
        return "unknown"
