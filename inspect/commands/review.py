"""The review bench: a web page where QA sees, decides and signs, beside a line that never notices it.

    taktsight review records/                    # prints where it is, and at first a link that works once
    taktsight review station.yaml                # the records of this station, and its bundle
    taktsight review records/ --bundle flange.taktsight    # draws what it found, shows its certificate
    taktsight review records/ --bundle flange.taktsight --examples learn/    # and training images beside it
    taktsight review records/ --host 0.0.0.0 --tls-cert bench.pem --tls-key bench.key
    taktsight review add-user records/ anna --role supervisor    # prints a link to choose a password with
    taktsight review reset-link records/ anna    # for a lost password

Ctrl-C or SIGTERM stops it; whatever a page said is written was on the disk by then. Other machines reach it
only with --host, and should do so over TLS: without it passwords cross the network readable.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from taktsight.errors import ConfigError
from taktsight.inspect.realtime import yield_to_everyone

if TYPE_CHECKING:
    from taktsight.inspect.review.web.address import Address

CONSOLE = "console"
"""Who acts in the log where somebody works at the machine itself."""
ACTIONS = ("add-user", "reset-link")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The records, and where the page is reached."""
    parser.usage = "taktsight review [add-user | reset-link] RECORDS | STATION.yaml [NAME] [options]"
    parser.add_argument(
        "what", nargs="+", metavar="RECORDS", help="a folder that holds ledger.sqlite, or a station"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine alone)"
    )
    parser.add_argument(
        "--port", type=int, default=8470, help="port to listen on (8470); 0 takes a free one"
    )
    parser.add_argument(
        "--name", action="append", default=[], help="a host name that browsers may use; repeatable"
    )
    parser.add_argument(
        "--bundle", type=Path, action="append", default=[], help="that judged the parts; repeatable"
    )
    parser.add_argument(
        "--recipe", type=Path, action="append", default=[], help="that they were judged by; repeatable"
    )
    parser.add_argument(
        "--allowed-key", type=Path, action="append", default=[], help="of a signer of bundles; repeatable"
    )
    parser.add_argument(
        "--examples",
        type=Path,
        metavar="FOLDER",
        help="training images: a mask folder of 'data convert'",
    )
    parser.add_argument("--open", action="store_true", help="open it in this machine's browser too")
    parser.add_argument("--tls-cert", type=Path, metavar="PEM", help="certificate with its chain")
    parser.add_argument("--tls-key", type=Path, metavar="PEM", help="private key of the certificate")
    roles = ("reviewer", "supervisor", "engineer", "auditor", "admin")
    parser.add_argument("--role", choices=roles, default="reviewer", help="of a new account (reviewer)")
    parser.add_argument("--full-name", default="", help="of a new account; stands beside signatures")


def main(arguments: argparse.Namespace) -> int:
    """Exit status 0 after a clean stop."""
    if arguments.what[0] not in ACTIONS:
        yield_to_everyone()  # first: imports take seconds of a core, and all that is started inherits it
    _check_installed()
    action, records, names = _asked(arguments.what)
    if (arguments.tls_cert is None) != (arguments.tls_key is None):
        raise ConfigError("--tls-cert and --tls-key go together")
    if action:
        return _make_link(arguments, action, records, names)
    if names:
        raise ConfigError(f"{names[0]}: one folder of records is wanted")
    return _serve(arguments, records)


def _asked(what: Sequence[str]) -> tuple[str, Path, list[str]]:
    action = what[0] if what[0] in ACTIONS else ""
    rest = list(what[1:] if action else what)
    if not rest:
        raise ConfigError(f"{action}: the folder of records is wanted")
    return action, _records_of(Path(rest[0])), rest[1:]


def _records_of(path: Path) -> Path:
    if path.suffix not in (".yaml", ".yml"):
        return path
    from taktsight.inspect.config import load_station

    return load_station(path).records.folder


def _station_file(path: str) -> Path | None:
    """The station that was named; None where a folder of records was."""
    return Path(path) if path.endswith((".yaml", ".yml")) else None


def _judges(
    station_file: Path | None, bundles: list[Path], recipes: list[Path]
) -> tuple[list[Path], list[Path]]:
    """Bundles and recipes that were named; the station's own where it is named and none of them was."""
    if station_file is None or bundles:
        return bundles, recipes
    from taktsight.inspect.config import load_station

    station = load_station(station_file)
    own = [] if station.recipe is None else [station.recipe]
    return ([station.bundle] if station.bundle.is_file() else []), recipes or own


def _serve(arguments: argparse.Namespace, records: Path) -> int:
    from taktsight.inspect.review.web.opening import open_bench
    from taktsight.inspect.review.web.serving import listen, serve

    station_file = _station_file(arguments.what[0])
    bundles, recipes = _judges(station_file, arguments.bundle, arguments.recipe)
    address, listening = listen(_address(arguments))
    bench = open_bench(
        records, address, station_file, bundles, recipes, arguments.allowed_key, arguments.examples
    )
    first = "" if bench.accounts.all() else f"/link/{bench.links.first_admin()}"
    said = f"review bench: {address.url}{first}"
    if first:
        said += "   (make the first account with this link; it works once, within 24 hours)"

    def ready() -> None:
        print(said, flush=True)
        if arguments.open:
            webbrowser.open(address.url + first)

    serve(bench, listening, ready)
    return 0


def _address(arguments: argparse.Namespace) -> Address:
    from taktsight.inspect.review.web.address import Address, own_names

    names = own_names() | {name.lower() for name in arguments.name}
    if arguments.host not in ("127.0.0.1", "::1", "localhost") and arguments.tls_cert is None:
        print("review bench: no TLS: passwords cross the network readable; see --tls-cert", file=sys.stderr)
    return Address(arguments.host, arguments.port, arguments.tls_cert, arguments.tls_key, names)


def _make_link(arguments: argparse.Namespace, action: str, records: Path, names: Sequence[str]) -> int:
    from taktsight.inspect.review.people.links import Links
    from taktsight.inspect.review.people.roles import Role
    from taktsight.inspect.review.web.opening import open_accounts

    if len(names) != 1:
        raise ConfigError(f"{action}: the records and one name are wanted")
    store, accounts = open_accounts(records)
    try:
        if action == "add-user":
            unknown = secrets.token_urlsafe(32)
            accounts.add(CONSOLE, names[0], Role(arguments.role), unknown, arguments.full_name)
        token = Links(accounts).reset(CONSOLE, names[0])
    finally:
        store.close()
    print(f"{_address(arguments).url}/link/{token}   (works once, within 24 hours)")
    return 0


def _check_installed() -> None:
    try:
        import argon2  # noqa: F401
        import babel  # noqa: F401
        import jinja2  # noqa: F401
        import python_multipart  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"review needs {error.name}; pip install 'taktsight[review]'") from error
