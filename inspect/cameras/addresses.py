"""Addresses as they may be shown."""

from __future__ import annotations

import re


def without_password(text: str) -> str:
    """The text with the user and password of each address left out: they stand in no log and no ledger."""
    return re.sub(r"://[^/@\s\"]*@", "://…@", text)
