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

MOST_TRIES = 24
"""Parts that colleagues look at right now are passed over; there are not more colleagues than this."""
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
    bench: Bench, reviewer: str, asked: Asked, besides: Collection[PartKey], most: int
) -> list[tuple[PartRow, Offer]]:
    """The next parts of the queue for this reviewer, each claimed for a while.

    Args:
        bench: whose queue.
        reviewer: for whom; a blind double is never one's own part.
        asked: which parts.
        besides: parts that the reviewer has on the screen, or decided a moment ago.
        most: how many.
    """
    passed_over = set(besides)
    found: list[tuple[PartRow, Offer]] = []
    for _ in range(MOST_TRIES + most):
        if len(found) == most:
            break
        item = bench.queue.next_for(reviewer, asked.filters, whys=asked.whys, besides=frozenset(passed_over))
        if item is None:
            break
        passed_over.add(item.part.key)
        if bench.store.claim(reviewer, item.part.key) is None:
            found.append((item.part, offer_from_queue(bench, reviewer, item.part, item.whys)))
    return found


def offer_from_queue(bench: Bench, reviewer: str, row: PartRow, whys: Collection[Why]) -> Offer:
    """As what a part of the queue is shown."""
    blind = next((why for why in (Why.SECOND, Why.KNOWN) if why in whys), None)
    if blind is not None:
        return Offer(row.key, reviewer, blind, is_hidden=True)
    settings = bench.store.settings()
    share = settings.blind_share + settings.known_share
    is_hidden = wants_blind(bench, reviewer) or offers_of(bench).is_decoy(reviewer, row.key, share)
    return Offer(row.key, reviewer, shown_whys(row, whys)[0], is_hidden, _last_seen(bench, row.key))


def offer_of_part(bench: Bench, reviewer: str, row: PartRow) -> Offer:
    """Of a part that somebody opened by its name."""
    made = bench.store.decisions_of(row.key)
    is_hidden = wants_blind(bench, reviewer) and not any(each.reviewer == reviewer for each in made)
    return Offer(row.key, reviewer, BY_OUTCOME[row.outcome], is_hidden, _last_seen(bench, row.key))


def shown_whys(row: PartRow, whys: Collection[Why]) -> tuple[Why, ...]:
    """Why it stands in the queue, as anybody may know: blind doubles and known parts look like any other."""
    open_whys = tuple(why for why in Why if why in whys and why not in BLIND)
    return open_whys or (BY_OUTCOME[row.outcome],)


def wants_blind(bench: Bench, reviewer: str) -> bool:
    """Whether the reviewer chose to judge every part without verdict and colleagues."""
    return bool(bench.accounts.preferences(reviewer).get("blind", False))


def _last_seen(bench: Bench, key: PartKey) -> int:
    last = standing(bench.store.decisions_of(key))
    return last.id if last else 0
