"""Settings: one's own language, theme, keys and password; and those of the bench, for whoever may."""

from __future__ import annotations

from dataclasses import asdict

from starlette.exceptions import HTTPException
from starlette.responses import Response

from taktsight.errors import ReviewError
from taktsight.inspect.review.people.accounts import LoginRefused
from taktsight.inspect.review.people.roles import May
from taktsight.inspect.review.store.settings import BOUNDS
from taktsight.inspect.review.web.cookies import session_cookie, set_cookie
from taktsight.inspect.review.web.keys import ACTIONS, NAMES, first_clash, is_key, keys_of
from taktsight.inspect.review.web.routes import Open, get, post
from taktsight.inspect.review.web.settings_said import SETTINGS
from taktsight.inspect.review.web.visit import Visit
from taktsight.inspect.review.web.words import LANGUAGES, N_, words_of

THEMES = {"auto": N_("As the computer has it"), "light": N_("Light"), "dark": N_("Dark")}


def show(visit: Visit) -> Response:
    """What holds now."""
    return _show(visit)


def choose_looks(visit: Visit) -> Response:
    """Language and theme."""
    language, theme = visit.form.text("language"), visit.form.text("theme")
    if language not in LANGUAGES or theme not in THEMES:
        raise HTTPException(400)
    _keep(visit, {"language": language, "theme": theme})
    return visit.go("/settings", words_of(language).gettext("Saved."))


def choose_keys(visit: Visit) -> Response:
    """Keys of the bench; two actions cannot share one."""
    gettext = visit.words.gettext
    if visit.form.text("all") == "default":
        _keep(visit, {"keys": {}})
        return visit.go("/settings#keys", gettext("Saved."))
    keys = {action.name: _key(visit.form.raw(f"key-{action.name}", 20)) for action in ACTIONS}
    said = {action.name: gettext(action.said) for action in ACTIONS}
    bad = next((name for name, key in keys.items() if not is_key(key)), None)
    clash = first_clash(keys)
    if bad is not None:
        return _show(visit, keys, gettext("“%(action)s” needs a key.") % {"action": said[bad]})
    if clash is not None:
        names = {"one": said[clash[0]], "other": said[clash[1]]}
        return _show(visit, keys, gettext("“%(one)s” and “%(other)s” have the same key.") % names)
    _keep(
        visit,
        {"keys": {action.name: keys[action.name] for action in ACTIONS if keys[action.name] != action.key}},
    )
    return visit.go("/settings#keys", gettext("Saved."))


def change_password(visit: Visit) -> Response:
    """Says the old one again; every other session of the account ends."""
    form, bench, gettext = visit.form, visit.bench, visit.words.gettext
    new = form.raw("password", 1024)
    if new != form.raw("again", 1024):
        return _show(visit, wrong_password=gettext("The two passwords are not the same."))
    try:
        account = bench.accounts.confirm(visit.name, form.raw("old", 1024), visit.address)
        bench.accounts.set_password(visit.name, visit.name, new)
    except LoginRefused as refused:
        wrong = gettext("The old password is wrong.") if not refused.wait_s else str(refused)
        return _show(visit, wrong_password=wrong)
    except ReviewError as error:
        return _show(visit, wrong_password=gettext(str(error)))
    answer = visit.go("/settings", gettext("Saved."))
    set_cookie(
        answer, bench.address, session_cookie(bench.address), bench.sessions.begin(account, visit.address)
    )
    return answer


def change_setting(visit: Visit) -> Response:
    """One setting of the bench, with the reason that the log keeps."""
    key = visit.form.text("key", 64)
    try:
        visit.bench.store.change_setting(
            visit.name, key, visit.form.number("value"), visit.form.text("reason", 500)
        )
    except ReviewError as error:
        return _show(visit, wrong_setting=str(error))
    return visit.go("/settings#bench", visit.words.gettext("Done. It stands in the log."))


def _show(
    visit: Visit,
    keys: dict[str, str] | None = None,
    wrong_keys: str = "",
    *,
    wrong_password: str = "",
    wrong_setting: str = "",
) -> Response:
    shown = keys_of(visit.keys) if keys is None else keys
    values = asdict(visit.bench.store.settings())
    return visit.page(
        "settings.html",
        422 if wrong_keys or wrong_password or wrong_setting else 200,
        themes=[(value, visit.words.gettext(said)) for value, said in THEMES.items()],
        keys=[
            (action.name, action.said, NAMES.get(shown[action.name], shown[action.name]))
            for action in ACTIONS
        ],
        settings=[(key, SETTINGS.get(key, key), values[key], *BOUNDS[key]) for key in BOUNDS],
        wrong_keys=wrong_keys,
        wrong_password=wrong_password,
        wrong_setting=wrong_setting,
    )


def _key(sent: str) -> str:
    """As a browser names it: → is ArrowRight."""
    drawn = {shown: name for name, shown in NAMES.items()}
    return drawn.get(sent, sent if sent == " " else sent.strip())


def _keep(visit: Visit, changes: dict[str, object]) -> None:
    kept = visit.bench.accounts.preferences(visit.name)
    visit.bench.accounts.set_preferences(visit.name, {**kept, **changes})


routes = [
    get("/settings", Open.SIGNED_IN, show),
    post("/settings/looks", Open.SIGNED_IN, choose_looks),
    post("/settings/keys", Open.SIGNED_IN, choose_keys),
    post("/settings/password", Open.SIGNED_IN, change_password, pool="passwords"),
    post("/settings/bench", May.CHANGE_SETTINGS, change_setting),
]
