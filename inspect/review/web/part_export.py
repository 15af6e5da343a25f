"""The record of a part as JSON, which loses nothing, and as CSV, for a table calculation."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from taktsight.inspect.review.parts.ledger_reader import Row
from taktsight.inspect.review.store.chain import readable
from taktsight.inspect.review.web.certificate_states import Certified
from taktsight.inspect.review.web.part_record import PartRecord, Review, Signed

FORMAT = 1
_JSON_COLUMNS = ("reasons", "stage_ns", "scores", "health", "frames")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_json(record: PartRecord) -> bytes:
    """Everything; rows of the ledger with their digests, so that whoever reads it can check them again."""
    text = json.dumps(content_of(record), indent=1, ensure_ascii=False, default=_spelled_out)
    return text.encode(errors="backslashreplace")


def content_of(record: PartRecord) -> dict[str, Any]:
    """The record as values of JSON."""
    row = record.row
    return {
        "format": FORMAT,
        "part": str(row.key),
        "run": row.key.run,
        "trigger": row.key.trigger,
        "serial": row.serial,
        "station": row.station or None,
        "lot": row.lot,
        "utc": row.utc,
        "outcome": row.outcome.value,
        "reasons": list(row.reasons),
        "judged": None if row.judged is None else row.judged.value,
        "cycle_ms": row.cycle_ms,
        "deadline_ms": row.deadline_ms,
        "stage_ms": {stage.name: stage.ms for stage in record.stages},
        "scores": {view: dict(scores) for view, scores in row.scores.items()},
        "health": {view: dict(values) for view, values in row.health.items()},
        "frames": {view: frame.sha256 or None for view, frame in row.frames.items()},
        "bundle": row.bundle,
        "recipe": row.recipe,
        "certificate": _certificate(record.certified),
        "ledger": [{"intact": not each.fault, "row": _row(each.row)} for each in record.chain],
        "reviews": [_review(each) for each in record.reviews],
        "signatures": [_signature(each) for each in record.signatures],
        "digest": record.digest,
        "intact": record.is_intact,
    }


def as_csv(record: PartRecord) -> bytes:
    """One value a row: section, view, name, value. UTF-8 with a mark, which table calculations want."""
    written = io.StringIO(newline="")
    table = csv.writer(written)
    table.writerow(("section", "view", "name", "value"))
    for line in _lines(content_of(record)):
        table.writerow([_cell(value) for value in line])
    return written.getvalue().encode("utf-8-sig", errors="backslashreplace")


def _lines(content: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    for name, value in content.items():
        if not isinstance(value, (dict, list)):
            yield "part", "", name, value
    for number, reason in enumerate(content["reasons"], start=1):
        yield "reason", "", number, reason
    for name, ms in content["stage_ms"].items():
        yield "stage_ms", "", name, ms
    for section in ("scores", "health"):
        for view, values in content[section].items():
            for name, value in values.items():
                yield section, view, name, value
    for view, sha256 in content["frames"].items():
        yield "frame_sha256", view, "", sha256
    for section in ("ledger", "reviews", "signatures"):
        for number, each in enumerate(content[section], start=1):
            for name, value in (each["row"] if section == "ledger" else each).items():
                yield f"{section} {number}", "", name, _flat(value)
    for name, value in (content["certificate"] or {}).items():
        yield "certificate", "", name, _flat(value)


def _flat(value: object) -> object:
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=_spelled_out)
    return _spelled_out(value) if isinstance(value, bytes) else value


def _spelled_out(value: object) -> str:
    """What no line writes and somebody put into a row, as bytes."""
    return repr(value)


def _cell(value: object) -> object:
    """Texts that a table calculation would take for a formula begin with an apostrophe."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value


def _row(row: Row) -> dict[str, Any]:
    """A row of the ledger with its JSON read; what cannot be read stays as it is."""
    return {name: _parsed(value) if name in _JSON_COLUMNS else value for name, value in row.items()}


def _parsed(value: object) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _review(review: Review) -> dict[str, Any]:
    decision = review.decision
    said = asdict(decision) | {
        "part": str(decision.part),
        "choice": decision.choice.value,
        "why": decision.why.value,
        "frames": dict(decision.frames),
        "marks": [asdict(mark) for mark in decision.marks],
        "undone": None if review.undone is None else asdict(review.undone),
        "intact": not review.fault,
    }
    return {name: readable(value) if isinstance(value, str) else value for name, value in said.items()}


def _signature(signed: Signed) -> dict[str, Any]:
    return asdict(signed.signature) | {"state": signed.state}


def _certificate(found: Certified) -> dict[str, Any] | None:
    certificate = found.certificate
    if certificate is None:
        return None
    return {
        "digest": certificate.digest,
        "product": certificate.product,
        "issued": certificate.issued.isoformat(),
        "population": certificate.population,
        "state": found.state or None,
        "claims_that_hold": list(found.claims),
        "reasons": list(found.reasons),
        "claims": [claim.model_dump(mode="json") for claim in certificate.claims],
    }
