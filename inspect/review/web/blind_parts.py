"""Parts that somebody shall judge blind: until they have, no page tells them what others said of it."""

from __future__ import annotations

from collections.abc import Iterable

from taktsight.inspect.review.parts import doubles
from taktsight.inspect.review.parts.review_queue import Queue
from taktsight.inspect.review.parts.rows import PartRow
from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.pictures.ids import read_secret
from taktsight.inspect.review.store.values import PartKey
from taktsight.inspect.review.web.visit import Visit


def is_blind(visit: Visit, key: PartKey) -> bool:
    """Whether the visitor still owes a blind opinion on the part.

    Golden samples that stand in the queue under the name of a part are among them: a page that did not know
    them would tell which parts are known.
    """
    queue: Queue | None = visit.bench.queue
    if queue is None or not visit.may(May.DECIDE):
        return False
    visit.bench.index.follow()
    item = queue.item(visit.name, key)
    if item is not None and item.is_blind:
        return True
    # An index that is still being made knows decisions before it knows their parts.
    return visit.bench.index.ledger.seq_of(key) in _owed(visit)


def blind_among(visit: Visit, rows: Iterable[PartRow]) -> frozenset[PartKey]:
    """Those of some parts that the visitor shall judge blind. Asks the queue only where it may be."""
    queue: Queue | None = visit.bench.queue
    if queue is None or not visit.may(May.DECIDE):
        return frozenset()
    queue.audit_progress()  # reads what was decided since
    owed = _owed(visit)
    with visit.bench.index.connections.one() as connection:
        agreed = {seq for seq, _ in doubles.agreed(connection)}
    return frozenset(
        row.key for row in rows if row.seq in owed or (row.seq in agreed and is_blind(visit, row.key))
    )


def _owed(visit: Visit) -> frozenset[int]:
    """Parts, by the rows of their verdicts, that somebody else decided and the visitor has not seen."""
    share = visit.bench.store.settings().blind_share
    secret = read_secret(visit.bench.index.folder)
    with visit.bench.index.connections.one() as connection:
        waiting = doubles.seconds(connection, secret, share)
        seen = doubles.parts_seen_by(connection, visit.name, [second.part for second in waiting])
    return frozenset(
        second.part for second in waiting if second.first != visit.name and second.part not in seen
    )


def known_like(visit: Visit, text: str) -> tuple[PartRow, ...]:
    """Golden samples named like parts; a search by name or serial has to find them as it finds those."""
    queue: Queue | None = visit.bench.queue
    wanted = text.strip().casefold()
    if queue is None or not wanted or not visit.may(May.DECIDE):
        return ()
    rows = [known.row for known in queue.known.all()]
    return tuple(
        row
        for row in rows
        if str(row.key).casefold() == wanted or (row.serial or "").casefold().startswith(wanted)
    )
