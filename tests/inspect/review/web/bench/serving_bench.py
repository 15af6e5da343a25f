"""A real bench on real records, behind a real server, for real browsers."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.review_queue import Queue
from taktsight.inspect.review.people.accounts import Account, Accounts
from taktsight.inspect.review.people.links import Links
from taktsight.inspect.review.people.roles import Role
from taktsight.inspect.review.people.sessions import Sessions
from taktsight.inspect.review.pictures.bundles import open_bundles
from taktsight.inspect.review.pictures.pictures import Pictures
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.web.address import Address
from taktsight.inspect.review.web.app import make_app
from taktsight.inspect.review.web.bench import Bench
from taktsight.inspect.review.web.cookies import session_cookie

PASSWORD = "quite a long passphrase 7"
PEOPLE = {"anna": Role.REVIEWER, "otto": Role.REVIEWER, "sue": Role.SUPERVISOR, "audrey": Role.AUDITOR}


@dataclass(frozen=True, slots=True)
class Serving:
    """A bench that is served."""

    bench: Bench
    url: str
    server: uvicorn.Server
    thread: threading.Thread

    def cookie_of(self, name: str) -> dict[str, str]:
        """A session of one of the people, as a browser keeps it."""
        account = Account(name, name.title(), PEOPLE[name], enabled=True)
        token = self.bench.sessions.begin(account, "127.0.0.1")
        return {"name": session_cookie(self.bench.address), "value": token, "url": self.url}

    def stop(self) -> None:
        """Ends the server, and lets go of the files."""
        self.server.should_exit = True
        self.thread.join(20)
        self.bench.stop()


def serve(records: Path, bundle: Path | None = None) -> Serving:
    """Serves a bench on a free port, with an account for each of PEOPLE."""
    listening = socket.create_server(("127.0.0.1", 0))
    address = Address("127.0.0.1", listening.getsockname()[1])
    bench = open_bench(records, address, bundle)
    configuration = uvicorn.Config(make_app(bench), log_level="warning", lifespan="off", access_log=False)
    server = uvicorn.Server(configuration)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    return Serving(bench, address.url, server, thread)


def open_bench(records: Path, address: Address, bundle: Path | None) -> Bench:
    """Everything that pages stand on."""
    review = records / "review"
    store = ReviewStore.open(review)
    accounts = Accounts(store)
    for name, role in PEOPLE.items():
        if accounts.of(name) is None:
            accounts.add("system", name, role, PASSWORD, name.title())
    index = PartIndex.open(records, review)
    while index.follow():
        pass
    bundles = open_bundles([bundle] if bundle else [])
    return Bench(
        records=records,
        address=address,
        store=store,
        accounts=accounts,
        links=Links(accounts),
        sessions=Sessions(store),
        index=index,
        queue=Queue(index, store, bundles=[each.bundle for each in bundles]),
        pictures=Pictures(index, bundles),
    )
