"""A trained anomalib model, opened as anomalib opens it; nothing is downloaded and no pickle is trusted."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any
from unittest.mock import patch

import timm
from torch import nn

from taktsight.errors import ConfigError
from taktsight.training.weights import UNREADABLE

RESIZE, NORMALIZE = "Resize", "Normalize"


@dataclass(frozen=True, slots=True)
class AnomalibModel:
    """What a checkpoint holds."""

    torch_model: nn.Module
    """In evaluation mode; normalised images in, ``InferenceBatch`` out."""
    options: dict[str, Any]
    """What anomalib's class was made with, plain values."""
    size: tuple[int, int] | None
    """h, w that every image was resized to; None where none was."""
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


def open_checkpoint(name: str, file: Path) -> AnomalibModel:
    """A checkpoint that anomalib's ``Engine`` wrote.

    Args:
        name: anomalib's class, as in ``anomalib.models``: Padim, Patchcore, Stfpm, …
        file: the ``.ckpt``.

    Raises:
        ConfigError: If anomalib is not installed or has no such model, if the file is no checkpoint of it,
            or if images were prepared in a way that the line does not know.
    """
    kind = _class(name)
    module = _load(kind, name, file)
    options = {
        key: value.value if isinstance(value, Enum) else value for key, value in module.hparams.items()
    }
    size, mean, deviation = _preparation(file, module.pre_processor)
    if size is not None:
        # anomalib makes the model for its usual size and reads only then on which it was trained:
        # ReverseDistillation would give maps of 256 px of images of 128, and blur them half as much.
        module = _load(kind, name, file, pre_processor=kind.configure_pre_processor(size))
    return AnomalibModel(module.model.eval(), options, size, mean, deviation)


def _load(kind: Any, name: str, file: Path, **options: Any) -> Any:
    try:
        with no_download():
            return kind.load_from_checkpoint(
                file, map_location="cpu", evaluator=False, visualizer=False, **options
            )
    except (*UNREADABLE, TypeError) as error:
        first_line = str(error).strip().partition("\n")[0]
        raise ConfigError(
            f"{file}: anomalib cannot read it as a checkpoint of {name}: {first_line}"
        ) from error


def build_model(name: str, options: dict[str, Any], size: tuple[int, int]) -> nn.Module:
    """The torch model of an anomalib class for images of h, w, its weights yet to be filled."""
    kind = _class(name)
    prepare = kind.configure_pre_processor(size)  # some models read their size from it
    with no_download():
        module = kind(
            **options, pre_processor=prepare, post_processor=False, evaluator=False, visualizer=False
        )
    model: nn.Module = module.model.eval()
    return model


def _class(name: str) -> Any:
    logging.getLogger("anomalib").setLevel(logging.WARNING)  # it announces every model it makes
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of its own old names
            import anomalib.models
    except ImportError as error:
        raise ConfigError(
            f"model.model {name}: anomalib is not installed; pip install 'taktsight[anomalib]'"
        ) from error
    kind = getattr(anomalib.models, name, None)
    if not isinstance(kind, type):
        raise ConfigError(
            f"model.model {name!r}: anomalib has no such model; it is spelt as in anomalib.models"
        )
    return kind


@contextmanager
def no_download() -> Iterator[None]:
    """Within it, timm gives networks without weights.

    A checkpoint brings every weight: ImageNet's, which anomalib fetches first, would be overwritten.
    """
    create = timm.create_model

    def without_weights(*arguments: Any, **options: Any) -> nn.Module:
        return create(*arguments, **(options | {"pretrained": False}))

    with patch.object(timm, "create_model", without_weights):
        yield


def _preparation(
    file: Path, pre_processor: Any
) -> tuple[tuple[int, int] | None, tuple[float, ...], tuple[float, ...]]:
    """Size, mean and deviation of anomalib's PreProcessor."""
    size: tuple[int, int] | None = None
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    deviation: tuple[float, ...] = (1.0, 1.0, 1.0)
    transform = getattr(pre_processor, "transform", None)
    for step in getattr(transform, "transforms", [] if transform is None else [transform]):
        name = type(step).__name__
        if name == RESIZE and len(step.size or ()) == 2 and step.antialias:
            size = (int(step.size[0]), int(step.size[1]))
        elif name == NORMALIZE:
            mean, deviation = tuple(map(float, step.mean)), tuple(map(float, step.std))
        else:
            raise ConfigError(
                f"{file}: images went through {step}; a line knows Resize((h, w)) with antialias, and "
                "Normalize. Cut images to the ROI instead, and train anomalib again without it"
            )
    return size, mean, deviation
