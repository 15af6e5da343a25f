"""A bench in this process, with parts, people and decisions: a test computes its numbers again."""

from __future__ import annotations

import re
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn

from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.people.accounts import Accounts
from taktsight.inspect.review.people.links import Links
from taktsight.inspect.review.people.passwords import Work
from taktsight.inspect.review.people.roles import Role
from taktsight.inspect.review.people.sessions import Sessions
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.values import Choice, Decision, NewDecision, PartKey, Why
from taktsight.inspect.review.web.address import Address
from taktsight.inspect.review.web.app import make_app
from taktsight.inspect.review.web.bench import Bench
from taktsight.inspect.review.web.cookies import session_cookie
from taktsight.records import Outcome

from ..records import OUTCOMES, MadeRecords, make_records

PASSWORD = "kupfer winter lampe"
PEOPLE = {
    "anna": Role.REVIEWER,
    "ben": Role.REVIEWER,
    "carla": Role.SUPERVISOR,
    "emil": Role.ENGINEER,
    "otto": Role.AUDITOR,
}
PATTERN = (*OUTCOMES, *([Outcome.PASS] * 18))
"""Of thirty parts in a row: 25 pass, two are rejected, two unsure, and one was not inspected."""


@dataclass(frozen=True, slots=True)
class ServedBench:
    """A bench that answers, and what stands behind it."""

    bench: Bench
    records: MadeRecords
    opened: ExitStack
    """Closes the browsers."""

    @property
    def url(self) -> str:
        """Where it is."""
        return self.bench.address.url

    def cookie(self, name: str) -> dict[str, str]:
        """Of a new session of somebody."""
        account = self.bench.accounts.of(name)
        assert account
        return {session_cookie(self.bench.address): self.bench.sessions.begin(account, "test")}

    def client(self, name: str = "") -> httpx.Client:
        """A browser of somebody's; of nobody's without a name."""
        cookies = self.cookie(name) if name else {}
        headers = {"accept": "text/html", "accept-language": "en"}
        client = httpx.Client(
            base_url=self.url, cookies=cookies, headers=headers, trust_env=False, timeout=60
        )
        return self.opened.enter_context(client)

    def decide(
        self,
        who: str,
        part: PartKey,
        truth: str,
        *,
        why: Why = Why.REJECT,
        blind: bool = False,
        choice: Choice | None = None,
    ) -> Decision:
        """Somebody says what a part is."""
        usual = Choice.FALSE_REJECT if truth == "good" else Choice.MISSED_DEFECT
        made = self.bench.store.decisions_of(part)
        new = NewDecision(
            part=part,
            choice=choice or usual,
            label=None if truth == "good" else truth,
            note="",
            marks=(),
            why=why,
            blind=blind,
            request_id=str(uuid.uuid4()),
            seen=made[-1].id if made else 0,
        )
        return self.bench.store.decide(who, new)

    def keys(self, outcome: Outcome) -> list[PartKey]:
        """Parts of this outcome, in order."""
        return [PartKey(part.run, part.trigger) for part in self.records.of(outcome)]


@contextmanager
def served_bench(place: Path, outcomes: Sequence[Outcome] = PATTERN * 8) -> Iterator[ServedBench]:
    """Until it is left, a bench on new records of 240 parts, with people of every role but an admin."""
    records = make_records(place, outcomes)
    review = records.folder / "review"
    listening = socket.create_server(("127.0.0.1", 0))
    store = ReviewStore.open(review, work=Work(memory_kib=64, passes=1))
    accounts = Accounts(store)
    accounts.add("console", "ines", Role.ADMIN, PASSWORD, "Inês Almeida")
    for name, role in PEOPLE.items():
        accounts.add("ines", name, role, PASSWORD, name.title())
    index = PartIndex.open(records.folder, review)
    while index.follow():
        pass
    bench = Bench(
        records=records.folder,
        address=Address("127.0.0.1", listening.getsockname()[1]),
        store=store,
        accounts=accounts,
        links=Links(accounts),
        sessions=Sessions(store),
        index=index,
    )
    server = uvicorn.Server(
        uvicorn.Config(make_app(bench), lifespan="off", log_config=None, access_log=False, http="h11")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        assert server.started
        with ExitStack() as opened:
            yield ServedBench(bench, records, opened)
    finally:
        server.should_exit = True
        thread.join(20)
        bench.stop()


def posted(
    client: httpx.Client, path: str, fields: Mapping[str, str | Sequence[str]], page: str
) -> httpx.Response:
    """Sends a form as the page has it, with its token."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get(page).text)
    assert found, page
    return client.post(path, data={**fields, "csrf": found[1]})
