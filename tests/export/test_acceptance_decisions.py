"""A criterion is decided by its bound, or it is said what is missing."""

from __future__ import annotations

from taktsight.export.acceptance.decisions import in_a_sentence, kappa_at_least, rate_at_most, size_at_most


def test_rate_is_fulfilled_where_299_parts_show_it_and_not_298() -> None:
    shown = rate_at_most("escape", (0, 299), 0.01, 0.95, ())
    short = rate_at_most("escape", (0, 298), 0.01, 0.95, ())
    worse = rate_at_most("escape", (30, 300), 0.01, 0.95, ())
    assert (shown.decision, shown.missing) == ("fulfilled", None)
    assert (short.decision, short.missing) == ("cannot be decided", 1)
    assert (worse.decision, worse.missing) == ("not fulfilled", None)
    assert rate_at_most("escape", (0, 0), 0.01, 0.95, ()).decision == "cannot be decided"
    assert in_a_sentence([shown, short, worse]).startswith("Not fulfilled: 1 of 3 is fulfilled")
    assert in_a_sentence([shown, short]).startswith("Not decided")


def test_size_and_kappa_are_decided_by_their_bounds() -> None:
    assert size_at_most("a90/95", (0.2, 0.25), 0.3, 100, ()).decision == "fulfilled"
    assert size_at_most("a90/95", (0.2, 0.25), 0.15, 100, ()).decision == "not fulfilled"
    between = size_at_most("a90/95", (0.2, 0.3), 0.25, 100, ())
    assert (between.decision, between.missing) == (
        "cannot be decided",
        300,
    )  # half the distance: four times
    assert kappa_at_least("kappa", (0.9, 0.8, 1.0), 0.75, 50, ()).decision == "fulfilled"
    assert kappa_at_least("kappa", (0.5, 0.4, 0.6), 0.75, 50, ()).decision == "not fulfilled"
    assert kappa_at_least("kappa", (0.9, None, None), 0.75, 50, ()).decision == "cannot be decided"
