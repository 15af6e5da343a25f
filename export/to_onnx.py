"""A trained network as ONNX under the model contract, the same bytes each time."""

from __future__ import annotations

import logging
import tempfile
import warnings
from pathlib import Path

import onnx
import torch
from torch import nn

from taktsight.errors import ExportError
from taktsight.imaging import Canvas

OPSET = 18


def to_onnx(network: nn.Module, canvas: Canvas) -> bytes:
    """The network as one ONNX file: ``images`` uint8 (N, H, W, C) → ``maps`` and ``scores``; N is free.

    What the exporter notes about the source code it came from is removed: it names this machine.

    Raises:
        ExportError: If the exporter or the ONNX checker refuses the network.
    """
    example = torch.zeros(2, canvas.height, canvas.width, canvas.planes, dtype=torch.uint8)
    batch = torch.export.Dim("N", min=1, max=64)
    for name in ("onnx_ir", "onnxscript"):
        logging.getLogger(name).setLevel(logging.WARNING)  # a line for every constant they fold
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own deprecations
        file = Path(folder) / "model.onnx"
        try:
            torch.onnx.export(
                network.eval(),
                (example,),
                file,
                dynamo=True,
                opset_version=OPSET,
                input_names=["images"],
                output_names=["maps", "scores"],
                dynamic_shapes=({0: batch},),
                external_data=False,
                verbose=False,
            )
            model = onnx.load(file)
            forget_sources(model)
            onnx.checker.check_model(model, full_check=True)
        except (torch.onnx.OnnxExporterError, onnx.checker.ValidationError) as error:
            raise ExportError(f"the network cannot be written as ONNX: {error}") from error
    return bytes(model.SerializeToString(deterministic=True))


def forget_sources(model: onnx.ModelProto) -> None:
    """Removes what an exporter noted about the source code and the machine it ran on, in place."""
    model.doc_string = ""
    model.producer_name, model.producer_version = "taktsight", ""
    del model.metadata_props[:]
    graphs = [model.graph, *model.functions]
    for graph in graphs:
        graph.doc_string = ""
        del graph.metadata_props[:]
        for node in graph.node:
            node.doc_string = ""
            del node.metadata_props[:]
        for value in (*graph.value_info, *getattr(graph, "input", ()), *getattr(graph, "output", ())):
            if isinstance(value, onnx.ValueInfoProto):
                value.doc_string = ""
                del value.metadata_props[:]
    for tensor in model.graph.initializer:
        tensor.doc_string = ""
        del tensor.metadata_props[:]
