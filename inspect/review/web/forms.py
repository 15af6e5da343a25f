"""What a POST brings: fields of a form or one JSON value, never more than the page takes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive

MOST_BYTES = 64 * 1024
"""Of a request, where the page says nothing else."""
MOST_FIELDS = 200
BODY_S = 15.0
"""A body that takes longer is given up: somebody drips it in to hold the place."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields that were sent; all are text."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    json: Any = None
    """Where application/json was sent: what it says."""

    def text(self, name: str, most: int = 200) -> str:
        """A field without blanks around it; empty where it is missing.

        Raises:
            HTTPException: 400 if it is longer than ``most``.
        """
        value = self.raw(name, most).strip()
        if any(ord(letter) < 32 and letter not in "\n\r\t" for letter in value):
            raise HTTPException(400, "a field holds control characters")
        return value

    def raw(self, name: str, most: int = 200) -> str:
        """A field as it was sent, for passwords."""
        value = next(iter(self.fields.get(name, ())), "")
        if len(value) > most:
            raise HTTPException(400, f"field {name} is longer than {most} characters")
        return value

    def number(self, name: str) -> float:
        """A field as a number.

        Raises:
            HTTPException: 400 if it is none.
        """
        text = self.text(name, 40)
        try:
            return float(text)
        except ValueError:
            raise HTTPException(400, f"field {name} is no number") from None


async def read_form(request: Request, most_bytes: int) -> Form:
    """The body of a POST.

    Raises:
        HTTPException: 400 if it is none, 408 if it takes too long, 413 if it is too large, 415 if a page
            could not read it.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    limited = Request(request.scope, _limited(request.receive, most_bytes))
    try:
        if kind == "application/json":
            return await asyncio.wait_for(_json(limited), BODY_S)
        if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
            return await asyncio.wait_for(_fields(limited, most_bytes), BODY_S)
        if not kind and request.headers.get("content-length", "0") == "0":
            return Form()
    except asyncio.TimeoutError:
        raise HTTPException(408, "the request took too long") from None
    raise HTTPException(415, "send a form or JSON")


def _limited(receive: Receive, most_bytes: int) -> Receive:
    came = 0

    async def receive_some() -> Message:
        nonlocal came
        message = await receive()
        came += len(message.get("body", b""))
        if came > most_bytes:
            raise HTTPException(413, f"a request to this page has {most_bytes} bytes at most")
        return message

    return receive_some


async def _fields(request: Request, most_bytes: int) -> Form:
    sent: dict[str, list[str]] = {}
    try:
        async with request.form(max_files=0, max_fields=MOST_FIELDS, max_part_size=most_bytes) as form:
            for name, value in form.multi_items():
                if isinstance(value, str):
                    sent.setdefault(name, []).append(value)
    except UnicodeDecodeError:
        raise HTTPException(400, "a form is UTF-8") from None
    return Form(sent)


async def _json(request: Request) -> Form:
    try:
        return Form(json=json.loads(await request.body(), parse_constant=_refuse))
    except (ValueError, RecursionError):
        raise HTTPException(400, "the request is no JSON") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
