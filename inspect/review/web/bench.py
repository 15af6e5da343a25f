"""What every page reaches: people and what they wrote, parts, pictures, and the threads that work."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from taktsight.inspect.review.web.doubles import Doubles

if TYPE_CHECKING:
    from taktsight.inspect.review.people.accounts import Accounts
    from taktsight.inspect.review.people.links import Links
    from taktsight.inspect.review.people.sessions import Sessions
    from taktsight.inspect.review.pictures.bundles import BundleAtHand
    from taktsight.inspect.review.store.store import ReviewStore
    from taktsight.inspect.review.web.address import Address

Pool = Literal["pages", "pictures", "passwords"]
"""Where a page's work is done. Pictures do not hold up decisions, guessed passwords hold up neither."""
THREADS: dict[Pool, int] = {"pages": 8, "pictures": 4, "passwords": 2}
MOST_SAID = 1000


class Said:
    """Sentences that the next page of a session shows once. They are lost with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sentences: OrderedDict[str, str] = OrderedDict()

    def keep(self, session: str, sentence: str) -> None:
        """For the next page of the session; the oldest goes where there are too many."""
        with self._lock:
            self._sentences[session] = sentence
            while len(self._sentences) > MOST_SAID:
                self._sentences.popitem(last=False)

    def take(self, session: str) -> str:
        """What was kept; empty where nothing was."""
        with self._lock:
            return self._sentences.pop(session, "")


@dataclass(frozen=True, slots=True)
class Bench:
    """One review bench, on the records of one station."""

    records: Path
    """The folder that holds ledger.sqlite."""
    address: Address
    store: ReviewStore
    accounts: Accounts
    links: Links
    sessions: Sessions
    index: Any = None
    """PartIndex; None where the bench was started without parts, as tests of single pages do."""
    queue: Any = None
    pictures: Any = None
    shared: dict[str, Any] = field(default_factory=dict)
    """What some pages make once and keep, by name."""
    live: Any = None
    """Live, of the wall; None where there is no index."""
    bundles: tuple[BundleAtHand, ...] = ()
    """Those that the command line named, verified."""
    said: Said = field(default_factory=Said)
    doubles: Doubles = field(default_factory=Doubles)
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set once the bench stops: streams end at it."""
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    """Of this process: it makes the tokens of forms that are filled in before anybody signed in."""
    pools: dict[Pool, ThreadPoolExecutor] = field(
        default_factory=lambda: {
            name: ThreadPoolExecutor(threads, thread_name_prefix=f"review-{name}")
            for name, threads in THREADS.items()
        }
    )

    def stop(self) -> None:
        """Ends streams, waits for what is being done, and closes what is open."""
        self.stopping.set()
        for pool in self.pools.values():
            pool.shutdown(wait=True, cancel_futures=True)
        for part in (self.pictures, self.index, self.store):
            if part is not None:
                part.close()
