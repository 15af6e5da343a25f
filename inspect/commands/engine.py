"""Build the engine that an NVIDIA GPU runs a bundle with, before the line needs it.

    taktsight engine tile.taktsight --kind tensorrt
    taktsight engine --station line1.yaml                       # what this station will ask for
    taktsight engine tile.taktsight --kind tensorrt_rtx --compute-capability 8.9    # no GPU needed
    taktsight engine --list --cache engines

An engine is kept in --cache under what it depends on: the model, the GPU, the driver, the engine's version,
precision and the settings below. A line that finds it there starts at once, and builds it otherwise.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from taktsight.bundle import read_bundle
from taktsight.errors import ConfigError
from taktsight.inspect.backends.backend import engine_name, model_for
from taktsight.inspect.backends.trt.engine_files import list_engines
from taktsight.inspect.backends.trt.key import Key
from taktsight.inspect.backends.trt.ready import Ready, ready_engine
from taktsight.inspect.backends.trt.target import Target, target_here, target_named
from taktsight.inspect.backends.trt.vendor import Vendor, open_vendor
from taktsight.inspect.commands.asked_keys import add_key_argument, asked_keys
from taktsight.inspect.config import TensorRt, built_engine, load_station


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("bundle", type=Path, nargs="?", metavar="BUNDLE", help="the bundle")
    parser.add_argument("--station", type=Path, metavar="YAML", help="bundle and backend of this station")
    add_key_argument(parser)
    parser.add_argument("--kind", choices=("tensorrt", "tensorrt_rtx"), help="whose engine")
    parser.add_argument(
        "--precision", default="f32", help="f32, fp16 or int8, as the bundle holds it (f32)"
    )
    parser.add_argument("--batch", type=int, default=1, help="tiles of one run (1)")
    parser.add_argument(
        "--workspace", type=int, default=1024, metavar="MB", help="memory of a layer (1024)"
    )
    parser.add_argument("--dla", type=int, metavar="CORE", help="a Jetson's accelerator instead of its GPU")
    parser.add_argument("--no-cuda-graph", action="store_true", help="for engines that fit in none")
    parser.add_argument("--cache", type=Path, default=Path("engines"), help="folder of engines (engines)")
    parser.add_argument(
        "--compute-capability", metavar="X.Y", help="another GPU than this machine's (tensorrt_rtx only)"
    )
    parser.add_argument("--again", action="store_true", help="build it even if it lies there")
    parser.add_argument("--list", action="store_true", help="what lies in --cache, and whether it is whole")


def main(arguments: argparse.Namespace) -> int:
    """0 when the engine lies in the cache; with --list, 1 if a file there is none."""
    console = Console(highlight=False, soft_wrap=True, markup=False)  # a path may hold brackets
    if arguments.list:
        return _list(console, arguments.cache)
    path, config, keys = _asked(arguments)
    model = model_for(config, read_bundle(path, allowed_keys=keys).models)
    vendor = open_vendor(config.kind)
    target = _target(vendor, arguments.compute_capability)
    console.print(f"{vendor} for {target}")
    ready = _build(console, vendor, target, config, model, look=not arguments.again)
    took = "lay there" if ready.built_s is None else f"built in {ready.built_s:.1f} s"
    console.print(f"{engine_name(config)} {took}: {ready.path}, {len(ready.engine) / 1e6:.1f} MB")
    return 0


def _asked(arguments: argparse.Namespace) -> tuple[Path, TensorRt, tuple[Path, ...]]:
    """Bundle, backend and whose signature it needs, of the station or of the command line."""
    if (arguments.bundle is None) == (arguments.station is None):
        raise ConfigError("name a bundle, or a station with --station; not both")
    if arguments.station is not None:
        station = load_station(arguments.station)
        built = built_engine(station.backend)
        if built is None:
            raise ConfigError(
                f"{arguments.station}: backend.kind is {station.backend.kind}, which builds "
                "no engine; tensorrt and tensorrt_rtx do, and onnxruntime with device: tensorrt"
            )
        return station.bundle, built, asked_keys(arguments.allowed_key, station)
    if arguments.kind is None:
        raise ConfigError("--kind says whose engine: tensorrt or tensorrt_rtx")
    return arguments.bundle, _config(arguments), asked_keys(arguments.allowed_key, None)


def _config(arguments: argparse.Namespace) -> TensorRt:
    try:
        return TensorRt(
            kind=arguments.kind,
            precision=arguments.precision,
            device="gpu" if arguments.dla is None else "dla",
            dla_core=arguments.dla or 0,
            batch=arguments.batch,
            workspace_mb=arguments.workspace,
            cuda_graph=not arguments.no_cuda_graph,
            cache=arguments.cache,
        )
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'engine'}: {each['msg']}" for each in error.errors()
        )
        raise ConfigError(f"engine: {wrong}") from error


def _target(vendor: Vendor, compute_capability: str | None) -> Target:
    if compute_capability is not None:
        return target_named(vendor, compute_capability)
    from taktsight.inspect.backends.cuda_driver import Gpu

    return target_here(vendor, Gpu())


def _build(
    console: Console, vendor: Vendor, target: Target, config: TensorRt, model: bytes, *, look: bool
) -> Ready:
    if not console.is_terminal:
        return ready_engine(vendor, target, config, model, look=look)
    columns = (
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", style="dim", markup=False),  # the vendor's words
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=1.0)

        def tell(phase: str, share: float) -> None:
            progress.update(task, completed=share, description=phase)

        return ready_engine(vendor, target, config, model, tell, look=look)


def _list(console: Console, folder: Path) -> int:
    faults = 0
    for stored in list_engines(folder):
        faults += bool(stored.fault)
        told = "" if stored.key is None else f", {_in_words(stored.key)}"
        size = f"  {stored.size / 1e6:.1f} MB" if stored.size else ""
        console.print(f"{stored.path.name}{size}  {stored.fault or 'whole'}{told}")
    return int(faults > 0)


def _in_words(key: Key) -> str:
    target = Target(key.gpu, key.compute_capability, key.driver)
    tiles = "tile" if key.batch == 1 else "tiles"
    return (
        f"{key.vendor} for {target}, driver {key.driver}: model {key.model:.12}, {key.precision}, "
        f"{key.device}, {key.batch} {tiles}"
    )
