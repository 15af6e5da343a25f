"""Records of one view with people who decide on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..records import make_records
from .staff import Staff


@pytest.fixture
def staff(tmp_path: Path) -> Staff:
    """Twelve parts of one run, seen from above, and nobody has decided yet."""
    return Staff(make_records(tmp_path, views=("top",)))
