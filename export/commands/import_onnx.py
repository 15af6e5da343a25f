r"""Write a bundle of an ONNX model that was trained elsewhere, after proving that it answers the same.

    taktsight import unet.onnx parts --layout mask_folder --task segmentation --classes good,crack,pit \
        --normalise imagenet --activation softmax --out part.taktsight
    taktsight import model.onnx parts --layout mvtec --task anomaly --normalise unit --activation none \
        --out part.taktsight
    taktsight import resnet18.onnx parts --layout class_folder --task classification --classes good,crack \
        --normalise imagenet --activation softmax --canvas 512x512 --resize 224x224 --out part.taktsight

How it wants its images is stated, never guessed. Limits are chosen on val and measured on test: parts that
it has not learned from. The bundle judges test parts beside the file itself; one flipped verdict, and
nothing is written. Whether the statement is right, only scores of its own framework can tell: give some
with --answers. For --engine openvino:int8 and its like, int8 ranges are measured on the train parts; where
the data name none, on those of val.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from taktsight.datasets.commands.source import add_book, add_source, add_splits, source_of
from taktsight.errors import ConfigError
from taktsight.export.commands.bundle_arguments import add_bundle, add_proof, asked_of, tell_written

if TYPE_CHECKING:
    from taktsight.export.foreign.build import Imported, Stated
    from taktsight.export.foreign.graph import ForeignGraph
    from taktsight.foreign import Preparation
    from taktsight.imaging import Canvas

PRESETS = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "unit": ((0.0,) * 3, (1.0,) * 3),
    "half": ((0.5,) * 3, (0.5,) * 3),
    "raw": ((0.0,) * 3, (1 / 255,) * 3),
}
"""Means and deviations of pixels 0–1: torchvision's, 0–1, −1–1, 0–255."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("model", type=Path, metavar="MODEL.onnx", help="the foreign model")
    add_source(parser)
    add_splits(parser)
    add_book(parser)
    add_bundle(parser, name="the file's")
    parser.add_argument("--mm-per-px", type=float, help="scale of the images at the part's surface")
    _add_statement(parser)
    parser.add_argument(
        "--answers",
        type=Path,
        metavar="CSV",
        help="scores of the model's own framework: columns image and each label",
    )
    parser.add_argument(
        "--target-escape", type=float, default=0.01, help="share of defective val parts that may pass"
    )
    parser.add_argument(
        "--target-overkill", type=float, default=0.01, help="share of good val parts rejected"
    )
    add_proof(parser)


def _add_statement(parser: argparse.ArgumentParser) -> None:
    stated = parser.add_argument_group("what the model is, as you trained it")
    stated.add_argument("--task", required=True, choices=("segmentation", "classification", "anomaly"))
    stated.add_argument(
        "--classes",
        metavar="A,B,…",
        help="all of its classes in its own order; the one called as --good is no defect",
    )
    stated.add_argument(
        "--activation",
        required=True,
        choices=("sigmoid", "softmax", "none"),
        help="what makes 0–1 of its outputs; none: they are 0–1 already",
    )
    stated.add_argument("--normalise", choices=tuple(PRESETS), help="mean and deviation by name")
    stated.add_argument("--mean", metavar="R,G,B", help="of pixels 0–1, instead of --normalise")
    stated.add_argument("--std", metavar="R,G,B", help="of pixels 0–1, instead of --normalise")
    stated.add_argument("--colour", choices=("rgb", "bgr", "mono"), default="rgb", help="(rgb)")
    stated.add_argument("--axes", choices=("nchw", "nhwc"), default="nchw", help="of its input (nchw)")
    stated.add_argument("--maps", metavar="NAME", help="its output of maps, where it has several")
    stated.add_argument("--scores", metavar="NAME", help="its output of scores, where it has several")
    stated.add_argument("--canvas", metavar="HxW", help="what the line gives it (the size of its input)")
    stated.add_argument("--factor", type=int, default=1, choices=(1, 2, 4, 8), help="of down-scaling (1)")
    stated.add_argument("--overlap", type=int, default=64, help="of tiles, canvas pixels (64)")
    stated.add_argument(
        "--resize",
        metavar="HxW",
        help="resize the canvas to this within the graph; small defects may be lost",
    )


def main(arguments: argparse.Namespace) -> int:
    """Imports; 0 when the bundle is on the disk."""
    _check(arguments)
    asked = asked_of(arguments)
    from taktsight.export.foreign.build import import_model
    from taktsight.export.foreign.graph import open_graph
    from taktsight.training.allocator import keep_freed_memory

    keep_freed_memory()
    graph = open_graph(arguments.model)
    stated = _stated(arguments, graph)
    imported = import_model(graph, stated, source_of(arguments), arguments.out, asked)
    _tell(arguments, imported)
    return 0


