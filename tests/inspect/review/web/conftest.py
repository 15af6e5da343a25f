"""One bench for the tests that do not try its patience, and people of every role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from ..records import make_records
from .running_bench import RunningBench, make_admin, running_bench

for needed in ("argon2", "babel", "jinja2", "python_multipart", "starlette", "uvicorn"):
    pytest.importorskip(needed)

ROLES = ("reviewer", "supervisor", "engineer", "auditor")


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBench]:
    """A bench on small records, with an admin."""
    records = make_records(tmp_path_factory.mktemp("bench"))
    with running_bench(records.folder) as running:
        make_admin(running)
        yield running


@pytest.fixture(scope="session")
def people(bench: RunningBench) -> Iterator[dict[str, httpx.Client]]:
    """Role → somebody of that role, signed in."""
    with ExitStack() as stack:
        signed_in = {"admin": stack.enter_context(bench.signed_in())}
        for role in ROLES:
            somebody = bench.make_person(signed_in["admin"], f"the {role}", role)
            signed_in[role] = stack.enter_context(somebody)
        yield signed_in


@pytest.fixture
def own_bench(tmp_path: Path) -> Iterator[RunningBench]:
    """A bench for one test alone, with an admin."""
    with running_bench(make_records(tmp_path).folder) as running:
        make_admin(running)
        yield running
