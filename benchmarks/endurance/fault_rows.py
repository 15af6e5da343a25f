"""Rows of the table of faults that want a network of a known amount of work: slow parts, hot swaps.

**Slow parts.** The inference of most parts takes its budget, that of one in a hundred five times as much.
Where the takt is longer than that, nobody but the part itself may notice. Where it is shorter, the parts
behind it wait for the engine: those that it comes too late for are UNINSPECTED in time.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taktsight.benchmarks.endurance.hot_swap import Pair, hot_swaps
from taktsight.benchmarks.endurance.slow_parts import Seen, Shift, run_shift
from taktsight.bundle import read_bundle
from taktsight.image_files import encode_png
from taktsight.inspect.backends.ort import OnnxRuntimeBackend
from taktsight.inspect.simulation.fault_table import FaultRow
from taktsight.inspect.simulation.running_line import RunningLine
from taktsight.records import Outcome

if TYPE_CHECKING:
    from tests.inspect.place import Place

BUDGET_MS, BUDGETS = 10.0, 5
APART_MS, DENSE_MS = 70.0, 20.0
"""A takt that is longer than five budgets, and one of two budgets."""
DEADLINE_MS, GATE_MARGIN_MS = 40.0, 2.0
IMAGES = 100
"""One of them is slow."""
MAX_AFTER_MS, MAX_P99_RATIO, MAX_NEIGHBOURS = 1.0, 1.1, 2
"""Of a dense takt, parts behind each slow one: 5 budgets less the deadline, and one inference, in takts."""
PROBED_SIDE, PROBES, PROBED_PARTS = 1000, 2, 10
SWAP_TAKT_MS, SWAP_DEADLINE_MS, SWAP_BETWEEN = 20.0, 100.0, 20
"""Half of the takt is inference."""
Counted = tuple[FaultRow, dict[str, Any]]


def side_for(wanted_ms: float) -> int:
    """The matrices' side at which an uneven network takes so long here, at the best."""
    side = PROBED_SIDE
    for _ in range(PROBES):  # larger ones take a little more than the third power: their memory is new
        side = round(side * (wanted_ms / _best_ms(side)) ** (1 / 3))
    return side


def _best_ms(side: int) -> float:
    from tests.inspect.spots import GOOD, draw_part, uneven_model

    backend = OnnxRuntimeBackend(uneven_model(side, side), threads=1)
    part = draw_part(GOOD)[None]
    took_s: list[float] = []
    for _ in range(PROBED_PARTS):
        began_s = time.perf_counter()
        backend.infer(part)
        took_s.append(time.perf_counter() - began_s)
    return 1000 * min(took_s)


