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
    item = queue.item(visit.name, key)
    return item is not None and item.is_blind


def blind_among(visit: Visit, rows: Iterable[PartRow]) -> frozenset[PartKey]:
    """Those of some parts that the visitor shall judge blind. Asks the queue only where it may be."""
    queue: Queue | None = visit.bench.queue
    if queue is None or not visit.may(May.DECIDE):
        return frozenset()
    queue.audit_progress()  # reads what was decided since
    share = visit.bench.store.settings().blind_share
    with visit.bench.index.connections.one() as connection:
        secret = read_secret(visit.bench.index.folder)
        maybe = {second.part for second in doubles.seconds(connection, secret, share)}
        maybe |= {seq for seq, _ in doubles.agreed(connection)}
    return frozenset(row.key for row in rows if row.seq in maybe and is_blind(visit, row.key))


def known_like(visit: Visit, text: str) -> tuple[PartRow, ...]:
    """Golden samples under the names of parts; a search by name or serial has to find them like any other."""
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
