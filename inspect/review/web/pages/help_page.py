"""Help: the keys, why parts stand in the queue, what verdicts mean, who may do what."""

from __future__ import annotations

from starlette.responses import Response

from taktsight.inspect.review.people.roles import Role, may
from taktsight.inspect.review.web.keys import ACTIONS, NAMES, keys_of
from taktsight.inspect.review.web.roles_said import PERMISSIONS, ROLES, WHYS
from taktsight.inspect.review.web.routes import Open, get
from taktsight.inspect.review.web.visit import Visit


def show(visit: Visit) -> Response:
    """With the keys as this person chose them."""
    keys = keys_of(visit.keys)
    return visit.page(
        "help.html",
        keys=[(NAMES.get(keys[action.name], keys[action.name]), action.said) for action in ACTIONS],
        whys=list(WHYS.values()),
        roles=list(ROLES.values()),
        permissions=[(said, [may(role, each) for role in Role]) for each, said in PERMISSIONS.items()],
    )


routes = [get("/help", Open.SIGNED_IN, show)]
