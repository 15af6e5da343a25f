"""What is drawn over and beside a picture: found again by its bundle, golden samples, nearest examples."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

from taktsight.image_files import decode_image, read_image
from taktsight.inspect.review.store.values import PartKey
from taktsight.records import Outcome

from ..records import REJECT, REVIEW, MadeRecords
from .people import Bench
from .shelf import Shelf


def test_overlay_draws_what_the_bundle_sees(shelf: Shelf) -> None:
    part = shelf.made.of(REJECT)[0]
    overlay = shelf.pictures.overlay(shelf.name(part), 60)
    assert overlay.is_ready, overlay.why
    assert overlay.why == "", "recipe, bundle and scores are those of the ledger"
    assert overlay.scores == pytest.approx(shelf.row(part).scores["top"])
    (contour,) = overlay.contours
    image = read_image(shelf.made.file(part, "top"))[:, :, 0]
    rows, columns = np.nonzero(image >= 200)
    x0, y0, x1, y1 = int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1
    assert contour.box_px == (x0, y0, x1, y1)
    assert set(contour.points) == {(x0, y0), (x0, y1), (x1, y0), (x1, y1)}
    assert contour.area_mm2 == pytest.approx(10 * 12 * 0.1**2)
    drawn = decode_image(overlay.maps["spot"], "map")[:, :, 0]
    assert np.array_equal(drawn > 128, image >= 200)
    assert overlay.map_box_px == (0, 0, 128, 96)
    assert shelf.pictures.overlay(shelf.name(part)) is overlay


def test_passed_view_has_a_map_and_no_contour(shelf: Shelf) -> None:
    overlay = shelf.pictures.overlay(shelf.name(shelf.made.of(REVIEW)[0], "side"), 60)
    assert overlay.is_ready
    assert set(overlay.maps) == {"spot"}


def test_judging_again_yields_to_everyone_and_survives_its_end(shelf: Shelf) -> None:
    parts = shelf.made.of(REJECT)
    assert shelf.pictures.overlay(shelf.name(parts[0]), 60).is_ready
    process = shelf.pictures._judge.process_id
    assert process is not None
    assert os.sched_getscheduler(process) == os.SCHED_IDLE
    os.kill(process, signal.SIGKILL)
    answers = [shelf.pictures.overlay(shelf.name(parts[1]), 60) for _ in range(2)]
    assert answers[-1].is_ready, "the next one starts it again"
    again = shelf.pictures._judge.process_id
    assert again != process
    shelf.pictures.close()
    assert shelf.pictures._judge.process_id is None


def test_without_the_bundle_the_picture_stays_and_says_so(made: MadeRecords) -> None:
    shelf = Shelf(made, with_bundle=False)
    name = shelf.name(made.parts[1])
    overlay = shelf.pictures.overlay(name)
    assert not overlay.is_ready
    assert "not at hand" in overlay.why
    assert shelf.pictures.describe(name).fault is None
    assert shelf.pictures.golden(name) == ()
    shelf.close()


def test_part_that_nobody_judged_has_nothing_to_draw(shelf: Shelf) -> None:
    overlay = shelf.pictures.overlay(shelf.name(shelf.made.of(Outcome.UNINSPECTED)[0]))
    assert (overlay.is_ready, overlay.why) == (False, "nobody judged it: there is nothing to draw")


def test_golden_samples_stand_beside_the_frame(shelf: Shelf) -> None:
    golden = shelf.pictures.golden(shelf.name(shelf.made.parts[1]))
    assert [example.truth for example in golden] == ["good", "spot"]
    described = shelf.pictures.describe(golden[1].image_id)
    assert (described.width, described.is_golden, described.fault) == (64, True, None)
    overlay = shelf.pictures.overlay(golden[1].image_id, 60)
    assert overlay.is_ready, overlay.why
    assert overlay.contours[0].box_px == (24, 20, 34, 30)


def test_nearest_examples_look_alike(made: MadeRecords) -> None:
    bench = Bench(made)
    rejects = made.of(REJECT)
    bench.decide("ann", PartKey(rejects[0].run, rejects[0].trigger), "spot")
    bench.decide("ann", PartKey(made.parts[0].run, made.parts[0].trigger), "good")
    bench.queue.page()
    shelf = Shelf(made)
    for part in rejects:
        assert shelf.pictures.overlay(shelf.name(part), 60).is_ready
    examples = shelf.pictures.nearest(shelf.name(rejects[1]))
    assert len(examples) == 4
    assert [example.distance for example in examples] == sorted(example.distance for example in examples)
    by_part = {example.image_id: example for example in examples}
    assert by_part[shelf.name(rejects[0])].truth == "spot"
    assert by_part[shelf.name(rejects[0])].distance < by_part[shelf.name(made.parts[0])].distance
    assert shelf.name(rejects[1]) not in by_part
    shelf.close()
    bench.close()


def test_part_that_was_seen_is_an_example_without_being_decoded_again(
    made: MadeRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(made)
    seen, other = made.of(REJECT)
    shelf = Shelf(made)
    names = shelf.name(seen), shelf.name(other)
    for name in names:
        shelf.pictures.describe(name)
        assert shelf.pictures.overlay(name, 60).is_ready
    shelf.pictures.nearest(names[1])  # golden samples are looked at
    monkeypatch.setattr(shelf.pictures._nearest, "_is_decoded", lambda name: False)
    monkeypatch.setattr(shelf.pictures._frames, "read", lambda shown: pytest.fail(f"{shown.file} was read"))
    bench.decide("ann", PartKey(seen.run, seen.trigger), "spot")
    bench.queue.page()
    assert names[0] in {example.image_id for example in shelf.pictures.nearest(names[1])}
    shelf.close()
    bench.close()
