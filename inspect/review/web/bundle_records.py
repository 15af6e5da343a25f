"""Every bundle that judged parts here or that the bench was given, by its digest, with where it ran."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from taktsight.inspect.review.parts.ledger_reader import parsed
from taktsight.inspect.review.pictures.bundles import BundleAtHand
from taktsight.inspect.review.store.values import Signature
from taktsight.inspect.review.web.bench import Bench
from taktsight.inspect.review.web.certificate_states import Certified, certified, recipe_of
from taktsight.inspect.review.web.part_chain import is_signature_logged
from taktsight.inspect.review.web.part_record import said_in

RUNS = 200
"""The newest ones are looked at; more of them nobody reads on one page."""
MOST_COUNTED = 1_000_000
"""Of one bundle in one run. Counting them takes 0.1 s."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One run, or what of it lies between two changeovers, that a bundle judged."""

    run: str
    station: str
    utc: str
    """When it began to judge."""
    recipe: str
    engine: str
    parts: int
    is_more: bool
    """Whether there are more than were counted."""


@dataclass(frozen=True, slots=True)
class Under:
    """What holds of its certificate under one recipe."""

    recipe: str
    """Digest."""
    is_own: bool
    """Whether it is the one on the bundle's card."""
    certified: Certified


@dataclass(frozen=True, slots=True)
class Decided:
    """A signature that approves or rejects a bundle."""

    signature: Signature
    is_logged: bool
    """Whether the log bears it out."""


@dataclass(frozen=True, slots=True)
class BundleRecord:
    """One bundle. Everything hangs on its digest: another file is another bundle, whatever it is called."""

    digest: str
    at_hand: BundleAtHand | None
    ran: tuple[Ran, ...]
    under: tuple[Under, ...]
    decided: tuple[Decided, ...] = field(default=())

    @property
    def standing(self) -> Decided | None:
        """The last decision that the log bears out, of this digest and no other."""
        return _standing(self.decided)

    @property
    def parts(self) -> int:
        """That it judged, as far as they were counted."""
        return sum(each.parts for each in self.ran)


def subject_of(digest: str) -> str:
    """What a signature under a bundle is about."""
    return f"bundle:{digest}"


def bundle_records(bench: Bench) -> tuple[BundleRecord, ...]:
    """Those that the bench was given, then those of the ledger, the last to run first."""
    ran: dict[str, list[Ran]] = {}
    for digest, each in _runs(bench):
        ran.setdefault(digest, []).append(each)
    at_hand = {each.bundle.digest: each for each in bench.bundles}
    last = {digest: each[0].utc for digest, each in ran.items()}
    newest = sorted({*at_hand, *ran}, key=lambda digest: (last.get(digest, ""), digest), reverse=True)
    return tuple(
        _record(bench, digest, at_hand.get(digest), ran.get(digest, []))
        for digest in sorted(newest, key=lambda digest: digest not in at_hand)
    )


def bundle_record(bench: Bench, digest: str) -> BundleRecord | None:
    """The bundle of this digest; None where neither bench nor ledger knows it."""
    return next((each for each in bundle_records(bench) if each.digest == digest), None)


def standing_of(bench: Bench, digest: str) -> Decided | None:
    """The last decision on the bundle of this digest that the log bears out."""
    return _standing(_decided(bench, digest))


def _standing(decided: Sequence[Decided]) -> Decided | None:
    return next((each for each in reversed(decided) if each.is_logged), None)


def _decided(bench: Bench, digest: str) -> tuple[Decided, ...]:
    return tuple(
        Decided(each, is_signature_logged(bench.store, each))
        for each in bench.store.signatures_of(subject_of(digest))
        if each.digest == digest and each.meaning in ("approved", "rejected")
    )


def _record(bench: Bench, digest: str, at_hand: BundleAtHand | None, ran: Sequence[Ran]) -> BundleRecord:
    under = tuple(_under(bench, at_hand, ran))
    return BundleRecord(digest, at_hand, tuple(ran), under, _decided(bench, digest))


def _under(bench: Bench, at_hand: BundleAtHand | None, ran: Sequence[Ran]) -> Iterator[Under]:
    """For each recipe that it ran with; for the one on its card where it never ran."""
    if at_hand is None or at_hand.bundle.certificate is None:
        return
    own = at_hand.bundle.card.own_recipe()
    used = dict.fromkeys((each.recipe, each.station, each.engine) for each in ran)
    for digest, station, engine in used or {(own.digest, "", ""): None}:
        recipe = recipe_of(at_hand, digest)
        found = certified(at_hand, recipe, bench.records, station, engine)
        yield Under(digest, recipe is not None and recipe.limits == own.limits, found)


def _runs(bench: Bench) -> Iterator[tuple[str, Ran]]:
    """Digest of a bundle and where it judged, the newest run first."""
    ledger = bench.index.ledger
    for run in bench.index.runs(RUNS) if ledger.is_there else ():
        begun = sorted(
            [*ledger.run_of(run, "armed"), *ledger.run_of(run, "changeover")], key=lambda row: row["seq"]
        )
        station = engine = ""
        ends = [row["seq"] for row in begun[1:]] + [1 << 62]
        for row, end in zip(begun, ends, strict=True):
            facts = tuple(map(str, parsed(row, "reasons")))
            station = said_in(facts, "station") or station
            engine = said_in(facts, "engine") or engine
            parts = _parts(bench, run, row["seq"], end)
            is_more = parts > MOST_COUNTED
            counted = min(parts, MOST_COUNTED)
            yield row["bundle"], Ran(run, station, row["utc"], row["recipe"], engine, counted, is_more)


def _parts(bench: Bench, run: str, since: int, until: int) -> int:
    query = (
        "SELECT count(*) FROM (SELECT 1 FROM parts WHERE seq > ? AND seq < ? "
        "AND run = (SELECT id FROM runs WHERE name = ?) LIMIT ?)"
    )
    with bench.index.connections.one() as connection:
        last = connection.execute("SELECT last FROM runs WHERE name = ?", (run,)).fetchone()
        bound = min(until, int(last[0]) + 1 if last else until)
        found = connection.execute(query, (since, bound, run, MOST_COUNTED + 1)).fetchone()
    return int(found[0])
