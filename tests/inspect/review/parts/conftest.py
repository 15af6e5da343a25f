"""Pictures that a test looks at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..records import MadeRecords
from .shelf import Shelf


@pytest.fixture
def shelf(made: MadeRecords) -> Iterator[Shelf]:
    """Of twelve parts, with their bundle."""
    opened = Shelf(made)
    yield opened
    opened.close()
