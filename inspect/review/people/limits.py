"""How often one may try to log in: by account and by address, whether or not the account exists."""

from __future__ import annotations

import hashlib
import ipaddress
import math
import secrets
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from taktsight.inspect.review.store.tables import attempts

LIMITS = ((5, 60.0), (20, 3600.0))
"""So many failures within so many seconds."""
KEPT_S = 3600.0


def keys_of(name_key: str, address: str) -> tuple[str, ...]:
    """What is counted: the account's name, be there one or not, and the address where it is known."""
    by = [f"account:{name_key}"] + ([f"address:{_network(address)}"] if address else [])
    return tuple(hashlib.sha256(each.encode(errors="backslashreplace")).hexdigest() for each in by)


def _network(address: str) -> str:
    """Of IPv6 the first 64 bits: who has one address has them all."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # a proxy's word, or a test's
        return address
    if found.version == 4:
        return str(found)
    mapped = found.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.ip_network((int(found), 64), strict=False))


def wait_s(connection: sa.Connection, keys: Sequence[str], now: datetime) -> int:
    """Seconds until one may try again; 0 where one may now."""
    waits = [0.0]
    for key in keys:
        query = sa.select(attempts.c.at).where(
            attempts.c.key == key, attempts.c.at > now.timestamp() - KEPT_S
        )
        newest = query.order_by(attempts.c.at.desc()).limit(max(most for most, _ in LIMITS))
        times = list(connection.execute(newest).scalars())
        for most, within_s in LIMITS:
            if len(times) >= most:
                waits.append(times[most - 1] + within_s - now.timestamp())
    return math.ceil(max(waits))


def reserve(connection: sa.Connection, keys: Sequence[str], now: datetime) -> str:
    """Counts a try before it is looked at, so that many at once are not more than the limit; its id."""
    connection.execute(sa.delete(attempts).where(attempts.c.at < now.timestamp() - KEPT_S))
    tried = secrets.token_hex(16)
    connection.execute(
        sa.insert(attempts), [{"id": tried, "key": key, "at": now.timestamp()} for key in keys]
    )
    return tried


def release(connection: sa.Connection, tried: str) -> None:
    """A try that succeeded counts no more: many people log in at one terminal."""
    connection.execute(sa.delete(attempts).where(attempts.c.id == tried))
