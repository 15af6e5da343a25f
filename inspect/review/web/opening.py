"""Opens what the pages stand on, for the records of one station."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from taktsight.errors import ConfigError
from taktsight.inspect.ledger import FILE
from taktsight.inspect.review.live.live import Live
from taktsight.inspect.review.live.station_files import read_station_file
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.review_queue import Queue
from taktsight.inspect.review.people.accounts import Accounts
from taktsight.inspect.review.people.links import Links
from taktsight.inspect.review.people.sessions import Sessions
from taktsight.inspect.review.pictures.bundles import open_bundles, recipes_at_hand
from taktsight.inspect.review.pictures.examples import open_examples
from taktsight.inspect.review.pictures.pictures import Pictures
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


def open_bench(
    records: Path,
    address: Address,
    station_file: Path | None = None,
    bundles: Sequence[Path] = (),
    recipes: Sequence[Path] = (),
    allowed_keys: Sequence[Path] = (),
    examples: Path | None = None,
) -> Bench:
    """Everything; :meth:`Bench.stop` closes it.

    Args:
        records: the folder that holds ledger.sqlite.
        address: where the bench is reached.
        station_file: says takt, deadline, bands and meters.
        bundles: that may have judged: they draw overlays, and their certificates are shown.
        recipes: that they may have judged by.
        allowed_keys: of those who may sign bundles; without any nobody's signature is looked at.
        examples: a mask folder of training images.

    Raises:
        ConfigError: If the folder holds no ledger, a recipe is wrong, or there are no examples.
        BundleError: If a bundle is damaged, or signed by none of the keys.
        LedgerError: If the store cannot be opened.
    """
    at_hand = open_bundles(bundles, recipes, allowed_keys)
    known_recipes, trained = recipes_at_hand(at_hand), open_examples(examples)
    given = [each.bundle for each in at_hand]
    store, accounts = open_accounts(records)
    station = read_station_file(station_file).station if station_file is not None else None
    deadline_ms = station.deadline_ms if station is not None else None
    index = PartIndex.open(records, records / FOLDER, deadline_ms=deadline_ms)
    return Bench(
        records=records,
        address=address,
        store=store,
        accounts=accounts,
        links=Links(accounts),
        sessions=Sessions(store),
        index=index,
        queue=Queue(index, store, bundles=given, recipes=known_recipes, golden=given),
        pictures=Pictures(index, at_hand, trained),
        live=Live(index, station_file),
        bundles=at_hand,
    )
