"""A ledger as a station writes it, from parts that nobody judged."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from taktsight.image_files import encode_png
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.messages import Entry
from taktsight.quality.drift_stream import SeenPart
from taktsight.records import Image

from .drifting import BUNDLE, LABELS, RECIPE


def write_ledger(folder: Path, parts: Sequence[SeenPart], frames: dict[int, Image] | None = None) -> Path:
    """Appends parts to the ledger in a folder; ``frames`` are kept, by trigger."""
    ledger = Ledger.create(folder)
    number = len(ledger.rows())
    run = parts[0].name.run
    facts = ("station press 4", f"labels {', '.join(LABELS)}")
    new = [] if number else [Entry("armed", number=1, reasons=facts, bundle=BUNDLE, recipe=RECIPE)]
    number += len(new)
    for part in parts:
        number += 1
        new.append(
            Entry(
                "verdict",
                trigger=part.name.trigger,
                outcome=part.outcome.value,
                scores=dict(part.scores),
                health={view: dict(values) for view, values in part.health.items()},
                number=number,
                bundle=part.bundle,
                recipe=part.recipe,
            )
        )
    rows = [_keep(folder, run, trigger, image) for trigger, image in (frames or {}).items()]
    ledger.append(run, new, rows, parts[0].utc)
    ledger.close()
    return folder


def _keep(folder: Path, run: str, trigger: int, image: Image) -> dict[str, Any]:
    file = Path("images") / f"{trigger}.png"
    (folder / "images").mkdir(exist_ok=True)
    content = encode_png(image)
    (folder / file).write_bytes(content)
    return {
        "run": run,
        "trigger": trigger,
        "camera": "top",
        "file": str(file),
        "sha256": hashlib.sha256(image.tobytes()).hexdigest(),
        "outcome": "PASS",
        "bytes": len(content),
        "utc": f"2026-11-26T00:00:{trigger:06}",
    }
