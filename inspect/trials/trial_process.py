"""One engine with one bundle in a process of its own: cold start, stage times, memory.

    python -m taktsight.inspect.trials.trial_process TASK

TASK is JSON. The bundle must be the one that was verified, signed as it was then. Judges the golden samples
once and says so; then, for each number on its standard input, so many parts.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

from taktsight.bundle import Bundle, read_bundle
from taktsight.errors import BundleError
from taktsight.inspect.backends.backend import engine_name, open_backend
from taktsight.inspect.inspector import Inspector, golden_mistakes, golden_part
from taktsight.inspect.trials.task import Task
from taktsight.records import Image, Part

Given = tuple[Part, dict[str, Image]]
"""A part, and its golden template by view."""


def main(task: Task) -> None:
    """Answers with one JSON line per line that it is given.

    Raises:
        BundleError: If the bundle is another one than was verified; no engine has seen it.
    """
    bundle = read_bundle(task.bundle, allowed_keys=task.allowed_keys)
    if bundle.digest != task.bundle_digest:
        raise BundleError(f"{task.bundle}: is another bundle than was verified before; measure it again")
    backend = open_backend(task.engine, bundle.models)
    inspector = Inspector(backend, bundle.card, bundle.card.own_recipe())
    parts = golden_parts(bundle)
    judge(inspector, next(parts))
    say({"first_verdict_ns": time.monotonic_ns()})
    mistakes = golden_mistakes(backend, bundle, engine_name(task.engine))
    say({"mistakes": mistakes})
    for line in sys.stdin:
        times = [judge(inspector, next(parts)) for _ in range(int(line))]
        say({"stages_ns": times, "rss_mb": _rss_mb()})


def say(answer: dict[str, object]) -> None:
    """One line to whoever asked."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def golden_parts(bundle: Bundle) -> Iterator[Given]:
    """The golden samples for ever, with their golden templates by view."""
    return cycle([golden_part(bundle, sample) for sample in bundle.card.golden])


def judge(inspector: Inspector, given: Given) -> dict[str, int]:
    """Nanoseconds of each stage and of the whole."""
    part, templates = given
    against = inspector.against(templates) if templates else inspector
    began = time.monotonic_ns()
    stages = against.inspect(part).stage_ns
    return {**stages, "whole": time.monotonic_ns() - began}


def _rss_mb() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


if __name__ == "__main__":
    main(Task.model_validate_json(sys.argv[1]))
