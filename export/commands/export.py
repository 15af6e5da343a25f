"""Write a trained and evaluated run as one bundle, after proving that it answers the same.

    taktsight export runs/tile --out tile.taktsight
    taktsight export runs/tile-7 --out tile.taktsight --name tile --bundle-version 2 --key plant.key
    taktsight export runs/tile --out tile.taktsight --engine openvino:bf16 --engine openvino:int8

The exported model judges real test parts beside the trained one, on ONNX Runtime in float32 and on every
engine that is named (onnxruntime or openvino, a colon, f32, bf16 or int8). A line runs what was
proved only. One flipped verdict, and nothing is written; --flip-limit allows some where the precision is
not float32. Make a key with 'taktsight keys new plant'. A station takes no lower version than it has run of
the product that --name says: without one, the name is that of the run's folder.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from taktsight.export.commands.bundle_arguments import add_bundle, add_proof, asked_of, tell_written


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a trained and evaluated run")
    add_bundle(parser, name="the run folder's")
    add_proof(parser)


def main(arguments: argparse.Namespace) -> int:
    """Exports; 0 when the bundle is on the disk."""
    asked = asked_of(arguments)
    from taktsight.export.build import build_bundle
    from taktsight.training.allocator import keep_freed_memory
    from taktsight.training.run_folder import open_run

    keep_freed_memory()
    card, digest = build_bundle(open_run(arguments.run), arguments.out, asked)
    for parity in card.parity:
        print(parity)
    if asked.report:
        print(f"parity: {asked.report / 'parity.html'}")
    tell_written(arguments.out, card, digest, asked.key)
    return 0
