"""The meters of a running line, from the endpoint that its station file names.

It is what a line offers to whoever looks from outside: its process reads the meters and can write none, its
names stay the same from version to version, and no right on the line's processes is needed.
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from taktsight.errors import ReviewError
from taktsight.inspect.alarm_settings import MetricsSettings
from taktsight.inspect.exposition import PREFIX

TIMEOUT_S = 0.5
MAX_BYTES = 1 << 20
_SAMPLE = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Metrics:
    """One look at the endpoint."""

    samples: Mapping[str, Mapping[Labels, float]] = field(default_factory=dict)
    """Name without its prefix → labels → value."""

    def value(self, name: str, /, **labels: str) -> float | None:
        """One value; None where the line does not say it."""
        return self.samples.get(name, {}).get(tuple(sorted(labels.items())))

    def count(self, name: str, /, **labels: str) -> int:
        """A counter; 0 where the line does not say it."""
        return int(self.value(name, **labels) or 0)

    def labelled(self, name: str) -> Iterator[tuple[dict[str, str], float]]:
        """All values of a name with their labels."""
        for labels, value in self.samples.get(name, {}).items():
            yield dict(labels), value

    @property
    def run(self) -> str:
        """The run that it is of."""
        return next((labels.get("run", "") for labels, _ in self.labelled("build_info")), "")

    @property
    def station(self) -> str:
        """The station that it is of."""
        return next((labels.get("station", "") for labels, _ in self.labelled("build_info")), "")

    @property
    def state(self) -> str:
        """What the line calls its state."""
        return next((labels["state"] for labels, value in self.labelled("state") if value), "")


def read_metrics(settings: MetricsSettings) -> Metrics:
    """The meters of this moment.

    Raises:
        ReviewError: If nobody answers there in time, or what answers is no line.
    """
    address = str(settings.address)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104  # compared with
    where = f"metrics at {host} port {settings.port}"
    connection = http.client.HTTPConnection(host, settings.port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        content = answer.read(MAX_BYTES + 1)
    except (OSError, http.client.HTTPException) as error:
        raise ReviewError(f"{where}: {error}") from error
    finally:
        connection.close()
    if answer.status != 200 or len(content) > MAX_BYTES:
        raise ReviewError(f"{where}: what answers there is no line (status {answer.status})")
    metrics = parse_metrics(content.decode("utf-8", errors="replace"))
    if not metrics.run:
        raise ReviewError(f"{where}: what answers there is no line")
    return metrics


def parse_metrics(text: str) -> Metrics:
    """What a page in Prometheus' text format says of a line; lines of others are left out."""
    samples: dict[str, dict[Labels, float]] = {}
    for line in text.splitlines():
        match = _SAMPLE.fullmatch(line) if line.startswith(PREFIX) else None
        if match is None:
            continue
        try:
            value = float(match[3])
        except ValueError:
            continue
        labels = {name: _ESCAPED.sub(_plain, said) for name, said in _LABEL.findall(match[2] or "")}
        samples.setdefault(match[1].removeprefix(PREFIX), {})[tuple(sorted(labels.items()))] = value
    return Metrics(samples)


def _plain(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]
