"""Which part a reviewer is shown next, and as what."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from pathlib import Path

from taktsight.inspect.review.parts.rows import PartRow
from taktsight.inspect.review.pictures.ids import read_secret
from taktsight.inspect.review.store.decided import standing
from taktsight.inspect.review.store.values import PartKey, Why
from taktsight.inspect.review.web.asked_parts import Asked
from taktsight.inspect.review.web.bench import Bench
from taktsight.inspect.review.web.offers import BLIND, Offer, Offers
from taktsight.records import Outcome

BY_OUTCOME = {
    Outcome.REJECT: Why.REJECT,
    Outcome.REVIEW: Why.REVIEW,
    Outcome.UNINSPECTED: Why.UNINSPECTED,
    Outcome.PASS: Why.AUDIT,
}


def offers_of(bench: Bench) -> Offers:
    """Those of this bench; they hold after a restart."""
    return _offers(bench.store.book.folder)


@cache
def _offers(folder: Path) -> Offers:
    return Offers(read_secret(folder))


def next_offers(
    bench: Bench,
    reviewer: str,
    asked: Asked,
    most: int = 1,
    held: Collection[PartKey] = (),
    besides: Collection[PartKey] = (),
) -> list[tuple[PartRow, Offer]]:
    """The next parts of the queue for this reviewer, each claimed for a while.

    Args:
        bench: whose queue.
        reviewer: for whom; a blind double is never one's own part.
        asked: which parts.
        most: how many.
        held: parts that the reviewer was given and has not decided yet.
        besides: others that are not to be given now.
    """
    # What was decided a moment ago counts as decided, not as held besides.
    in_hand = [key for key in held if not _has_decided(bench, reviewer, key)]
    besides = {*held, *besides}
    found: list[tuple[PartRow, Offer]] = []
    while len(found) < most:
        given = (*in_hand, *(row.key for row, _ in found))
        item = bench.queue.next_for(reviewer, asked.filters, given, besides)
        if item is None:
            break
        found.append((item.part, _offer(bench, reviewer, item.part, item.whys)))
    return found


def row_of(bench: Bench, key: PartKey) -> PartRow | None:
    """A part of the ledger, or a golden sample that looks like one; None where there is none."""
    row: PartRow | None = bench.index.part(key)
    if row is None:
        known = bench.queue.known.part(key)
        row = known.row if known else None
    return row


def _offer(bench: Bench, reviewer: str, row: PartRow, whys: Collection[Why]) -> Offer:
    """As what a part of the queue is shown."""
    blind = next((why for why in (Why.SECOND, Why.KNOWN) if why in whys), None)
    if blind is not None:
        return Offer(row.key, reviewer, blind, is_hidden=True)
    settings = bench.store.settings()
    share = settings.blind_share + settings.known_share
    is_mine = _has_decided(bench, reviewer, row.key)
    is_hidden = wants_blind(bench, reviewer) or offers_of(bench).is_decoy(reviewer, row.key, share)
    last = standing(bench.store.decisions_of(row.key))
    why, seen = shown_whys(row, whys)[0], last.id if last else 0
    return Offer(row.key, reviewer, why, is_hidden and not is_mine, seen)


def offer_of_part(bench: Bench, reviewer: str, row: PartRow) -> Offer:
    """Of a part that somebody opened by its name: as the queue would give it to them."""
    item = bench.queue.item(reviewer, row.key)
    return _offer(bench, reviewer, row, item.whys if item else ())


def shown_whys(row: PartRow, whys: Collection[Why]) -> tuple[Why, ...]:
    """Why it waits, as anybody may know: blind doubles and known parts look like any other."""
    open_whys = tuple(why for why in Why if why in whys and why not in BLIND)
    return open_whys or (BY_OUTCOME[row.outcome],)


def wants_blind(bench: Bench, reviewer: str) -> bool:
    """Whether the reviewer chose to judge every part without verdict and colleagues."""
    return bool(bench.accounts.preferences(reviewer).get("blind", False))


def _has_decided(bench: Bench, reviewer: str, key: PartKey) -> bool:
    made = bench.store.decisions_of(key)
    return any(each.reviewer == reviewer and each.undone_by is None for each in made)
