"""A conveyor of parts on this computer: a GigE Vision camera, a PLC and a line, with faults on demand.

    taktsight simulate part.taktsight shift/images --truth shift/index.csv
    taktsight simulate part.taktsight shift/images --faults all

The images are the parts. A simulated camera, which speaks GigE Vision on the loopback interface, sees
whatever stands before it on the belt, a simulated PLC counts the parts over Modbus TCP, and the processes
of 'taktsight run' inspect them. Without --faults that is the whole of it: a line to look at. With --faults
each fault is injected while parts go on; the table says what it did. Exit status 1 where one did not hold.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import TYPE_CHECKING

from taktsight.errors import ConfigError

if TYPE_CHECKING:
    from taktsight.inspect.simulation.stand import Asked, Stand

MAX_IMAGES = 200
"""On the belt, which begins again behind the last; with faults a fifth of it."""
MAX_IMAGES_OF_FAULTS = 40
TAKT_MS = 200.0
MIN_DEADLINE_MS = 200.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The parts, and what shall go wrong."""
    from taktsight.inspect.simulation.fault_runs import NAMES

    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("images", type=Path, metavar="IMAGES", help="a folder, or a list of images")
    parser.add_argument(
        "--truth", type=Path, metavar="INDEX.csv", help="columns image,label; good: no defect"
    )
    parser.add_argument("--recipe", type=Path, help="limits to judge by (the card's own)")
    parser.add_argument("--takt-ms", type=float, default=TAKT_MS, help=f"between two parts ({TAKT_MS:g})")
    parser.add_argument("--deadline-ms", type=float, help="trigger → gate (twice the takt, at least 200)")
    parser.add_argument("--parts", type=int, metavar="N", help="stop after N parts (each image once)")
    parser.add_argument(
        "--faults",
        nargs="+",
        default=[],
        metavar="NAME",
        choices=("all", *NAMES),
        help=f"'all', or of: {', '.join(NAMES)}",
    )
    parser.add_argument("--times", type=int, default=1, metavar="N", help="each fault of the station (1)")
    parser.add_argument("--threads", type=int, default=1, help="threads for one inference (1)")
    parser.add_argument(
        "--camera",
        choices=("aravis", "folder"),
        default="aravis",
        help="folder: without libaravis, the line reads the images itself",
    )
    parser.add_argument(
        "--records",
        type=Path,
        default=Path("simulation"),
        help="folder for station file, log, what the gate was told, and records",
    )
    parser.add_argument("--no-live", action="store_true", help="log lines only")


def main(arguments: argparse.Namespace) -> int:
    """Exit status 0 if every fault held, or the line that was shown ended well."""
    from taktsight.inspect.simulation.stand import Stand

    asked = _asked(arguments)
    stand = Stand(asked)
    try:
        if arguments.faults:
            return _inject(stand, arguments.faults, arguments.times)
        return _demonstrate(stand, arguments)
    finally:
        stand.close()


def _asked(arguments: argparse.Namespace) -> Asked:
    from taktsight.bundle import read_bundle
    from taktsight.inspect.cameras.folder import list_images
    from taktsight.inspect.simulation.stand import Asked
    from taktsight.recipe import load_recipe

    if arguments.takt_ms <= 0 or min(arguments.threads, arguments.times, arguments.parts or 1) < 1:
        raise ConfigError("--takt-ms, --threads, --times and --parts are more than 0")
    if arguments.camera == "aravis":
        _check_aravis()
    card = read_bundle(arguments.bundle).card
    if len(card.views) != 1:
        raise ConfigError(f"{arguments.bundle}: wants {len(card.views)} views; simulated is one camera")
    recipe = load_recipe(arguments.recipe) if arguments.recipe else None
    files = list_images(arguments.images)
    folder = arguments.records.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return Asked(
        bundle=arguments.bundle,
        recipe=arguments.recipe,
        files=_mixed(files) if arguments.faults else _spread(files, MAX_IMAGES),
        folder=folder,
        camera=arguments.camera,
        camera_name=recipe.views[0].camera if recipe else "camera",
        channels=card.canvas.channels,
        takt_ms=arguments.takt_ms,
        deadline_ms=arguments.deadline_ms or max(MIN_DEADLINE_MS, 2 * arguments.takt_ms),
        threads=arguments.threads,
    )


def _spread(files: list[Path], most: int) -> tuple[Path, ...]:
    """So many at most, from the whole of it: a folder may be sorted by what its parts are."""
    step = max(1.0, len(files) / most)
    return tuple(files[int(at * step)] for at in range(min(most, len(files))))


def _mixed(files: list[Path]) -> tuple[Path, ...]:
    """In chance order: a verdict that reaches the part behind its own is to differ from that part's."""
    few = list(_spread(files, MAX_IMAGES_OF_FAULTS))
    random.Random(0).shuffle(few)
    return tuple(few)


def _check_aravis() -> None:
    from taktsight.errors import CameraError
    from taktsight.inspect.cameras.aravis_library import load_aravis

    try:
        load_aravis()
    except CameraError as error:
        raise CameraError(f"{error}. Without it: --camera folder") from error


def _inject(stand: Stand, faults: list[str], times: int) -> int:
    from taktsight.inspect.simulation.fault_runs import NAMES, inject_all
    from taktsight.inspect.simulation.fault_table import FaultRow, print_faults, write_faults

    expected = stand.keep_known()
    stand.switch_on()
    rows: list[FaultRow] = []
    for came in inject_all(stand, expected, NAMES if "all" in faults else faults, times=times):
        if isinstance(came, FaultRow):
            rows.append(came)
            print(f"{came.fault}: {'held' if came.held else 'did NOT hold'}", flush=True)
        else:
            print(came, flush=True)
    print_faults(rows)
    file = stand.folder / "faults.json"
    write_faults(file, rows)
    print(f"{file}\n{stand.log}")
    return 0 if rows and all(row.held for row in rows) else 1


def _demonstrate(stand: Stand, arguments: argparse.Namespace) -> int:
    import sys

    from taktsight.inspect.simulation.witness import Witness
    from taktsight.inspect.truth import print_truth, read_truth

    labels = read_truth(arguments.truth) if arguments.truth else None
    stand.switch_on()
    is_live = sys.stdout.isatty() and not arguments.no_live
    stand.start_line("--live" if is_live else "--no-live", shown=True)
    parts = arguments.parts or len(stand.asked.files)
    try:
        stand.run(parts)
    except KeyboardInterrupt:
        stand.settle()
    status, _, _ = stand.line.stop()
    verdicts = [(_name(arguments.images, stand, told.trigger), told.outcome) for told in stand.gate()]
    if labels is not None:
        print_truth(verdicts, labels)
    shown, others = Witness(stand, ()).frames()
    print(f"{shown} kept frames name the part that they show: {others} were judged as another one")
    print(f"station, gate and records: {stand.folder}")
    return 1 if status or others else 0


def _name(images: Path, stand: Stand, trigger: int) -> str:
    """The image that a part was, as --truth names it."""
    files = stand.asked.files
    file = files[(stand.belt.counted[trigger - 1] - 1) % len(files)]
    home = images if images.is_dir() else images.parent
    return str(file.relative_to(home) if file.is_relative_to(home) else file)