def slow_parts_apart(times: int) -> Counted:
    """One slow part in a hundred; a run without before and behind, and what these differ by themselves."""
    shift = Shift(IMAGES * times, APART_MS, DEADLINE_MS, GATE_MARGIN_MS, ["PASS"] * IMAGES)
    slow = replace(shift, slow=frozenset({IMAGES // 2}))
    before, seen, behind = (_run(each) for each in (shift, slow, shift))
    ratio = seen.others_p99_ms / (0.5 * (before.others_p99_ms + behind.others_p99_ms))
    figures = seen.figures(GATE_MARGIN_MS) | _about(APART_MS)
    figures |= {"others_p99_ratio": round(ratio, 4)}
    # What two runs without differ by themselves.
    figures |= {"aa_p99_ratio": round(behind.others_p99_ms / before.others_p99_ms, 4)}
    if not ratio <= MAX_P99_RATIO:
        seen.tally.broken.append(f"p99 of the others is {ratio:.3f} of that of a run without")
    without = max(before.neighbours, behind.neighbours)
    figures |= {"others_uninspected_without": without}
    if seen.neighbours > without:
        seen.tally.broken.append(f"{seen.neighbours} others were UNINSPECTED")
    return _row(seen, "slow inference on 1 % of parts"), figures


def slow_parts_dense(times: int) -> Counted:
    """The same, faster than the engine can look at such a part."""
    shift = Shift(IMAGES * times, DENSE_MS, DEADLINE_MS, GATE_MARGIN_MS, ["PASS"] * IMAGES)
    seen = _run(replace(shift, slow=frozenset({IMAGES // 2})))
    if seen.neighbours > MAX_NEIGHBOURS * times:
        seen.tally.broken.append(f"{seen.neighbours} others were UNINSPECTED")
    return _row(seen, "slow inference on 1 %, takt of 2 budgets"), seen.figures(GATE_MARGIN_MS) | _about(
        DENSE_MS
    )


def swapped_bundles(times: int) -> Counted:
    """Changeovers between two bundles, one after the other."""
    with _place() as (place, lines):
        pair = lay_pair(place, side_for(BUDGET_MS))
        tally, figures = hot_swaps(
            place,
            lines.start,
            pair,
            times,
            SWAP_TAKT_MS,
            between_parts=SWAP_BETWEEN,
            deadline_ms=SWAP_DEADLINE_MS,
            gate_margin_ms=GATE_MARGIN_MS,
        )
    return tally.row("hot swap"), figures | {"takt_ms": SWAP_TAKT_MS, "deadline_ms": SWAP_DEADLINE_MS}


def lay_pair(place: Place, side: int) -> Pair:
    """Two bundles in a place: of its parts for REVIEW the second says REJECT."""
    from tests.inspect.place import EXPECTED
    from tests.inspect.spots import spot_bundle, uneven_model

    model = uneven_model(side, side)
    files = [place.folder / name for name in ("lenient.takt", "strict.takt")]
    for file, reject_score in zip(files, (0.6, 0.35), strict=True):
        spot_bundle(file, model=model, reject_score=reject_score)
    strict = [outcome.replace(Outcome.REVIEW.value, Outcome.REJECT.value) for outcome in EXPECTED]
    lenient_digest, strict_digest = (read_bundle(file).digest for file in files)
    expected = {lenient_digest: EXPECTED, strict_digest: strict}
    return Pair((files[0].name, files[1].name), expected)


def lay_parts(place: Place, shift: Shift, side: int, dark_side: int) -> None:
    """Good parts in a place, the slow ones dark, and the bundle that takes longer for these."""
    from tests.inspect.spots import DARK, GOOD, GREY, draw_part, spot_bundle, uneven_model

    spot_bundle(place.folder / "spots.takt", model=uneven_model(side, dark_side))
    for old in (place.folder / "images").iterdir():
        old.unlink()
    for number in range(len(shift.expected)):
        part = draw_part(GOOD, paint=DARK if number in shift.slow else GREY)
        (place.folder / "images" / f"part_{number}.png").write_bytes(encode_png(part))


def _run(shift: Shift) -> Seen:
    with _place() as (place, lines):
        lay_parts(place, shift, side_for(BUDGET_MS), side_for(BUDGETS * BUDGET_MS))
        return run_shift(place, lines.start, shift)


def _row(seen: Seen, fault: str) -> FaultRow:
    if max(seen.after_answer_by_ms) > MAX_AFTER_MS:
        seen.tally.broken.append(f"a verdict came {max(seen.after_answer_by_ms):.2f} ms after it was due")
    return seen.tally.row(fault)


def _about(takt_ms: float) -> dict[str, float]:
    return {"takt_ms": takt_ms, "deadline_ms": DEADLINE_MS, "budget_ms": BUDGET_MS, "budgets": BUDGETS}


class _Lines:
    """Lines that were started here."""

    def __init__(self) -> None:
        self._lines: list[RunningLine] = []

    def start(self, station: Path, *arguments: str, **options: Any) -> RunningLine:
        """Starts one."""
        self._lines.append(RunningLine(station, *arguments, **options))
        return self._lines[-1]

    def end(self) -> None:
        """Ends what still runs."""
        for line in self._lines:
            if line.process.poll() is None:
                line.kill_all()


@contextmanager
def _place() -> Iterator[tuple[Place, _Lines]]:
    from tests.inspect.place import make_place

    lines = _Lines()
    with tempfile.TemporaryDirectory(prefix="taktsight-faults-") as folder:
        try:
            yield make_place(Path(folder)), lines
        finally:
            lines.end()
