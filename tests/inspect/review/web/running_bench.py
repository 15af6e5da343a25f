"""A review bench as a plant runs it: the verb in a process of its own, on a free port, on real records."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ADMIN, PASSWORD = "ines", "kupfer winter lampe"
START_S = 60
TOKEN = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


@dataclass(slots=True)
class RunningBench:
    """A bench that answers."""

    url: str
    link: str
    """For the first admin; empty where there is somebody."""
    process: subprocess.Popen[str]
    records: Path
    said: list[str] = field(default_factory=list)

    def client(self, **options: object) -> httpx.Client:
        """A browser without a session, which says that it wants pages."""
        headers = {"accept": "text/html", "accept-language": "en"}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=60, **options)  # type: ignore[arg-type]

    def signed_in(self, name: str = ADMIN, password: str = PASSWORD) -> httpx.Client:
        """A browser with a session."""
        with self.client() as client:
            answer = post(client, "/login", {"name": name, "password": password})
            assert answer.status_code == 303, answer.text
            return self.client(cookies=client.cookies)

    def make_person(self, admin: httpx.Client, name: str, role: str) -> httpx.Client:
        """Another account, made by the admin's pages and its link; signed in."""
        answer = post(admin, "/people", {"name": name, "role": role})
        assert answer.status_code == 303, answer.text
        found = re.search(r"/link/[\w-]+", admin.get("/people").text)
        assert found
        with self.client() as client:
            answer = post(client, found[0], {"password": PASSWORD, "again": PASSWORD, "name": name})
            assert answer.status_code == 303, answer.text
            return self.client(cookies=client.cookies)


def token(client: httpx.Client, path: str) -> str:
    """What the forms of a page carry."""
    found = TOKEN.search(client.get(path).text)
    assert found, path
    return found[1]


def post(client: httpx.Client, path: str, fields: dict[str, str], page: str = "") -> httpx.Response:
    """Sends a form of a page, as a browser does."""
    return client.post(path, data=fields | {"csrf": token(client, page or form_page(path))})


def form_page(path: str) -> str:
    """The page that holds the form."""
    for home in ("/people", "/settings"):
        if path.startswith(home):
            return home
    return path


@contextmanager
def running_bench(records: Path, *options: str) -> Iterator[RunningBench]:
    """Until it is left, a bench on these records; stopped as a service manager does it."""
    command = [sys.executable, "-W", "error", "-m", "taktsight.cli", "review", str(records), *options]
    if "--port" not in options:
        command += ["--port", "0"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    bench = RunningBench("", "", process, records)
    ready = threading.Event()

    def listen() -> None:
        assert process.stdout
        for line in process.stdout:
            bench.said.append(line)
            found = re.search(r"review bench: (https?://[^/\s]+)(/link/\S+)?", line)
            if found:
                bench.url, bench.link = found[1], found[2] or ""
                ready.set()
        ready.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        assert ready.wait(START_S), bench.said
        assert bench.url, "".join(bench.said)
        yield bench
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)
        listener.join(10)
        assert process.stdout
        process.stdout.close()


def make_admin(bench: RunningBench) -> None:
    """Uses the link that the bench printed."""
    with bench.client() as client:
        fields = {"name": ADMIN, "full_name": "Inês Almeida", "password": PASSWORD, "again": PASSWORD}
        answer = post(client, bench.link, fields)
        assert answer.status_code == 303, answer.text
