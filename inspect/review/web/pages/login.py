"""Signing in and out; the first admin; a new password from a link that works once."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.responses import Response

from taktsight.errors import ReviewError
from taktsight.inspect.review.people.accounts import Account, LoginRefused
from taktsight.inspect.review.web.cookies import (
    drop_cookie,
    new_visitor,
    session_cookie,
    set_cookie,
    visitor_cookie,
)
from taktsight.inspect.review.web.drawing import home
from taktsight.inspect.review.web.routes import Open, get, post
from taktsight.inspect.review.web.visit import Visit
from taktsight.inspect.review.web.words import N_

WRONG = N_("Name or password is wrong, or the account is closed.")
TOO_MANY = N_("Too many tries. Please wait %(seconds)s s and try again.")
SPENT = N_("This link was used, has run out or never was one. Ask an admin for another.")


def show_login(visit: Visit) -> Response:
    """The sign-in page; whoever is signed in goes on."""
    if visit.session is not None:
        return visit.go(inner_path(visit.asked("next", 500)) or home(visit))
    return _form(visit, "login.html", next=inner_path(visit.asked("next", 500)), wrong="", name="")


def sign_in(visit: Visit) -> Response:
    """Begins a session; nothing that is said tells whether there is such an account."""
    name = visit.form.raw("name", 256)
    try:
        account = visit.bench.accounts.authenticate(name, visit.form.raw("password", 1024), visit.address)
    except LoginRefused as refused:
        text = visit.words.gettext(TOO_MANY if refused.wait_s else WRONG)
        wrong = text % {"seconds": refused.wait_s} if refused.wait_s else text
        status = 429 if refused.wait_s else 401
        answer = _form(visit, "login.html", status, next=_next(visit), wrong=wrong, name=name)
        if refused.wait_s:
            answer.headers["Retry-After"] = str(refused.wait_s)
        return answer
    return _begin(visit, account, _next(visit) or "/login")


def sign_out(visit: Visit) -> Response:
    """Ends the session, at the server too."""
    visit.bench.sessions.end(visit.token)
    answer = visit.go("/login")
    drop_cookie(answer, visit.bench.address, session_cookie(visit.bench.address))
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


def show_link(visit: Visit) -> Response:
    """What a link is for. Looking at it does not use it up: mail scanners look at links."""
    link = visit.bench.links.look(visit.path("token"))
    if link is None:
        raise HTTPException(404, SPENT)
    return _form(visit, "link.html", link=link, wrong="", name="", full_name="")


def use_link(visit: Visit) -> Response:
    """Makes the first admin, or sets the password, and signs in."""
    token, form = visit.path("token"), visit.form
    link = visit.bench.links.look(token)
    if link is None:
        raise HTTPException(404, SPENT)
    name, full_name = form.text("name", 64), form.text("full_name", 200)
    password = form.raw("password", 1024)
    wrong = ""
    if password != form.raw("again", 1024):
        wrong = visit.words.gettext("The two passwords are not the same.")
    else:
        try:
            account = visit.bench.links.redeem(token, password, name, full_name)
        except ReviewError as error:
            wrong = str(error)
    if wrong:
        return _form(visit, "link.html", 422, link=link, wrong=wrong, name=name, full_name=full_name)
    return _begin(visit, account, "/login")


def inner_path(asked: str) -> str:
    """The path, if it is one of ours; a link must not lead from here to elsewhere."""
    parts = urlsplit(asked)
    is_ours = asked.startswith("/") and not asked.startswith("//") and not parts.scheme and not parts.netloc
    return asked if is_ours and "\\" not in asked and asked.isprintable() else ""


def _next(visit: Visit) -> str:
    return inner_path(visit.form.raw("next", 500))


def _begin(visit: Visit, account: Account, path: str) -> Response:
    """A new token at every sign-in: one that somebody planted before is worth nothing."""
    address = visit.bench.address
    answer = visit.go(path)
    set_cookie(answer, address, session_cookie(address), visit.bench.sessions.begin(account, visit.address))
    drop_cookie(answer, address, visitor_cookie(address))
    return answer


def _form(visit: Visit, template: str, status: int = 200, **values: object) -> Response:
    """A form for somebody who is not signed in, bound to a cookie of the browser's."""
    made = "" if visit.token else new_visitor()
    answer = (replace(visit, token=made) if made else visit).page(template, status, **values)
    if made:
        set_cookie(answer, visit.bench.address, visitor_cookie(visit.bench.address), made)
    return answer


routes = [
    get("/login", Open.ANYONE, show_login),
    post("/login", Open.ANYONE, sign_in, pool="passwords"),
    post("/logout", Open.SIGNED_IN, sign_out),
    get("/link/{token}", Open.ANYONE, show_link),
    post("/link/{token}", Open.ANYONE, use_link, pool="passwords"),
]
