"""Decides and says each id once it is acknowledged, until it is killed; begins anew so many times.

Run as a program: REVIEW RUN MOMENTS SEED. Each writer is a process of its own, killed at a random moment; a
line "killed" stands between what two of them said.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import uuid
from pathlib import Path

from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.values import Choice, NewDecision, PartKey, Why


def write_until_killed(review: Path, run: str, begun: int) -> None:
    store = ReviewStore.open(review)
    while True:
        request = str(uuid.uuid4())
        part = PartKey(run, random.randint(1, 8))
        seen = max((decision.id for decision in store.decisions_of(part)), default=0)
        new = NewDecision(part, Choice.FALSE_REJECT, None, "", (), Why.REJECT, False, request, seen)
        decision = store.decide("anna", new)
        os.write(1, f"{decision.id} {request}\n".encode())
        os.write(begun, b"1")
        if random.random() < 0.3:
            undone = store.undo("anna", decision.id, "slipped")
            os.write(1, f"undone {decision.id} {undone.undone_by}\n".encode())


def main(review: Path, run: str, moments: int, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(moments):
        has_begun, begun = os.pipe()
        writer = os.fork()
        if writer == 0:
            write_until_killed(review, run, begun)
        os.close(begun)
        if number % 2:  # every other one is killed at its work, however busy the machine is
            os.read(has_begun, 1)
        time.sleep(chance.uniform(0.0, 0.3))
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        os.close(has_begun)
        os.write(1, b"killed\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
