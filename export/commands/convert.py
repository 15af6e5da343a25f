"""Write a bundle's model for others to run: a Triton model repository, or plain ONNX.

    taktsight convert tile.taktsight served --to triton --device gpu --max-queue-delay-us 2000
    taktsight convert tile.taktsight plain --to onnx

The bundle is verified first. `triton` writes NAME/config.pbtxt and NAME/1/model.onnx for the onnxruntime
backend of NVIDIA's server. `onnx` writes model.onnx, its labels, limits and golden samples, a README that
says how to feed it, and an example that replays the golden samples with ONNX Runtime and OpenCV alone.
What runs there has neither Taktsight's deadline nor its ledger.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from taktsight.errors import ConfigError

if TYPE_CHECKING:
    from taktsight.bundle import Bundle


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="the bundle")
    parser.add_argument("out", type=Path, metavar="OUT", help="a new or empty folder")
    parser.add_argument(
        "--to", dest="format", required=True, choices=("triton", "onnx"), help="what to write"
    )
    parser.add_argument(
        "--allowed-key", type=Path, action="append", default=[], help="PEM public key that must have signed"
    )
    served = parser.add_argument_group("with --to triton")
    served.add_argument("--name", help="of the model, as clients ask for it (the bundle's name)")
    served.add_argument("--device", choices=("cpu", "gpu"), help="where it runs (cpu)")
    served.add_argument("--instances", type=int, metavar="N", help="copies that run at the same time (1)")
    served.add_argument("--max-batch", type=int, metavar="N", help="images of one request at most (8)")
    served.add_argument(
        "--max-queue-delay-us",
        type=int,
        metavar="MICROSECONDS",
        help="join requests into batches, each waiting so long at most (not joined)",
    )


def main(arguments: argparse.Namespace) -> int:
    """Converts; 0 when every file is on the disk."""
    from taktsight.bundle import read_bundle
    from taktsight.export.whole_folders import write_folder

    _check(arguments)
    bundle = read_bundle(arguments.bundle, allowed_keys=arguments.allowed_key)
    files = _plain(bundle) if arguments.format == "onnx" else _served(arguments, bundle)
    write_folder(arguments.out, files)
    size = sum(map(len, files.values()))
    print(f"wrote {arguments.out} ({len(files)} files, {size / 1e6:.1f} MB), bundle {bundle.digest[:16]}…")
    print(
        f"next: cd {arguments.out} && python example.py"
        if arguments.format == "onnx"
        else f"next: tritonserver --model-repository={arguments.out.resolve()}"
    )
    return 0


def _plain(bundle: Bundle) -> dict[str, bytes]:
    from taktsight.export.plain_onnx import plain_onnx

    return plain_onnx(bundle)


def _served(arguments: argparse.Namespace, bundle: Bundle) -> dict[str, bytes]:
    from taktsight.export.triton_repository import Serving, triton_repository

    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", bundle.card.name).lstrip(".-") or "model"
    serving = Serving(
        arguments.device or "cpu",
        arguments.instances or 1,
        arguments.max_batch or 8,
        arguments.max_queue_delay_us,
    )
    return triton_repository(bundle, arguments.name or plain, serving)


def _check(arguments: argparse.Namespace) -> None:
    served = ("name", "device", "instances", "max_batch", "max_queue_delay_us")
    given = [name for name in served if getattr(arguments, name) is not None]
    if arguments.format != "triton" and given:
        raise ConfigError(f"--{given[0].replace('_', '-')} is for --to triton")
    for name, least in (("instances", 1), ("max_batch", 1), ("max_queue_delay_us", 0)):
        number = getattr(arguments, name)
        if number is not None and number < least:
            raise ConfigError(f"--{name.replace('_', '-')} must be at least {least}, got {number}")
    if arguments.name is not None and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", arguments.name):
        raise ConfigError(f"--name {arguments.name!r} must be of letters, digits, '_', '-' and '.'")
