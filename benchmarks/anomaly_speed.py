"""How much faster does our graph score PaDiM and PatchCore than anomalib's own, at the same maps?

The same encoder, the same Gaussians, the same memory, the same image. In turn, in one process:
anomalib's torch model (the baseline), its code through the same exporter in ONNX Runtime and OpenVINO, and
our graph in ONNX Runtime; ours runs twice a round (the A/A control). *whole* begins with a normalised
image, *scoring* with the encoder's features. The encoder's weights are random: they change no time.

    python benchmarks/anomaly_speed.py        needs taktsight[anomalib]; OpenVINO takes part where installed
"""

from __future__ import annotations

import argparse
import copy
import random
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from taktsight.benchmarks.measured import circumstances, write_result
from taktsight.datasets.synthetic import FIELD_MM, Product, render_part
from taktsight.training.anomalib_scoring import Padim, Patchcore

SIDE = 256
LEARNED_FROM = 120
"""Good parts that PaDiM's Gaussians are computed from."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
OURS, AGAIN, BASELINE = "ours", "ours again", "anomalib torch"
Variants = dict[str, Callable[[], object]]


class Given(nn.Module):
    """Stands in for the encoder: what it is given are the stages."""

    def __init__(self, layers: tuple[str, ...]) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, stages: tuple[Tensor, ...]) -> Mapping[str, Tensor]:
        """Stages in the order of the layers → by name."""
        return dict(zip(self.layers, stages, strict=True))


class TheirScoring(nn.Module):
    """What anomalib's model does after its encoder, in anomalib's own functions."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, stages: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Stages → map and score."""
        model, features = self.model, dict(zip(self.model.layers, stages, strict=True))
        if not hasattr(model, "memory_bank") or hasattr(model, "gaussian"):
            cells = model.anomaly_map_generator(
                embedding=model.generate_embedding(features),
                mean=model.gaussian.mean,
                inv_covariance=model.gaussian.inv_covariance,
                image_size=(SIDE, SIDE),
            )
            return cells, cells.amax(dim=(-2, -1))
        features = {name: model.feature_pooler(stage) for name, stage in features.items()}
        embedding = model.generate_embedding(features)
        batch, _, rows, columns = embedding.shape
        embedding = model.reshape_embedding(embedding)
        scores, locations = model.nearest_neighbors(embedding=embedding, n_neighbors=1)
        scores, locations = scores.reshape(batch, -1), locations.reshape(batch, -1)
        score = model.compute_anomaly_score(scores, locations, embedding)
        return model.anomaly_map_generator(scores.reshape(batch, 1, rows, columns), (SIDE, SIDE)), score


class Whole(nn.Module):
    """anomalib's model as a pair."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images → map and score."""
        said = self.model(images)
        return said.anomaly_map, said.pred_score


