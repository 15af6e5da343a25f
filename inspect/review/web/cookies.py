"""The two cookies: of a session, and of a visitor who has none yet. No page's script can read either."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

if TYPE_CHECKING:
    from taktsight.inspect.review.web.address import Address

_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,200}")


def session_cookie(address: Address) -> str:
    """Name of the cookie that holds the session's token.

    Browsers keep cookies by host, not by port: the port stands in the name, for two benches on one machine.
    ``__Host-`` has the browser refuse it from anywhere but this host over TLS.
    """
    return f"{'__Host-' if address.is_tls else ''}taktsight-{address.port}"


def visitor_cookie(address: Address) -> str:
    """Name of the cookie that the forms before the sign-in are bound to."""
    return f"{session_cookie(address)}-visitor"


def visitor_of(address: Address, request: Request) -> str:
    """Token of a visitor who is not signed in; empty where the browser sent none."""
    token = request.cookies.get(visitor_cookie(address), "")
    return token if _TOKEN.fullmatch(token) else ""


def new_visitor() -> str:
    """A token for a visitor."""
    return secrets.token_urlsafe(24)


def set_cookie(response: Response, address: Address, name: str, value: str) -> None:
    """Until the browser is closed; sent with requests of our own pages alone."""
    response.set_cookie(name, value, secure=address.is_tls, httponly=True, samesite="strict")


def drop_cookie(response: Response, address: Address, name: str) -> None:
    """The browser forgets it."""
    response.delete_cookie(name, secure=address.is_tls, httponly=True, samesite="strict")
