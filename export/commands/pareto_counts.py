"""How often each label occurred: the rows of a table, or the reasons of a ledger's verdicts."""

from __future__ import annotations

import argparse
from collections import Counter

from taktsight.errors import ConfigError, DataError
from taktsight.export.commands.recorded_verdicts import recorded_verdicts
from taktsight.quality.tables import read_table
from taktsight.records import Outcome


def label_counts(arguments: argparse.Namespace) -> tuple[dict[str, float], dict[str, str]]:
    """Counts by label, and where they came from.

    Raises:
        ConfigError: If neither a table nor a ledger is named, or both.
        DataError: If a cell is wrong, or no part that counts names a label.
    """
    if (arguments.table is None) == (arguments.records is None):
        raise ConfigError("name a table, or a ledger with --records: one of them")
    if arguments.records is not None:
        return _of_records(arguments)
    table = read_table(arguments.table)
    labels = table.filled(arguments.column or "label")
    weights = table.numbers(arguments.weight_by) if arguments.weight_by else [1.0] * len(labels)
    counts: dict[str, float] = {}
    for index, (label, weight) in enumerate(zip(labels, weights, strict=True)):
        if weight < 0:
            raise table.fault(index, arguments.weight_by, f"{weight:g} lies below 0")
        counts[label] = counts.get(label, 0.0) + float(weight)
    return counts, {"file": table.name, "sha256": table.sha256}


def _of_records(arguments: argparse.Namespace) -> tuple[dict[str, float], dict[str, str]]:
    """A part counts once for each label that its reasons name."""
    counted = {Outcome(name) for name in arguments.count or ["REJECT"]}
    counts: Counter[str] = Counter()
    for verdict in recorded_verdicts(arguments.records, arguments.run):
        if verdict.outcome in counted:
            counts.update(verdict.labels)
    if not counts:
        named = ", ".join(sorted(outcome.value for outcome in counted))
        raise DataError(f"{arguments.records}: no part that is {named} names a label")
    return {label: float(count) for label, count in counts.items()}, {"file": str(arguments.records)}
