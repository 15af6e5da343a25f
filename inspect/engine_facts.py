"""What computes the scores, and on what: as the ledger notes it when a line is armed.

The same bundle gives the same bits only where all of this is the same: other versions, threads or
processors may round otherwise.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from taktsight.inspect.backends.backend import engine_name
from taktsight.inspect.config import Engine

FACTS = ("engine", "version", "threads", "processor")
"""First word of each sentence."""


def engine_facts(engine: Engine) -> tuple[str, ...]:
    """A sentence for each of :data:`FACTS`, of an engine that is open in this process."""
    version = getattr(sys.modules.get(engine.kind), "__version__", "unknown")
    threads = engine.threads or len(os.sched_getaffinity(0))
    return (
        f"engine {engine_name(engine)}",
        f"version {version}",
        f"threads {threads}",
        f"processor {_processor()}",
    )


def read_facts(sentences: Iterable[str]) -> dict[str, str]:
    """The facts among the sentences of an armed row, by their first word.

    >>> read_facts(["station press 4", "engine onnxruntime:f32", "threads 2"])
    {'engine': 'onnxruntime:f32', 'threads': '2'}
    """
    pairs = (sentence.partition(" ") for sentence in sentences)
    return {word: rest for word, _, rest in pairs if word in FACTS}


def _processor() -> str:
    try:
        said = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    found = re.search(r"(?m)^model name\s*:\s*(.+)$", said)
    return found[1] if found else platform.machine()
