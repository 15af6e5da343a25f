"""A bench on records that a certified bundle judged, and people of every role, signed in already."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx

from taktsight.bundle import read_bundle, write_bundle
from taktsight.inspect.review.people.accounts import Accounts
from taktsight.inspect.review.people.roles import Role
from taktsight.inspect.review.people.sessions import Sessions
from taktsight.inspect.review.store.book import SECRET
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.values import Choice, Decision, NewDecision, PartKey, Why
from taktsight.inspect.review.web.address import Address
from taktsight.inspect.review.web.cookies import session_cookie
from taktsight.quality.certifying import certify
from taktsight.quality.claims import Wanted
from taktsight.quality.issuing import Subject, issue

from ....quality.certified import EVIDENCE, spot_parts
from ...spots import spot_bundle
from ..records import VIEWS, MadePart, MadeRecords, make_records
from .running_bench import PASSWORD, RunningBench, running_bench, token

NONE_COMES_BACK = b"none of the first comes back 818"
"""A folder's secret by which the first 19 decisions are no blind doubles: a page may hide those."""


@dataclass(slots=True)
class Served:
    """A bench that answers, what it stands on, and its people."""

    running: RunningBench
    made: MadeRecords
    store: ReviewStore
    people: dict[str, httpx.Client]
    """Role → somebody of that role, whose name it is."""

    @property
    def url(self) -> str:
        """Where it is."""
        return self.running.url

    def cookie(self, role: str) -> dict[str, str]:
        """The session, as a browser keeps it."""
        name, value = next(iter(self.people[role].cookies.items()))
        return {"name": name, "value": value, "url": self.url}

    def decide(
        self, who: str, part: MadePart, choice: Choice = Choice.CONFIRM, *, why: Why = Why.REJECT,
        blind: bool = False, note: str = "",
    ) -> Decision:  # fmt: skip
        """A decision as the bench writes it."""
        key = key_of(part)
        seen = max((each.id for each in self.store.decisions_of(key)), default=0)
        label = "spot" if choice is Choice.MISSED_DEFECT else None
        new = NewDecision(key, choice, label, note, (), why, blind, str(uuid.uuid4()), seen, 900)
        return self.store.decide(who, new)

    def sign(self, role: str, part: MadePart, **changes: str) -> httpx.Response:
        """Signs a part by the form of its page."""
        path = path_of(part)
        client = self.people[role]
        fields = {
            "csrf": token(client, path),
            "digest": self.store.digest_of_part(key_of(part)),
            "meaning": "reviewed",
            "password": PASSWORD,
        }
        return client.post(f"{path}/sign", data=fields | changes)


def key_of(part: MadePart) -> PartKey:
    """Its name."""
    return PartKey(part.run, part.trigger)


def path_of(part: MadePart) -> str:
    """Where its page is."""
    return f"/parts/{quote(str(key_of(part)), safe='')}"


def certified_spots(path: Path) -> Path:
    """A bundle of the spot model with a certificate, whose limits on the card are looser than certified."""
    plain = read_bundle(spot_bundle(path.with_suffix(".plain"), views=VIEWS))
    recipe, wanted = plain.card.own_recipe(), Wanted()
    day, parts = date(2026, 11, 26), "made-up parts"
    subject = Subject(plain, recipe, "onnxruntime:f32", "f32", (EVIDENCE,), parts, day)
    certificate = issue(certify(spot_parts(), wanted), subject, wanted)
    write_bundle(path, plain.card, plain.model, plain.golden, certificate=certificate)
    return path


@contextmanager
def serving(place: Path, *options: str, with_bundle: bool = True) -> Iterator[Served]:
    """A bench of its own, until it is left."""
    made = make_records(place)
    (made.folder / "review").mkdir()
    (made.folder / "review" / SECRET).write_bytes(NONE_COMES_BACK)
    store = ReviewStore.open(made.folder / "review")
    accounts = Accounts(store)
    with ExitStack() as stack:
        stack.callback(store.close)
        bundle = ("--bundle", str(made.bundle)) if with_bundle else ()
        for role in Role:
            accounts.add("system", role.value, role, PASSWORD, f"{role.value.title()} Berg")
        running = stack.enter_context(running_bench(made.folder, *bundle, *options))
        people = {role.value: stack.enter_context(_client(running, store, accounts, role)) for role in Role}
        yield Served(running, made, store, people)


def _client(running: RunningBench, store: ReviewStore, accounts: Accounts, role: Role) -> httpx.Client:
    account = accounts.of(role.value)
    assert account
    name = session_cookie(Address(port=urlsplit(running.url).port or 0))
    return running.client(cookies={name: Sessions(store).begin(account, "127.0.0.1")})
