"""Where the bench is reached."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from pathlib import Path


def own_names() -> frozenset[str]:
    """What this machine is called."""
    return frozenset({"localhost", socket.gethostname().lower()})


@dataclass(frozen=True, slots=True)
class Address:
    """Host, port, certificate, and the names that browsers may use."""

    host: str = "127.0.0.1"
    port: int = 8470
    certificate: Path | None = None
    """PEM, with what leads to its root; None serves plain HTTP."""
    key: Path | None = None
    names: frozenset[str] = field(default_factory=own_names)
    """Host names that browsers may call it by; numeric addresses are always right."""

    @property
    def is_tls(self) -> bool:
        """Whether browsers come over TLS."""
        return self.certificate is not None

    @property
    def url(self) -> str:
        """What to type into a browser on this machine."""
        host = "127.0.0.1" if self.host in ("", "0.0.0.0", "::") else self.host  # noqa: S104  # compared with
        shown = f"[{host}]" if ":" in host else host
        return f"{'https' if self.is_tls else 'http'}://{shown}:{self.port}"
