"""One request, as a page sees it: who asks, what was sent, and how to answer."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from taktsight.inspect.review.people.roles import May, may
from taktsight.inspect.review.people.sessions import Session
from taktsight.inspect.review.web.bench import Bench
from taktsight.inspect.review.web.cookies import session_cookie, visitor_of
from taktsight.inspect.review.web.drawing import draw
from taktsight.inspect.review.web.forms import Form
from taktsight.inspect.review.web.words import LANGUAGES, N_, Words, wanted_language, words_of


class Stranger(Exception):  # noqa: N818  # nobody's mistake
    """Nobody is signed in, and the page wants somebody."""

    def answer(self, request: Request) -> Response:
        """The sign-in page for whoever reads pages; 401 for a script."""
        wants_page = "text/html" in request.headers.get("accept", "")
        if request.method != "GET" or not wants_page:
            return JSONResponse({"error": "sign in"}, 401)
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(here, safe='/')}", 303)


@dataclass(frozen=True, slots=True)
class Visit:
    """A request whose session is known."""

    bench: Bench
    request: Request
    session: Session | None
    token: str
    """What the browser's cookie holds: the session's, or the visitor's who has none."""
    form: Form
    words: Words
    theme: str
    """"light", "dark", or "auto" as the computer has it."""
    keys: dict[str, str]
    """Action → key, where a person chose another one."""

    @property
    def who(self) -> Session:
        """Whoever is signed in.

        Raises:
            HTTPException: 401 if nobody is.
        """
        if self.session is None:
            raise HTTPException(401)
        return self.session

    @property
    def name(self) -> str:
        """Account name of whoever is signed in: the ``actor`` of everything that is written."""
        return self.who.name

    @property
    def address(self) -> str:
        """Where the request comes from."""
        return self.request.client.host if self.request.client else ""

    @property
    def csrf(self) -> str:
        """What every form of this visit carries in its field ``csrf``."""
        if self.session is not None:
            return self.session.csrf
        return hmac.new(self.bench.secret, self.token.encode(), hashlib.sha256).hexdigest()

    def may(self, permission: May) -> bool:
        """Whether whoever is signed in may do it."""
        return self.session is not None and may(self.session.role, permission)

    def demand(self, permission: May) -> None:
        """Goes on only if it is allowed.

        Raises:
            HTTPException: 403 if it is not.
        """
        if not self.may(permission):
            raise HTTPException(403)

    def check_token(self) -> None:
        """Whether the form is one that this session was given.

        Raises:
            HTTPException: 403 if it is not.
        """
        sent = self.request.headers.get("x-csrf-token") or self.form.raw("csrf")
        if not self.token or not hmac.compare_digest(sent.encode(), self.csrf.encode()):
            raise HTTPException(403, N_("The page was open for too long. Load it again."))

    def is_still_signed_in(self) -> bool:
        """Whether the session goes on: for pages that are open for hours."""
        return self.bench.sessions.of(self.token) is not None

    def asked(self, name: str, most: int = 200) -> str:
        """A value of the address after ``?``, without blanks around it; empty where there is none."""
        return self.request.query_params.get(name, "").strip()[:most]

    def asked_number(self, name: str, default: int = 0, most: int = (1 << 62)) -> int:
        """A whole number ≥ 0 of the address after ``?``; the default where there is none."""
        text = self.asked(name, 20)
        return min(int(text), most) if text.isascii() and text.isdigit() else default

    def path(self, name: str) -> str:
        """A value of the address itself: ``{id}``."""
        return str(self.request.path_params[name])

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A template of ``templates/`` as the answer. It knows the visit as ``visit``."""
        return HTMLResponse(draw(self, template, values), status)

    def go(self, path: str, said: str = "") -> Response:
        """To another page, as a browser does after every form; ``said`` is shown there once."""
        if said:
            self.bench.said.keep(self.csrf, said)
        return RedirectResponse(path, 303)

    def json(self, value: Any, status: int = 200) -> Response:
        """For scripts."""
        return JSONResponse(value, status)


def open_visit(bench: Bench, request: Request, form: Form | None) -> Visit:
    """Finds out who asks. It reads the store: call it in a pool."""
    token = request.cookies.get(session_cookie(bench.address), "")
    session = bench.sessions.of(token) if token else None
    if session is None:
        token = visitor_of(bench.address, request)
    chosen = bench.accounts.preferences(session.name) if session else {}
    language = chosen.get("language", "")
    if language not in LANGUAGES:
        asked = request.query_params.get("language", "")
        language = (
            asked if asked in LANGUAGES else wanted_language(request.headers.get("accept-language", ""))
        )
    return Visit(
        bench=bench,
        request=request,
        session=session,
        token=token,
        form=form or Form(),
        words=words_of(language),
        theme=chosen.get("theme", "auto"),
        keys=dict(chosen.get("keys", {})),
    )
