"""Every fault that a line must stand, injected into a running one and counted.

    python benchmarks/faults.py                    all of them, at their full counts
    python benchmarks/faults.py power kill --share 0.1
    python benchmarks/faults.py slow swap          slow inference on 1 % of parts, 100 hot swaps; 15 minutes
    python benchmarks/faults.py burst --share 0.1  one fault of the station, by its name in 'simulate'

Rows of faults that are not run stay in ``results/faults.json`` as they were. Mounting the disk that can be
cut off needs root, a clock that jumps needs a C compiler.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from taktsight.benchmarks.endurance.fault_rows import (
    Counted,
    slow_parts_apart,
    slow_parts_dense,
    swapped_bundles,
)
from taktsight.benchmarks.measured import RESULTS, circumstances, write_result
from taktsight.image_files import encode_png
from taktsight.inspect.simulation.fault_runs import STAND_FAULTS, inject_all
from taktsight.inspect.simulation.fault_table import FaultRow, print_faults
from taktsight.inspect.simulation.line_faults import clock, disk, kill, power
from taktsight.inspect.simulation.line_faults.rig import MODES, Fault, Rig
from taktsight.inspect.simulation.running_line import RunningLine
from taktsight.inspect.simulation.stand import Asked, Stand

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a station and its peers: the tests have them

FAULTS: dict[str, tuple[tuple[Fault, int, float], ...]] = {
    "disk": ((disk.full, 3, 5), (disk.slow, 3, 5), (disk.failing, 10, 5), (disk.locked, 1, 5)),
    "kill": ((kill.killed_line, 200, 5), (kill.killed_recorder, 200, 5)),
    "power": ((power.power_cut, 50, 5),),
    "clock": ((clock.jumps, 20, 5),),
}
"""Subject → its faults, how often each is injected, and within how many seconds all must be as before. A
subject is a module of ``line_faults``; ``station`` is the simulated one, with its camera, PLC and belt."""
LOADS: dict[str, tuple[tuple[Callable[[int], Counted], int, float], ...]] = {
    "slow": ((slow_parts_apart, 30, 1), (slow_parts_dense, 30, 1)),
    "swap": ((swapped_bundles, 100, 60),),
}
"""The same, of those that want a network of a known amount of work; they have figures of their own."""
STATION, STATION_TIMES = "station", 100
SUBJECTS = [*FAULTS, *LOADS, STATION]


def main() -> None:
    """Injects, prints a table, writes ``results/faults.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "subjects",
        nargs="*",
        default=SUBJECTS,
        choices=[*SUBJECTS, *STAND_FAULTS],
        metavar="SUBJECT",
        help=f"{', '.join(SUBJECTS)}; of the station: {', '.join(STAND_FAULTS)}",
    )
    parser.add_argument("--share", type=float, default=1.0, help="of the full counts (1)")
    parser.add_argument("--mode", action="append", choices=MODES, help="of the records (both)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rows: list[FaultRow] = []
    figures: dict[str, dict[str, Any]] = {}
    for subject in arguments.subjects:
        if subject == STATION or subject in STAND_FAULTS:
            names = list(STAND_FAULTS) if subject == STATION else [subject]
            rows += _at_station(names, max(1, round(STATION_TIMES * arguments.share)))
            if subject != STATION:  # the run behind this row was not the whole of it
                rows[-1] = replace(rows[-1], fault=f"{rows[-1].fault}, {subject} alone")
        for load, full_count, within_s in LOADS.get(subject, ()):
            row, seen = load(max(1, round(full_count * arguments.share)))
            rows.append(replace(row, held=row.held and row.recovered_s <= within_s))
            figures[row.fault] = seen
            print(rows[-1], seen, flush=True)
        for fault, full_count, within_s in FAULTS.get(subject, ()):
            for mode in arguments.mode or MODES:
                count = max(1, round(full_count * arguments.share))
                row = _inject(fault, count, mode, arguments.seed)
                rows.append(replace(row, held=row.held and row.recovered_s <= within_s))
                print(rows[-1], flush=True)
    print_faults(rows)
    new = [row.values() | figures.get(row.fault, {}) | circumstances() for row in rows]
    write_result("faults", [*_others(rows), *new])
    if not all(row.held for row in rows):
        sys.exit(1)


def _inject(fault: Fault, count: int, mode: str, seed: int) -> FaultRow:
    from tests.inspect.place import EXPECTED, make_place

    lines: list[RunningLine] = []

    def start(station: Path, *arguments: str, **options: Any) -> RunningLine:
        lines.append(RunningLine(station, *arguments, **options))
        return lines[-1]

    with tempfile.TemporaryDirectory(prefix="taktsight-faults-") as folder:
        rig = Rig(make_place(Path(folder)), start, EXPECTED, random.Random(seed))
        try:
            return fault(rig, count, mode)
        finally:
            if lines and lines[-1].process.poll() is None:
                lines[-1].kill_all()


def _at_station(names: list[str], times: int) -> list[FaultRow]:
    """The simulated station, with the bundle and the drawn parts of the tests on its belt."""
    from tests.inspect.spots import GOOD, SPOT, draw_part, spot_bundle

    with tempfile.TemporaryDirectory(prefix="taktsight-station-") as folder:
        home, files = Path(folder), []
        for number, brightness in enumerate((GOOD, SPOT, GOOD, GOOD, SPOT, SPOT, GOOD, SPOT)):
            files.append(home / f"part_{number}.png")
            files[-1].write_bytes(encode_png(draw_part(brightness, size_px=256)))
        bundle = spot_bundle(home / "spots.takt")
        asked = Asked(bundle, None, tuple(files), home / "station", "aravis", "camera", 1, 100, 400, 1)
        stand = Stand(asked)
        try:
            expected = stand.keep_known()
            stand.switch_on()
            rows = []
            for came in inject_all(stand, expected, names, times=times):
                print(came, flush=True)
                rows += [came] if isinstance(came, FaultRow) else []
            return rows
        finally:
            stand.close()


def _others(rows: list[FaultRow]) -> list[dict[str, object]]:
    """What was measured of other faults stays."""
    file = RESULTS / "faults.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    new = {row.fault for row in rows}
    return [row for row in known if row["fault"] not in new]


if __name__ == "__main__":
    main()
