"""The line's own processes: killed, hung, slow, or told to change over while parts go on."""

from __future__ import annotations

import json
import signal
import time

import yaml

from taktsight.bundle import read_bundle
from taktsight.inspect.commands.changeover import change_over
from taktsight.inspect.simulation.fault_table import Tally
from taktsight.inspect.simulation.witness import Witness
from taktsight.recipe import load_recipe

SLOW_TAKTS, SLOW_TIMES = 5, 3
CHANGES = 5


def vision_killed(witness: Witness, tally: Tally) -> None:
    """Kill -9; a new one takes up service once it has replayed the golden samples."""
    _lose_vision(witness, tally, signal.SIGKILL)


def vision_hung(witness: Witness, tally: Tally) -> None:
    """It does nothing any more, and is killed for it."""
    _lose_vision(witness, tally, signal.SIGSTOP)


def inference_slow(witness: Witness, tally: Tally) -> None:
    """The inspection of some parts takes five takts longer: vision does not get a core."""
    restarts = witness.stand.line.meters["vision_restarts"]
    for _ in range(SLOW_TIMES):
        witness.stand.line.send("vision", signal.SIGSTOP)
        time.sleep(SLOW_TAKTS * witness.stand.takt_s)
        witness.stand.line.send("vision", signal.SIGCONT)
        tally.injected += 1
        witness.until_inspected(tally, time.monotonic_ns())
    if witness.stand.line.meters["vision_restarts"] > restarts:
        tally.broken.append("vision was taken for hung")


def recorder_killed(witness: Witness, tally: Tally) -> None:
    """Kill -9 of the process that writes the ledger: no verdict waits for it."""
    meters = witness.stand.line.meters
    before = meters["recorder_restarts"]
    witness.stand.line.kill("recorder")
    killed_s = time.monotonic()
    tally.injected += 1
    witness.until(lambda: meters["recorder_restarts"] > before, "a new recorder")
    entries = meters["entries"]
    witness.until(lambda: meters["acknowledged"] >= entries, "the records of the gap")
    tally.recovered(time.monotonic() - killed_s)


def changed_over(witness: Witness, tally: Tally) -> None:
    """Another recipe between two parts, again and again: no part is missed, each is judged by one."""
    stand, meters = witness.stand, witness.stand.line.meters
    before = meters["changeovers"]
    for change in range(CHANGES):
        began_s = time.monotonic()
        stand.write(recipe=_recipe(witness, change))
        change_over(stand.station_file)
        tally.recovered(time.monotonic() - began_s)
        tally.injected += 1
        witness.until_inspected(Tally(), time.monotonic_ns())
    if meters["changeovers"] - before != CHANGES:
        tally.broken.append(f"of {CHANGES} changeovers the line counted {meters['changeovers'] - before}")
    stand.write()
    change_over(stand.station_file)


def _lose_vision(witness: Witness, tally: Tally, number: signal.Signals) -> None:
    meters = witness.stand.line.meters
    before = meters["vision_restarts"]
    witness.stand.line.send("vision", number)
    tally.injected += 1
    witness.until(lambda: meters["vision_restarts"] > before, "a new vision process")
    witness.until_inspected(tally, time.monotonic_ns())


def _recipe(witness: Witness, change: int) -> str:
    """A file of the same limits with another reason in it: another digest, the same verdicts."""
    asked = witness.stand.asked
    if asked.recipe is not None:
        recipe = load_recipe(asked.recipe)
    else:
        recipe = read_bundle(asked.bundle).card.own_recipe(asked.camera_name)
    content = json.loads(recipe.model_dump_json(exclude_none=True))
    content["limits"][0]["why"] = f"simulated changeover {change + 1}"
    for view, laid in zip(recipe.views, content["views"], strict=True):
        laid.pop("reference_sha256", None)
        if view.reference is not None and asked.recipe is not None:
            laid["reference"] = str((asked.recipe.parent / view.reference).absolute())
    file = witness.stand.folder / f"recipe-{change % 2}.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(file.absolute())
