"""Escape and overkill of a trained model on parts it has not seen.

    taktsight evaluate runs/tile

Chooses the limits on the val split, measures them on the test split, and writes
runs/tile/evaluation/report.html (for people) and evaluation.json (for programs). Says which parts are not
those that the model was trained on or kept apart from.
"""

from __future__ import annotations

import argparse
from datetime import datetime, timezone
from pathlib import Path

from taktsight.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's arguments."""
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a trained run")
    parser.add_argument(
        "--target-escape", type=float, default=0.01, help="share of defective val parts that may pass"
    )
    parser.add_argument(
        "--target-overkill", type=float, default=0.01, help="share of good val parts rejected"
    )
    parser.add_argument("--pictures", type=int, default=6, help="worst escapes and overkills shown")


def main(arguments: argparse.Namespace) -> int:
    """Evaluates; 0 whatever the figures are."""
    for name in ("target_escape", "target_overkill"):
        if not 0 <= getattr(arguments, name) < 1:
            raise ConfigError(f"--{name.replace('_', '-')} must be a share from 0 to below 1")
    from taktsight.training.allocator import keep_freed_memory
    from taktsight.training.evaluation.sentences import answer
    from taktsight.training.evaluation_run import evaluate_run
    from taktsight.training.run_check import changed_parts
    from taktsight.training.run_folder import open_run

    keep_freed_memory()
    run = open_run(arguments.run)
    found = changed_parts(run.folder, run.data) if run.manifest is not None else ()
    changed = [str(change) for change in found]
    report, figures = evaluate_run(
        run,
        date=f"{datetime.now(timezone.utc):%Y-%m-%d}",
        target_escape=arguments.target_escape,
        target_overkill=arguments.target_overkill,
        pictures=arguments.pictures,
        changed=changed,
    )
    for change in changed:
        print(f"changed since the training: {change}")
    print(answer(figures))
    print(f"report: {report}\nnext: taktsight export {arguments.run} --out model.taktsight")
    return 0
