"""Opens what the pages stand on, for the records of one station."""

from __future__ import annotations

from pathlib import Path

from taktsight.errors import ConfigError
from taktsight.inspect.ledger import FILE
from taktsight.inspect.review.live.live import Live
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.people.accounts import Accounts
from taktsight.inspect.review.people.links import Links
from taktsight.inspect.review.people.sessions import Sessions
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.web.address import Address
from taktsight.inspect.review.web.bench import Bench

FOLDER = "review"
"""Below the records; the bench writes nowhere else."""


def open_accounts(records: Path) -> tuple[ReviewStore, Accounts]:
    """What people wrote, and who they are.

    Raises:
        ConfigError: If the folder holds no ledger.
        LedgerError: If the store cannot be opened.
    """
    if not (records / FILE).is_file():
        raise ConfigError(f"{records}: holds no {FILE}; name the folder of a station's records")
    store = ReviewStore.open(records / FOLDER)
    return store, Accounts(store)


def open_bench(records: Path, address: Address, station_file: Path | None = None) -> Bench:
    """Everything; :meth:`Bench.stop` closes it. A station file says takt, deadline, bands and meters.

    Raises:
        ConfigError: If the folder holds no ledger.
        LedgerError: If the store cannot be opened.
    """
    store, accounts = open_accounts(records)
    index = PartIndex.open(records, records / FOLDER)
    return Bench(
        records=records,
        address=address,
        store=store,
        accounts=accounts,
        links=Links(accounts),
        sessions=Sessions(store),
        index=index,
        live=Live(index, station_file),
    )
