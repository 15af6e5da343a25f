"""What holds for every answer, whatever page made it: hosts, headers, caching."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taktsight.inspect.review.web.words import N_

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
MOST_HEADER_BYTES = 16 * 1024
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Not no-referrer: browsers then send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(:[0-9]{1,5})?")


class Guard:
    """Refuses strange hosts, and gives every answer the headers it has to carry."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        """``names``: host names that this machine is called by; its numeric addresses are always right."""
        self._app = app
        self._names = frozenset(name.lower().rstrip(".") for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEADER_BYTES:
            await PlainTextResponse("Too many headers.\n", 431)(scope, receive, send_guarded)
            return
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) == 1 and is_known_host(hosts[0], self._names):
            await self._app(scope, receive, send_guarded)
        else:
            refused = PlainTextResponse(
                "This is not the name of this machine. Start the bench with --name to allow it.\n", 421
            )
            await refused(scope, receive, send_guarded)


def is_known_host(host: str, names: Collection[str]) -> bool:
    """Whether a Host header names this machine.

    A page of somebody else can have its own name resolve to our address (DNS rebinding) and then read what
    we answer; a numeric address it cannot bend.
    """
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = match[1].lower().strip("[]")
    if name.rstrip(".") in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def check_origin(request: Request) -> None:
    """Whether a POST comes from a page of ours; the CSRF token is checked besides.

    Raises:
        HTTPException: 403 if the browser says that it comes from elsewhere.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    is_ours = origin is None or urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()
    if site not in (None, "same-origin", "none") or not is_ours:
        raise HTTPException(403, N_("The form was sent from another site."))
