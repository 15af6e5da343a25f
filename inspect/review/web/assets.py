"""Style sheets, scripts and their like, under an address that changes with what they hold.

They are read once, at start: no path of a request ever reaches the disk.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER = Path(__file__).with_name("static")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
}
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, as it is and packed."""

    content: bytes
    packed: bytes
    media_type: str


@cache
def assets() -> dict[str, Asset]:
    """Name below ``static/`` → file."""
    found = {}
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file() and path.suffix in TYPES:
            content = path.read_bytes()
            packed = gzip.compress(content, 9, mtime=0)
            found[path.relative_to(FOLDER).as_posix()] = Asset(content, packed, TYPES[path.suffix])
    return found


@cache
def version() -> str:
    """Of all of them together: scripts import each other, so they change together."""
    digest = hashlib.sha256()
    for name, each in assets().items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(each.content).digest())
    return digest.hexdigest()[:12]


def asset(name: str) -> str:
    """Address of a file below ``static/``.

    Raises:
        KeyError: If there is none.
    """
    if name not in assets():
        raise KeyError(f"static/{name}: there is no such file")
    return f"/static/{version()}/{name}"


async def _serve(request: Request) -> Response:
    found = assets().get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    is_current = request.path_params["version"] == version()
    headers = {"Cache-Control": FOR_EVER if is_current else "no-store", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(found.packed, headers=headers, media_type=found.media_type)
    return Response(found.content, headers=headers, media_type=found.media_type)


ROUTE = Route("/static/{version}/{name:path}", _serve)
"""Open to anyone: there is nothing of the plant in it."""
