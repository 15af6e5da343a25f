"""The records that tests of the review bench use are such as a line leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from taktsight.bundle import read_bundle
from taktsight.inspect.backends.ort import OnnxRuntimeBackend
from taktsight.inspect.inspector import Inspector
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.recorded import read_run
from taktsight.inspect.rejudge import look_again

from ..records import OUTCOMES, make_records


@pytest.mark.parametrize("is_strict", [False, True])
def test_made_parts_come_out_the_same_to_the_last_bit(tmp_path: Path, is_strict: bool) -> None:
    made = make_records(tmp_path, is_strict=is_strict)
    ledger = Ledger.open(made.folder)
    ledger.verify()
    ledger.close()
    bundle = read_bundle(made.bundle)
    inspector = Inspector(
        OnnxRuntimeBackend(bundle.model, threads=1), bundle.card, bundle.card.own_recipe(), bundle.digest
    )
    parts = read_run(made.folder, "last").parts
    assert [part.outcome for part in parts] == list(OUTCOMES)
    for part in parts:
        looked = look_again(part, inspector)
        if part.scores:
            assert looked.differences == ()
