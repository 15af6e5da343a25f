"""Records for tests of the review bench."""

from __future__ import annotations

from pathlib import Path

import pytest

from .records import MadeRecords, make_records


@pytest.fixture
def made(tmp_path: Path) -> MadeRecords:
    """Twelve parts of one run, seen from two views, with every outcome."""
    return make_records(tmp_path)
