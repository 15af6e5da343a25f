"""Models as others export them: smp, torchvision, and a graph of anomalib's shape; all made on the spot."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from taktsight.cli import main

CLASSES = ("good", "crack", "pit", "scratch", "stain")
"""In the order of a network that somebody trained; the data sort theirs."""
LABELS = CLASSES[1:]
SIDE = 128
Arguments = list[str]
IMAGENET = (torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225]))


def segmenter(classes: int = len(CLASSES)) -> nn.Module:
    """A U-Net of segmentation_models_pytorch whose maps are far from even."""
    import segmentation_models_pytorch as smp

    torch.manual_seed(3)
    network = smp.Unet("resnet18", 3, None, decoder_channels=(32, 16, 8), classes=classes)
    with torch.no_grad():
        network.segmentation_head[0].weight *= 8
    return settled(network)


def classifier(classes: int = len(CLASSES)) -> nn.Module:
    """torchvision's ResNet-18 whose answers differ from image to image."""
    from torchvision.models import resnet18

    torch.manual_seed(4)
    network = resnet18(weights=None, num_classes=classes)
    with torch.no_grad():
        network.fc.weight *= 6
    return settled(network)


def settled(network: nn.Module) -> nn.Module:
    """Batch norms that have seen images: fresh ones let activations die out."""
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(4, 3, SIDE, SIDE))
    return network.eval()


class AnomalibShaped(nn.Module):
    """What anomalib exports: pixels 0–1 in, normalisation within, two of its four outputs are floats."""

    def __init__(self, threshold: float = 0.42) -> None:
        super().__init__()
        self.blur = nn.AvgPool2d(9, 1, 4)
        self.threshold = threshold

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        grey = images.mean(dim=1, keepdim=True)
        anomaly_map = ((grey - self.blur(grey)).abs() * 2).clamp(0, 1)
        pred_score = anomaly_map.amax(dim=(1, 2, 3))
        return (
            pred_score,
            pred_score > self.threshold,
            anomaly_map,
            anomaly_map > self.threshold,
        )


ANOMALIB_OUTPUTS = ("pred_score", "pred_label", "anomaly_map", "pred_mask")


def export(
    network: nn.Module,
    file: Path,
    *,
    outputs: Sequence[str] = ("output",),
    batch_is_free: bool = True,
    size_is_free: bool = False,
    **options: Any,
) -> Path:
    """As their users do: torch.onnx.export of float32 NCHW."""
    shape: dict[int, Any] = {0: torch.export.Dim("batch", min=1, max=64)} if batch_is_free else {}
    if size_is_free:
        shape |= dict.fromkeys((2, 3), torch.export.Dim.AUTO)
    for name in ("onnx_ir", "onnxscript"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (torch.randn(2 if batch_is_free else 1, 3, SIDE, SIDE),),
            file,
            dynamo=True,
            input_names=["input"],
            output_names=list(outputs),
            dynamic_shapes=(shape,) if shape else None,
            verbose=False,
            **{"external_data": False} | options,
        )
    return file


def edited(file: Path, out: Path, edit: Any) -> Path:
    """The file with one thing changed."""
    model = onnx.load(file)
    edit(model)
    onnx.save(model, out)
    return out


def data_of(shop: Path) -> Arguments:
    index = ["--index", str(shop / "parts" / "index.csv"), "--part-column", "part", "--lot-column", "lot"]
    return [str(shop / "parts"), "--layout", "mask_folder", *index]


def stated(task: str) -> Arguments:
    if task == "anomaly":
        return ["--task", task, "--normalise", "unit", "--activation", "none"]
    named = ["--classes", ",".join(CLASSES), "--activation", "softmax"]
    return ["--task", task, "--normalise", "imagenet", *named]


MODELS = {"segmentation": "unet.onnx", "classification": "resnet.onnx", "anomaly": "anomaly.onnx"}


def importing(shop: Path, task: str, out: Path, *more: str, model: Path | None = None) -> int:
    """Limits that let many parts pass: fresh networks judge at random, and golden samples are right."""
    file = model or shop / MODELS[task]
    easy = ["--target-escape", "0.5", "--target-overkill", "0.3"]
    return main(["import", str(file), *data_of(shop), *stated(task), *easy, "--out", str(out), *more])
