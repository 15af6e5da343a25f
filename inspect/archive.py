"""The archive process: takes frames from the recorder, encodes them and keeps the image folder in bounds.

A process of its own, at idle priority: as a thread of the recorder it held Python's lock while it waited
for a core, and commits waited with it, for seconds on a busy machine.
"""

from __future__ import annotations

import logging
import select
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from taktsight.inspect.channel import Channel
from taktsight.inspect.log_thread import log_through_thread
from taktsight.inspect.messages import ImageRows, MakeWay, StartArchive, Stop, StoreImage, TrayFree
from taktsight.inspect.realtime import die_with_line, yield_to_everyone
from taktsight.inspect.ring import Ring

if TYPE_CHECKING:  # imported at idle priority: vision starts at the same time
    from taktsight.inspect.image_store import ImageStore

log = logging.getLogger(__name__)

HOUSEKEEPING_S = 60.0
"""How often ages are looked at while no image comes."""
ROWS_PER_MESSAGE = 100


def utc_now() -> datetime:
    """Wall-clock time; only records know it."""
    return datetime.now(timezone.utc)


def serve(channel: Channel, tray: Ring, start: StartArchive) -> None:
    """Until the recorder says stop, or is gone."""
    from taktsight.image_files import encode_png
    from taktsight.inspect.image_store import ImageStore
    from taktsight.inspect.ledger import Ledger

    newest = None if start.newest_utc is None else datetime.fromisoformat(start.newest_utc)
    store = ImageStore(start.folder, start.images, utc_now, newest)
    ledger = Ledger.open(start.folder)
    store.take_stock(ledger.image_rows(kept=True))
    ledger.close()
    while True:
        store.make_room()
        _send_rows(channel, store)
        if not select.select([channel], [], [], HOUSEKEEPING_S)[0]:
            continue
        message = channel.receive()
        if message is None or isinstance(message, Stop):
            return
        if isinstance(message, MakeWay):
            store.make_way()
        elif isinstance(message, StoreImage):
            began_s = time.process_time()
            image = tray.read(message.slot)
            is_stored = image is not None and store.keep(message, encode_png(image))
            _send_rows(channel, store)  # first: nobody waits for anything once the tray is free
            channel.send(TrayFree(is_stored))
            time.sleep((time.process_time() - began_s) * (1 / start.images.core_share - 1))
        else:
            raise TypeError(f"the recorder sent {type(message).__name__}")


def _send_rows(channel: Channel, store: ImageStore) -> None:
    rows = store.take_rows()
    for first in range(0, len(rows), ROWS_PER_MESSAGE):
        channel.send(ImageRows(tuple(rows[first : first + ROWS_PER_MESSAGE])))


def main(arguments: Sequence[str]) -> int:
    """Runs as a process of the recorder: its process id; descriptors of the channel and the tray."""
    yield_to_everyone()  # before OpenCV starts its threads: they inherit it
    recorder_process, channel_descriptor, tray_descriptor = map(int, arguments)
    die_with_line(recorder_process)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    channel = Channel.inherited(channel_descriptor)
    start = channel.receive()
    if not isinstance(start, StartArchive):
        return 1
    with log_through_thread():
        serve(channel, Ring(tray_descriptor), start)
    return 0
