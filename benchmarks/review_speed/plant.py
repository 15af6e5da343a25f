"""A station's records as weeks of work leave them, a bench on them, and everything that its pages need.

Most parts are rows of a ledger alone; the newest ones have frames, and were looked at: there are decisions
of two people, an audit, and a study that nobody has finished.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from taktsight.benchmarks.review_speed.many_parts import write_many
from taktsight.inspect.review.audits.drawing import AuditAsked, draw_audit
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.people.accounts import Account, Accounts
from taktsight.inspect.review.people.roles import May, Role, may
from taktsight.inspect.review.people.sessions import Sessions
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.values import Choice, NewDecision, PartKey, Why
from taktsight.inspect.review.studies.book import Studies
from taktsight.inspect.review.web.address import Address
from taktsight.inspect.review.web.cookies import session_cookie
from taktsight.inspect.review.web.pages import PAGES
from taktsight.inspect.review.web.routes import Open
from taktsight.records import Outcome

PASSWORD = "kupfer winter lampe"
FRAMED = (Outcome.PASS, Outcome.REJECT, Outcome.PASS, Outcome.REVIEW, Outcome.PASS, Outcome.UNINSPECTED)
FRAMED_PARTS = 120
LOOKED_AT = 40
SIZE_PX = (480, 640)
FILES = frozenset({"export.json", "export.csv", "export.pdf", "{id}.csv", "looks.csv", "report.json"})
"""What is taken along and not looked at, by the end of its address."""


@dataclass(frozen=True, slots=True)
class Place:
    """One address of a route, and as whom it is asked for."""

    route: str
    path: str
    cookie: str
    is_page: bool
    """Whether a person looks at it: HTML, and no file or answer for a script."""

    @property
    def is_file(self) -> bool:
        """Whether it is taken along."""
        return self.route.rpartition("/")[2] in FILES


@dataclass(frozen=True, slots=True)
class Plant:
    """A bench that answers, and where it can be asked."""

    url: str
    places: tuple[Place, ...]
    """Every GET route but the stream, with one or more addresses of it."""

    def cookie(self, route: str) -> str:
        """Of somebody who may see a route."""
        return next(place.cookie for place in self.places if place.route == route)


@contextmanager
def plant(place: Path, parts: int) -> Iterator[Plant]:
    """Until it is left, a bench in a process of its own on so many parts."""
    from tests.inspect.review.records import make_records
    from tests.inspect.review.web.running_bench import running_bench
    from tests.inspect.review.web.served_records import certified_spots

    records = place / "records"
    write_many(records, parts)
    (records / "review" / "index.sqlite").unlink()  # the bench asks of its index what this one is not for
    certified_spots(place / "spots.takt")
    made = make_records(place, FRAMED * (FRAMED_PARTS // len(FRAMED)), size_px=SIZE_PX)
    keys = [PartKey(part.run, part.trigger) for part in made.parts]
    with ExitStack() as opened:
        store = opened.enter_context(closing(ReviewStore.open(records / "review")))
        index = opened.enter_context(closing(PartIndex.open(records, records / "review")))
        while index.follow():
            pass
        people = _people(store)
        study = _worked(store, index, keys)
        images = [frame.image_id for row in index.newest(20) for frame in row.frames.values()]
        bench = opened.enter_context(running_bench(records, "--bundle", str(made.bundle)))
        cookies = {role: _cookie(store, account, bench.url) for role, account in people.items()}
        yield Plant(bench.url, tuple(_places(cookies, _values(keys, images, study))))


def _people(store: ReviewStore) -> dict[Role, Account]:
    accounts = Accounts(store)
    return {
        role: accounts.add("system", role.value, role, PASSWORD, f"{role.value.title()} Berg")
        for role in Role
    }


def _worked(store: ReviewStore, index: PartIndex, keys: list[PartKey]) -> int:
    """What people did; the number of a study among it."""
    for who in ("reviewer", "engineer"):
        for key in keys[:LOOKED_AT]:
            is_passed = FRAMED[(key.trigger - 1) % len(FRAMED)] is Outcome.PASS
            choice = Choice.CONFIRM if is_passed else Choice.FALSE_REJECT
            new = NewDecision(key, choice, None, "", (), Why.REVIEW, True, str(uuid.uuid4()))
            store.decide(who, new)
    draw_audit(store, index, "supervisor", AuditAsked(parts=60, claim_ppm=100_000, seed=1))
    return _begun_study(Studies(store), keys[:12])


def _begun_study(studies: Studies, keys: list[PartKey]) -> int:
    """One of two has taken every look; the other one, who has the pages shown, none."""
    study = studies.plan(
        "supervisor",
        name="spots",
        parts=dict.fromkeys(keys, ""),
        appraisers=("reviewer", "engineer"),
        trials=2,
        seed=1,
        machine=True,
    )
    for due in study.looks_of("engineer"):
        studies.answer("engineer", study.id, due.code, "good", 1500)
    return study.id


def _cookie(store: ReviewStore, account: Account, url: str) -> str:
    name = session_cookie(Address(port=urlsplit(url).port or 0))
    return f"{name}={Sessions(store).begin(account, '127.0.0.1')}"


def _values(keys: list[PartKey], images: list[str], study: int) -> dict[str, list[str]]:
    """Route → addresses of it, where the route is not the address."""
    parts = [quote(str(key), safe="") for key in keys[-40:]]
    return {
        "/link/{token}": ["/link/a-link-that-nobody-was-given"],
        "/stations/{id}": ["/stations/press-4"],
        "/parts": ["/parts", "/parts?q=L0000", "/parts?outcome=REJECT"],
        "/audit/{id}.csv": [],
        **{
            f"/parts/{{id}}{end}": [f"/parts/{part}{end}" for part in parts]
            for end in ("", "/export.json", "/export.csv", "/export.pdf")
        },
        **{
            f"/studies/{{id:int}}{end}": [f"/studies/{study}{end}"]
            for end in ("", "/looks.csv", "/report.json", "/look")
        },
        "/studies/{id:int}/look/{code}/{view:int}.png": [],
        "/review": ["/review", "/review?why=reject", "/review?outcome=REVIEW"],
        "/review/{id}": [f"/review/{part}" for part in parts],
        "/api/next": ["/api/next?most=3"],
        "/api/parts/{id}": [f"/api/parts/{part}" for part in parts],
        "/api/search": ["/api/search?q=L0000"],
        **{f"/api/{what}/{{image}}": [f"/api/{what}/{each}" for each in images] for what in SAID},
        "/pictures/{image}/thumbnail": [f"/pictures/{each}/thumbnail" for each in images],
        "/pictures/{image}/tiles/{level}/{column}_{row}": [f"/pictures/{e}/tiles/9/0_0" for e in images],
        "/pictures/{image}/maps/{place}": [],
    }


SAID = ("overlay", "about", "nearest")


def _places(cookies: dict[Role, str], values: dict[str, list[str]]) -> Iterator[Place]:
    """Asked for by whoever may do least of those who may see it."""
    for page in PAGES:
        if page.method != "GET" or page.source is not None:
            continue
        needs = May.SEE if isinstance(page.needs, Open) else page.needs
        who = next(role for role in Role if may(role, needs))
        is_page = not page.path.startswith(("/api/", "/pictures/")) and not page.path.endswith(".png")
        for path in values.get(page.path, [page.path]):
            if "{" in path:
                raise KeyError(f"{page.path}: no address of it is known here; name one in _values")
            yield Place(page.path, path, cookies[who], is_page)
