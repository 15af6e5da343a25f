"""Passwords: what one may be, and argon2id over it."""

from __future__ import annotations

import functools
import hashlib
import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from taktsight.errors import ConfigError, ReviewError

if TYPE_CHECKING:  # a line starts without the library
    from argon2 import PasswordHasher

_TURNS = threading.BoundedSemaphore(2)
_WAITING = threading.BoundedSemaphore(16)
"""Of a server's threads so many at most wait for a digest: logins must not hold up pages."""
MIN_CHARACTERS = 10
MAX_CHARACTERS = 256


@dataclass(frozen=True, slots=True)
class Work:
    """What one argon2id digest costs whoever makes it; RFC 9106 says what the numbers mean."""

    memory_kib: int = 47_104
    passes: int = 2
    lanes: int = 1
    """One: beside a line that has two cores, nobody takes both."""


class Passwords:
    """Makes and checks digests, two at a time: guesses must not take the memory of the line's machine."""

    def __init__(self, work: Work) -> None:
        self._hasher = _hasher(work)
        self._nobodys = _nobodys_digest(work)
        self.digests = 0
        """How many digests were worked out so far."""

    def digest(self, password: str) -> str:
        """The password as it is kept, with its salt and its work.

        Raises:
            ReviewError: If too many wait for theirs.
        """
        with self._turn():
            return self._hasher.hash(_same_form(password))

    def fits(self, kept: str | None, password: str) -> bool:
        """Whether it is the password; the same work is done for an account that is not there.

        Raises:
            ReviewError: If too many wait for theirs.
        """
        from argon2.exceptions import InvalidHashError, VerificationError

        with self._turn():
            try:
                self._hasher.verify(kept or self._nobodys, _same_form(password[: MAX_CHARACTERS + 1]))
            except (VerificationError, InvalidHashError):
                return False
        return kept is not None

    def is_weak(self, kept: str) -> bool:
        """Whether a digest was made with other work than is asked for now."""
        return self._hasher.check_needs_rehash(kept)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not _WAITING.acquire(blocking=False):
            raise ReviewError("too many people log in at the same moment; try again")
        try:
            with _TURNS:
                self.digests += 1
                yield
        finally:
            _WAITING.release()


def check_password(password: str, name: str) -> None:
    """Whether somebody may choose this password. Length counts; no kind of character is asked for.

    Raises:
        ReviewError: Saying what is wrong with it.
    """
    if not MIN_CHARACTERS <= len(password) <= MAX_CHARACTERS:
        raise ReviewError(f"a password has {MIN_CHARACTERS} to {MAX_CHARACTERS} characters")
    plain = _same_form(password).casefold()
    if _same_form(name).casefold() in (plain, plain[::-1]) or _is_name_and_little(plain, name):
        raise ReviewError("a password is not the name, nor the name and a few characters")
    if plain in _common() or plain.strip("0123456789!.?") in _common() or len(set(plain)) < 4:
        raise ReviewError(
            "this password is among the first that are guessed; take a few words that you make up"
        )


def digest_of_token(token: str) -> str:
    """What is kept of a token: it has 256 bits, so no salt and no work is needed."""
    return hashlib.sha256(token.encode(errors="backslashreplace")).hexdigest()


def _is_name_and_little(plain: str, name: str) -> bool:
    known = _same_form(name).casefold()
    return len(known) >= 3 and known in plain and len(plain) - len(known) < 6


def _same_form(password: str) -> str:
    """However a keyboard composes it; what is no Unicode is spelled out."""
    return unicodedata.normalize("NFKC", password.encode(errors="backslashreplace").decode())


@functools.cache
def _common() -> frozenset[str]:
    """Those of ten characters and more that guessing begins with."""
    return frozenset(Path(__file__).with_name("common_passwords.txt").read_text(encoding="utf-8").split())


@functools.cache
def _hasher(work: Work) -> PasswordHasher:
    try:
        from argon2 import PasswordHasher, Type
    except ImportError as error:
        raise ConfigError("accounts need argon2-cffi; pip install 'taktsight[review]'") from error
    return PasswordHasher(work.passes, work.memory_kib, work.lanes, type=Type.ID)


@functools.cache
def _nobodys_digest(work: Work) -> str:
    return _hasher(work).hash(secrets.token_urlsafe())
