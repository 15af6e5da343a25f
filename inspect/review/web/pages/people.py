"""Accounts: who has one, with which role; new ones, closed ones, links for lost passwords."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.responses import Response

from taktsight.errors import ReviewError
from taktsight.inspect.review.people.roles import May, Role
from taktsight.inspect.review.web.roles_said import ROLES
from taktsight.inspect.review.web.routes import get, post
from taktsight.inspect.review.web.visit import Visit
from taktsight.inspect.review.web.words import N_

LINK_SAID = N_("Give this link to %(name)s. It works once, within 24 hours: %(link)s")


def show(visit: Visit) -> Response:
    """Everybody."""
    return _show(visit)


def add(visit: Visit) -> Response:
    """A new account. Its password nobody knows: the link lets its owner choose one."""
    form, bench = visit.form, visit.bench
    name = form.text("name", 64)
    try:
        bench.accounts.add(
            visit.name, name, _role(visit), secrets.token_urlsafe(32), form.text("full_name")
        )
    except ReviewError as error:
        return _show(visit, str(error), 422)
    return _with_link(visit, name)


def change_role(visit: Visit) -> Response:
    """Another role, from the next request on."""
    return _done(
        visit, lambda: visit.bench.accounts.set_role(visit.name, _whose(visit), _role(visit), _why(visit))
    )


def close(visit: Visit) -> Response:
    """Nobody signs in with it any more; what was written stays."""
    return _done(visit, lambda: visit.bench.accounts.disable(visit.name, _whose(visit), _why(visit)))


def reopen(visit: Visit) -> Response:
    """It can be signed in with again."""
    return _done(visit, lambda: visit.bench.accounts.enable(visit.name, _whose(visit), _why(visit)))


def make_link(visit: Visit) -> Response:
    """For whoever lost a password."""
    return _with_link(visit, _whose(visit))


def _show(visit: Visit, wrong: str = "", status: int = 200) -> Response:
    roles = [(role.value, visit.words.gettext(said)) for role, said in ROLES.items()]
    return visit.page("people.html", status, people=visit.bench.accounts.all(), roles=roles, wrong=wrong)


def _done(visit: Visit, change: Callable[[], None]) -> Response:
    try:
        change()
    except ReviewError as error:
        return _show(visit, str(error), 422)
    return visit.go("/people", visit.words.gettext("Done. It stands in the log."))


def _with_link(visit: Visit, name: str) -> Response:
    token = visit.bench.links.reset(visit.name, name)
    link = f"{visit.request.url.scheme}://{visit.request.url.netloc}/link/{token}"
    return visit.go("/people", visit.words.gettext(LINK_SAID) % {"name": name, "link": link})


def _whose(visit: Visit) -> str:
    name = visit.path("name")
    if visit.bench.accounts.of(name) is None:
        raise HTTPException(404)
    return name


def _role(visit: Visit) -> Role:
    try:
        return Role(visit.form.text("role"))
    except ValueError:
        raise HTTPException(400, "there is no such role") from None


def _why(visit: Visit) -> str:
    return visit.form.text("reason", 500)


routes = [
    get("/people", May.MANAGE_PEOPLE, show),
    post("/people", May.MANAGE_PEOPLE, add, pool="passwords"),
    post("/people/{name}/role", May.MANAGE_PEOPLE, change_role),
    post("/people/{name}/close", May.MANAGE_PEOPLE, close),
    post("/people/{name}/reopen", May.MANAGE_PEOPLE, reopen),
    post("/people/{name}/link", May.MANAGE_PEOPLE, make_link),
]
