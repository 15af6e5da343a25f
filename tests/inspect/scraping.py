"""A running line as Prometheus reads it: a real scrape, read by Prometheus's own parser."""

from __future__ import annotations

import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from .running_line import RunningLine

Labels = dict[str, str]


class Scrape:
    """What a scrape said."""

    def __init__(self, port: int) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            self.kind = answer.headers["Content-Type"]
            self.text = answer.read().decode()
        families = list(text_string_to_metric_families(self.text))
        self.types = {family.name: family.type for family in families}
        self.samples = [sample for family in families for sample in family.samples]

    def value(self, name: str, /, **labels: str) -> float:
        """Of the one sample with these labels, and others perhaps."""
        found = [
            sample.value
            for sample in self.samples
            if sample.name == f"taktsight_{name}" and labels.items() <= sample.labels.items()
        ]
        assert len(found) == 1, (name, labels, found)
        return float(found[0])

    def labels(self, name: str) -> Labels:
        return next(dict(sample.labels) for sample in self.samples if sample.name == f"taktsight_{name}")


def scrape(line: RunningLine, port: int) -> Scrape:
    """The first that is answered."""
    got: list[Scrape] = []

    def answered() -> bool:
        try:
            got.append(Scrape(port))
        except (urllib.error.URLError, ConnectionError):
            return False
        return True

    line.wait_until(answered)
    return got[0]
