"""anomalib's OpenVINOInferencer and TorchInferencer on a PaDiM that its own Engine fitted and exported.

``make`` fits it on the parts in FOLDER/parts (good, bad); the backbone is random, so nothing is fetched.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PACKAGES = ("anomalib", "openvino", "torch", "numpy")
SIDE_PX = 256
"""What its graph resizes to."""
LIMIT = 0.5
"""Of anomalib's normalised scores."""


def open_cycle(folder: Path, variant: str, threads: int) -> Callable[[Any], tuple[bool, float]]:
    """Judges one frame: the inferencer's ``predict``, then its score."""
    import torch
    from anomalib.deploy import OpenVINOInferencer, TorchInferencer

    torch.set_num_threads(threads)
    if variant == "torch":
        inferencer = TorchInferencer(folder / "weights/torch/model.pt", device="cpu")
    else:
        config = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
        inferencer = OpenVINOInferencer(folder / "weights/onnx/model.onnx", device="CPU", config=config)

    def cycle(frame: Any) -> tuple[bool, float]:
        with torch.inference_mode():
            score = float(inferencer.predict(frame).pred_score.item())
        return score < LIMIT, score

    return cycle


def make(folder: Path) -> None:
    """PaDiM on ResNet-18, as ONNX and as its own file."""
    import torch
    from anomalib.data import Folder
    from anomalib.engine import Engine
    from anomalib.models import Padim

    torch.manual_seed(0)
    prepare = Padim.configure_pre_processor((SIDE_PX, SIDE_PX))
    options: dict[str, Any] = {"pre_processor": prepare, "evaluator": False, "visualizer": False}
    model = Padim(backbone="resnet18", n_features=50, pre_trained=False, **options)
    images = {"root": folder / "parts", "normal_dir": "good", "abnormal_dir": "bad"}
    data = Folder("part", **images, train_batch_size=8, eval_batch_size=8, num_workers=0)
    quiet: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "default_root_dir": folder}
    Engine(max_epochs=1, accelerator="cpu", **quiet).fit(model, datamodule=data)
    model.eval()
    model.to_onnx(folder, input_size=(2 * SIDE_PX, 2 * SIDE_PX), external_data=False)
    model.to_torch(folder)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
