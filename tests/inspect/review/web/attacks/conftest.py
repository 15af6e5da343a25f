"""A bench that is attacked, in a process that lets nothing out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ..served_records import Served, certified_spots, serving
from . import no_way_out


@pytest.fixture(scope="module")
def way_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("way") / "out"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, way_out: Path) -> Iterator[Served]:
    """A bench whose process connects to nothing."""
    place = tmp_path_factory.mktemp("attacked")
    certified_spots(place / "spots.takt")
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in no_way_out.forbid(way_out).items():
                patch.setenv(name, value)
            running = stack.enter_context(serving(place))
        yield running
