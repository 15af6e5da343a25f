"""One pipeline in a process of its own, under a memory limit: judges a frame and says how long it took.

Runs in the peer's environment, so it needs NumPy alone. Arguments: SUBJECT (a module beside this one),
FOLDER, VARIANT, THREADS, GIB. Says ``{"ready": versions}``, then for each line ``FRAME NEXT`` it runs NEXT
untimed (what another process left in the caches is not this one's doing), then FRAME, and says
``[nanoseconds, passed, score]``. Whatever the pipeline prints goes to stderr.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    """Serves until its input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    subject, folder, variant, threads, gib = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (int(gib) << 30, int(gib) << 30))
    module = importlib.import_module(subject)
    frames = np.load(Path(folder) / "frames.npy", mmap_mode="r")
    held = [np.array(frame) for frame in frames]  # in memory, as a camera leaves them
    cycle = module.open_cycle(Path(folder), variant, int(threads))
    print(json.dumps({"ready": _versions(module.PACKAGES)}), file=answers)
    for line in sys.stdin:
        number, before = map(int, line.split())
        cycle(held[before])
        began = time.perf_counter_ns()
        passed, score = cycle(held[number])
        spent = time.perf_counter_ns() - began
        print(json.dumps([spent, bool(passed), float(score)]), file=answers)


def _versions(packages: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def same_threads(threads: int) -> None:
    """Lets every session of ONNX Runtime in this process have as many threads as Taktsight's."""
    import onnxruntime

    opened = onnxruntime.InferenceSession.__init__

    def counted(
        session: Any, path_or_bytes: Any, sess_options: Any = None, *rest: Any, **named: Any
    ) -> None:
        options = sess_options or onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        opened(session, path_or_bytes, options, *rest, **named)

    onnxruntime.InferenceSession.__init__ = counted


if __name__ == "__main__":
    sys.modules["serve"] = sys.modules["__main__"]
    main()
