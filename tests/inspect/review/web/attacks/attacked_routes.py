"""What attackers ask of every page: addresses, forms and bodies, made from the pages themselves."""

from __future__ import annotations

import random
import re
import socket
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from urllib.parse import quote, urlsplit

from taktsight.inspect.review.people.roles import May, Role, may
from taktsight.inspect.review.web.pages import PAGES
from taktsight.inspect.review.web.routes import Open, Page

from ..served_records import Served, key_of

_PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")
IN_PLACE = "PUT-IN-AS-IT-IS"
"""A value that stands for one that is no proper one."""
GETS = tuple(page for page in PAGES if page.method == "GET" and page.source is None)
STREAMS = tuple(page for page in PAGES if page.source is not None)
POSTS = tuple(page for page in PAGES if page.method == "POST")
ENDS_SESSION = "/logout"
EVIL = "evil.example"


def said(page: Page) -> str:
    """Its name in a report of tests."""
    return f"{page.method} {page.path}"


def parameters(page: Page) -> list[str]:
    """Names of what its address is filled with."""
    return [name for name, _ in _PARAMETER.findall(page.path)]


def address(page: Page, values: Mapping[str, str]) -> str:
    """Its address with these values; what has none is "x", or 1 where a number is wanted."""

    def filled(found: re.Match[str]) -> str:
        value = values.get(found[1], "x")
        is_fit = found[2] != "int" or value.isdigit() or value == IN_PLACE
        return quote(value, safe="") if is_fit else "1"

    return _PARAMETER.sub(filled, page.path)


def real_values(served: Served, page: Page) -> dict[str, str]:
    """Values that lead somewhere: a part, a bundle, somebody who does not matter."""
    key = str(key_of(served.made.parts[1]))
    values = {"id": key, "digest": "0" * 64, "name": "nobody", "level": "0", "column": "0", "row": "0"}
    return values | ({"id": "press-4"} if page.path.startswith("/stations") else {})


def is_allowed(role: Role, page: Page) -> bool:
    """What the table of permissions says."""
    return isinstance(page.needs, Open) or may(role, page.needs)


def is_private(page: Page) -> bool:
    """Whether nobody sees it without having signed in."""
    return page.needs is not Open.ANYONE


def needs_permission(page: Page) -> bool:
    """Whether a role decides who may."""
    return isinstance(page.needs, May)


def raw(served: Served, head: str, body: bytes = b"") -> bytes:
    """What comes back for bytes that no client library would send; ends with the connection."""
    place = urlsplit(served.url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=60) as wire:
        wire.sendall(head.encode("latin-1") + body)
        try:
            return b"".join(iter(lambda: wire.recv(65536), b""))
        except ConnectionResetError:
            return b""


class Addresses(HTMLParser):
    """Every address that a page has the browser ask for or go to, and the fields of its forms."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.fields: set[str] = set()
        self.scripts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        for name in ("src", "href", "action", "formaction", "srcset", "poster", "data", "xlink:href"):
            if values.get(name):
                self.found.append(values[name] or "")
        if tag in ("input", "select", "textarea") and values.get("name"):
            self.fields.add(values["name"] or "")
        if tag == "script" and not values.get("src"):
            self.scripts.append(tag)
        self.scripts += [name for name in values if name.startswith("on") or name == "style"]


def mutated(content: bytes, seed: int, most: int) -> Iterator[bytes]:
    """The content with bytes changed, cut out, doubled and put in; the same for the same seed."""
    rng = random.Random(seed)
    for _ in range(most):
        changed = bytearray(content)
        for _ in range(rng.randint(1, 6)):
            at, kind = rng.randrange(len(changed)), rng.randrange(4)
            if kind == 0:
                changed[at] = rng.randrange(256)
            elif kind == 1:
                del changed[at : at + rng.randint(1, 20)]
            elif kind == 2:
                changed[at:at] = changed[at : at + rng.randint(1, 40)]
            else:
                changed[at:at] = rng.choice([b"\r\n", b"\0", b"--x", b"\xff\xfe", b'"', b";", b"%00"])
            if not changed:
                changed = bytearray(b"-")
        yield bytes(changed)


def rows(served: Served) -> int:
    """Of the log, to see that nothing was done."""
    return len(served.store.log(0, 100_000))


def attacked(served: Served, page: Page) -> str:
    """The address of a page with values that lead somewhere."""
    return address(page, real_values(served, page))