def main() -> None:
    """Measures, prints, writes ``results/anomaly_speed.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--banks", type=int, nargs="+", default=[1000, 10000], help="PatchCore's memories")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    images, shown = torch.split(_images(LEARNED_FROM), [LEARNED_FROM, 1])
    subjects: list[tuple[str, nn.Module, Padim | Patchcore]] = [("PaDiM", *_padim(images))]
    subjects += [(f"PatchCore, {bank:,} examples", *_patchcore(images, bank)) for bank in arguments.banks]
    rows = []
    for name, theirs, ours in subjects:
        for part in ("whole", "scoring"):
            their_part, our_part, given = _part(part, theirs, ours, shown)
            with torch.inference_mode():
                difference = _difference(their_part(given), our_part(given))
            for threads in (1, 2):
                times = _interleave(_variants(their_part, our_part, given, threads), arguments.rounds)
                rows.append({"model": name, "part": part, "threads": threads, **difference, **_row(times)})
    _print(rows)
    write_result(
        "anomaly_speed",
        {
            "rows": rows,
            "encoder": "resnet18, random weights",
            "side_px": SIDE,
            "rounds": arguments.rounds,
            "versions": {"onnxruntime": onnxruntime.__version__, "torch": torch.__version__} | _anomalib(),
            **circumstances(),
        },
    )


def _images(count: int) -> Tensor:
    """Good parts and a defective one, (N + 1, 3, SIDE, SIDE), normalised as anomalib does."""
    product = Product(size_px=SIDE, mm_per_px=FIELD_MM / SIDE)
    labels = [*[None] * count, product.labels[0]]
    parts = [render_part(product, 1, number, label).image for number, label in enumerate(labels)]
    grey = torch.from_numpy(np.stack(parts)).permute(0, 3, 1, 2).float() / 255
    return (grey - torch.tensor(MEAN).reshape(-1, 1, 1)) / torch.tensor(DEVIATION).reshape(-1, 1, 1)


def _padim(images: Tensor) -> tuple[nn.Module, Padim]:
    from anomalib.models.image.padim.torch_model import PadimModel

    model: Any = PadimModel(backbone="resnet18", pre_trained=False)
    _learn(model, images)
    model.fit()
    ours = Padim(model.eval())
    ours.fill(model, (SIDE, SIDE))
    return model, ours.eval()


def _patchcore(images: Tensor, bank: int) -> tuple[nn.Module, Patchcore]:
    """Its memory is drawn at random: which examples it holds changes no time."""
    from anomalib.models.image.patchcore.torch_model import PatchcoreModel

    model: Any = PatchcoreModel(layers=("layer2", "layer3"), backbone="resnet18", pre_trained=False)
    _learn(model, images[:24])
    every = torch.vstack(model.embedding_store)
    model.embedding_store.clear()
    model.memory_bank = every[torch.randperm(len(every))[:bank]].clone()
    ours = Patchcore(model.eval())
    ours.fill(model, (SIDE, SIDE))
    return model, ours.eval()


def _learn(model: Any, images: Tensor) -> None:
    model.train()
    with torch.no_grad():
        for batch in torch.split(images, 8):
            model(batch)


def _part(part: str, theirs: Any, ours: Any, image: Tensor) -> tuple[nn.Module, nn.Module, Any]:
    """The two models and what they are given."""
    if part == "whole":
        return Whole(theirs), ours, image
    with torch.no_grad():
        stages = tuple(stage.clone() for stage in theirs.feature_extractor(image).values())
    bare = copy.copy(ours)
    bare._modules = dict(ours._modules) | {"features": Given(ours.layers)}
    return TheirScoring(theirs), bare, stages


def _variants(theirs: nn.Module, ours: nn.Module, given: Any, threads: int) -> Variants:
    torch.set_num_threads(threads)
    fed = _fed(given)
    their_model, our_model = _onnx(theirs, given), _onnx(ours, given)
    session = _session(our_model, threads)
    variants: Variants = {
        BASELINE: partial(_in_torch, theirs, given),
        "anomalib in ONNX Runtime": partial(_session(their_model, threads).run, None, fed),
        OURS: partial(session.run, None, fed),
        AGAIN: partial(session.run, None, fed),
    }
    try:
        import openvino
    except ImportError:
        return variants
    core = openvino.Core()
    options = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(their_model), "CPU", options)
    return variants | {"anomalib in OpenVINO": partial(compiled, list(fed.values()))}


def _in_torch(model: nn.Module, given: Any) -> object:
    with torch.inference_mode():
        return model(given)


def _fed(given: Any) -> dict[str, np.ndarray]:
    stages = given if isinstance(given, tuple) else (given,)
    return {f"given{number}": stage.numpy() for number, stage in enumerate(stages)}


def _onnx(model: nn.Module, given: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        names = list(_fed(given))
        torch.onnx.export(
            model, (given,), file, dynamo=True, opset_version=18, input_names=names, external_data=False
        )
        return file.read_bytes()


def _session(model: bytes, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _difference(theirs: tuple[Tensor, Tensor], ours: tuple[Tensor, Tensor]) -> dict[str, float]:
    """Greatest difference of maps and scores ÷ the map's greatest value."""
    scale = float(theirs[0].abs().max())
    pairs = zip(("map", "score"), theirs, ours, strict=True)
    return {
        f"{name}_difference": float((a.flatten() - b.flatten()).abs().max()) / scale for name, a, b in pairs
    }


def _interleave(variants: Variants, rounds: int) -> dict[str, np.ndarray]:
    """Each round runs every variant once, in a random order; ms."""
    order = random.Random(0)
    times: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(-5, rounds):  # the first five warm up
        for name in order.sample(list(variants), len(variants)):
            started = time.perf_counter_ns()
            variants[name]()
            if turn >= 0:
                times[name].append((time.perf_counter_ns() - started) / 1e6)
    return {name: np.array(values) for name, values in times.items()}


def _row(times: dict[str, np.ndarray]) -> dict[str, Any]:
    ours = times[OURS]
    return {
        "ratio": {
            name: round(float(np.median(values) / np.median(ours)), 2)
            for name, values in times.items()
            if name not in (OURS, AGAIN)
        },
        "aa": round(float(np.median(times[AGAIN]) / np.median(ours)), 3),
        "ms_p50": {name: round(float(np.median(values)), 2) for name, values in times.items()},
        "ms_p99": {name: round(float(np.percentile(values, 99)), 2) for name, values in times.items()},
    }


def _anomalib() -> dict[str, str]:
    from importlib.metadata import version

    return {"anomalib": version("anomalib")}


def _print(rows: list[dict[str, Any]]) -> None:
    table = Table("model", "part", "threads", "ours ms", "A/A", "anomalib ÷ ours", "map difference")
    for row in rows:
        ratios = ", ".join(
            f"{name.removeprefix('anomalib ')} {value}" for name, value in row["ratio"].items()
        )
        cells = (row["model"], row["part"], row["threads"], row["ms_p50"][OURS], row["aa"], ratios)
        table.add_row(*map(str, cells), f"{row['map_difference']:.0e}")
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
