"""A part as one record: what the line wrote of it, what people said of it since, and what can be proved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taktsight.inspect.review.parts.ledger_reader import Row, parsed
from taktsight.inspect.review.parts.rows import PartRow
from taktsight.inspect.review.pictures.bundles import BundleAtHand
from taktsight.inspect.review.store.values import Decision, PartKey, Signature
from taktsight.inspect.review.web.bench import Bench
from taktsight.inspect.review.web.certificate_states import Certified, certified, recipe_of
from taktsight.inspect.review.web.part_chain import (
    ChainRow,
    chain_rows,
    fault_of_decision,
    is_signature_logged,
)
from taktsight.inspect.review.web.signed_states import RecordRows, State, record_rows
from taktsight.recipe import Limit, Recipe

STAGES = ("grab", "health", "prepare", "wait", "infer", "locate", "decide")
"""In the order of the line; others come after them."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a part's way, and how long it took."""

    name: str
    ms: float


@dataclass(frozen=True, slots=True)
class Undone:
    """Who took a decision back, when and why."""

    actor: str
    utc: str
    reason: str


@dataclass(frozen=True, slots=True)
class Review:
    """A decision, with what became of it."""

    decision: Decision
    undone: Undone | None
    fault: str
    """A sentence to translate; empty where the log bears it out."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature, and what it is of."""

    signature: Signature
    state: State


@dataclass(frozen=True, slots=True)
class PartRecord:
    """Everything on one part."""

    row: PartRow
    chain: tuple[ChainRow, ...]
    stages: tuple[Stage, ...]
    reviews: tuple[Review, ...]
    signatures: tuple[Signed, ...]
    digest: str
    """SHA-256 of the record as it is now: what a signature is bound to."""
    bundle: BundleAtHand | None
    recipe: Recipe | None
    certified: Certified
    engine: str
    facts: tuple[str, ...]
    """What the line said of itself when it was armed."""

    @property
    def is_intact(self) -> bool:
        """Whether every row on it is as it was written."""
        return bool(self.chain) and not any((*self.chain_faults, *(each.fault for each in self.reviews)))

    @property
    def chain_faults(self) -> tuple[str, ...]:
        """What is wrong with its rows in the ledger."""
        return tuple(each.fault for each in self.chain if each.fault)

    @property
    def limits(self) -> Mapping[str, Limit]:
        """Label → limit that the part was judged by; empty where the recipe is not at hand."""
        return {} if self.recipe is None else {limit.label: limit for limit in self.recipe.limits}


def subject_of(key: PartKey) -> str:
    """What a signature under a part is about."""
    return f"part:{key}"


def read_record(bench: Bench, row: PartRow) -> PartRecord:
    """The record of a part, from the ledger, the log and the bundles that are at hand.

    Raises:
        LedgerError: If ledger or store cannot be read.
    """
    rows = bench.index.ledger.of_part(row.key)
    chain = chain_rows(bench.index.ledger, rows.values())
    reviews = tuple(_review(bench, each) for each in bench.store.decisions_of(row.key))
    kept = record_rows(bench.store.book, row.key, tuple(each.row["digest"] for each in chain))
    facts = _facts(bench, row)
    at_hand = next((each for each in bench.bundles if each.bundle.digest == row.bundle), None)
    recipe = None if at_hand is None else recipe_of(at_hand, row.recipe, tuple(row.scores or row.frames))
    engine = said_in(facts, "engine")
    is_whole = not any((*(each.fault for each in chain), *(each.fault for each in reviews)))
    return PartRecord(
        row=row,
        chain=chain,
        stages=_stages(rows),
        reviews=reviews,
        signatures=tuple(
            Signed(each, _state(bench, kept, each) if is_whole else "broken")
            for each in bench.store.signatures_of(subject_of(row.key))
        ),
        digest=kept.digest(),
        bundle=at_hand,
        recipe=recipe,
        certified=certified(at_hand, recipe, bench.records, row.station, engine),
        engine=engine,
        facts=facts,
    )


def _state(bench: Bench, kept: RecordRows, signature: Signature) -> State:
    return kept.state_of(signature) if is_signature_logged(bench.store, signature) else "broken"


def said_in(facts: Sequence[str], word: str) -> str:
    """What follows a word in the facts of a run: "engine onnxruntime:f32"; empty where nothing does."""
    return next((fact.partition(" ")[2] for fact in facts if fact.startswith(f"{word} ")), "")


def _facts(bench: Bench, row: PartRow) -> tuple[str, ...]:
    """Of the last arming or changeover before the part."""
    ledger = bench.index.ledger
    said = [*ledger.run_of(row.key.run, "armed"), *ledger.run_of(row.key.run, "changeover")]
    before = [each for each in said if each["seq"] < row.seq]
    facts: dict[str, str] = {}
    for each in sorted(before, key=lambda each: each["seq"]):
        facts |= {fact.partition(" ")[0]: fact for fact in map(str, parsed(each, "reasons"))}
    return tuple(facts.values())


def _stages(rows: Mapping[str, Row]) -> tuple[Stage, ...]:
    """Times of the row that has them: the verdict's, or the one of what was judged."""
    kinds = (kind for kind in ("verdict", "judged", "late") if kind in rows)
    said: dict[str, object] = next(
        (found for kind in kinds if (found := parsed(rows[kind], "stage_ns"))), {}
    )
    times = {str(name): ns / 1e6 for name, ns in said.items() if isinstance(ns, (int, float)) and ns >= 0}
    order = [*(name for name in STAGES if name in times), *sorted(set(times) - set(STAGES))]
    return tuple(Stage(name, times[name]) for name in order)


def _review(bench: Bench, decision: Decision) -> Review:
    undone = None
    if decision.undone_by is not None:
        found = bench.store.log(decision.undone_by - 1, 1)
        undone = Undone(found[0].actor, found[0].utc, found[0].reason) if found else Undone("?", "", "")
    return Review(decision, undone, fault_of_decision(bench.store, decision))