def _stated(arguments: argparse.Namespace, graph: ForeignGraph) -> Stated:
    from taktsight.export.foreign.build import Stated
    from taktsight.export.foreign.graph import choose_outputs

    preparation = _preparation(arguments)
    return Stated(
        task=arguments.task,
        preparation=preparation,
        canvas=_canvas(arguments, graph, preparation),
        chosen=choose_outputs(graph, arguments.task, arguments.maps, arguments.scores),
        mm_per_px=arguments.mm_per_px,
        answers=arguments.answers,
        target_escape=arguments.target_escape,
        target_overkill=arguments.target_overkill,
    )


def _preparation(arguments: argparse.Namespace) -> Preparation:
    from pydantic import ValidationError

    from taktsight.datasets.learn_from import ANOMALY
    from taktsight.foreign import Preparation

    channels = 1 if arguments.colour == "mono" else 3
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    if arguments.normalise:
        mean, deviation = PRESETS[arguments.normalise]
        if len(set(mean)) == 1:  # the same for every channel, however many
            mean, deviation = mean[:channels], deviation[:channels]
    else:
        mean, deviation = _numbers("--mean", arguments.mean), _numbers("--std", arguments.std)
    classes = tuple(arguments.classes.split(",")) if arguments.classes else (ANOMALY,)
    try:
        return Preparation(
            colour=arguments.colour,
            axes=arguments.axes,
            mean=mean,
            deviation=deviation,
            resize=_size("--resize", arguments.resize) if arguments.resize else None,
            activation=arguments.activation,
            classes=classes,
            good=arguments.good if arguments.good in classes else None,
        )
    except ValidationError as error:
        said = "; ".join(mistake["msg"].removeprefix("Value error, ") for mistake in error.errors())
        raise ConfigError(f"what was stated of {arguments.model} contradicts itself: {said}") from error


def _canvas(arguments: argparse.Namespace, graph: ForeignGraph, preparation: Preparation) -> Canvas:
    from taktsight.export.foreign.reference import check_channels, input_size
    from taktsight.imaging import Canvas

    check_channels(graph, preparation)
    _, rows, columns = input_size(graph, arguments.axes)
    if arguments.canvas:
        height, width = _size("--canvas", arguments.canvas)
    elif rows is None or columns is None or preparation.resize is not None:
        why = "it is resized" if preparation.resize else "rows and columns of its input are free"
        raise ConfigError(f"{arguments.model}: {why}; say with --canvas what the line shall give it")
    else:
        height, width = rows, columns
    channels = len(preparation.mean)
    try:
        overlap = min(arguments.overlap, max(0, min(height, width) - 32))
        return Canvas(height, width, channels, arguments.factor, overlap)
    except ValueError as error:
        raise ConfigError(
            f"{arguments.model}: {error}; give a --canvas that fits, and --resize to its own size (lossy)"
        ) from error


def _check(arguments: argparse.Namespace) -> None:
    by_name, by_number = arguments.normalise is not None, (arguments.mean, arguments.std)
    if by_name == any(by_number) or (not by_name and not all(by_number)):
        raise ConfigError("state --normalise, or --mean and --std: nothing is guessed here")
    if arguments.task == "anomaly" and arguments.classes:
        raise ConfigError("--classes: an anomaly model knows one, whatever is not good; leave it out")
    if arguments.task != "anomaly" and not arguments.classes:
        raise ConfigError("--classes: name all classes of the model in its own order, such as good,crack")
    for name in ("target_escape", "target_overkill"):
        if not 0 <= getattr(arguments, name) < 1:
            raise ConfigError(f"--{name.replace('_', '-')} must be a share from 0 to below 1")
    if arguments.mm_per_px is not None and not 0 < arguments.mm_per_px < float("inf"):
        raise ConfigError(f"--mm-per-px must be above 0, got {arguments.mm_per_px}")


def _numbers(flag: str, said: str) -> tuple[float, ...]:
    try:
        return tuple(float(each) for each in said.split(","))
    except ValueError as error:
        raise ConfigError(f"{flag} {said!r} are no numbers parted by commas") from error


def _size(flag: str, said: str) -> tuple[int, int]:
    found = re.fullmatch(r"([1-9]\d{0,4})[x×]([1-9]\d{0,4})", said)
    if found is None:
        raise ConfigError(f"{flag} {said!r} is no size; write rows and columns as 256x320")
    return int(found[1]), int(found[2])


def _tell(arguments: argparse.Namespace, imported: Imported) -> None:
    from taktsight.training.evaluation.sentences import answer

    for parity in imported.card.parity:
        print(parity)
    if imported.answers:
        print(f"answers: {imported.answers} images score as in the model's own framework")
    else:
        print("answers: none were given; that its input was stated rightly is your word alone")
    if imported.tiles > 1:
        print(f"tiles: parts are cut into up to {imported.tiles}; each is judged as if it were a part")
    if imported.calibration is not None:
        print(f"int8: ranges were measured on {imported.calibration}; test parts were not among them")
    print(answer(imported.figures))
    tell_written(arguments.out, imported.card, imported.digest, arguments.key)
