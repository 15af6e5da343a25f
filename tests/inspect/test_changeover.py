"""Another bundle or recipe while the line works: between two parts, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from taktsight.inspect.changeover import Changeovers
from taktsight.inspect.config import load_station, with_values
from taktsight.inspect.messages import NotPrepared, Prepare, Prepared, VisionReady
from taktsight.records import Outcome

from .place import Place
from .running_line import RunningLine, StartLine, assert_one_verdict_each, taktsight
from .spots import spot_bundle

LENIENT, STRICT = 0.6, 0.35
"""Reject scores: of the same part one recipe says REVIEW, the other REJECT."""
SAID = {LENIENT: "REVIEW", STRICT: "REJECT"}


def lay_recipe(place: Place, reject_score: float) -> None:
    (place.folder / "recipe.yaml").write_text(
        "product: spots\nviews: [{mm_per_px: 0.1}]\n"
        f"limits: [{{label: spot, reject_score: {reject_score}, review_score: 0.3}}]\n"
    )


@pytest.fixture
def line(place: Place, start_line: StartLine) -> RunningLine:
    """At work by the lenient recipe, on parts that all look alike."""
    place.draw([Outcome.REVIEW] * 10)
    lay_recipe(place, LENIENT)
    line = start_line(place.endless(takt_ms=30, recipe="recipe.yaml"), "--no-live")
    line.wait_until(lambda: line.meters["REVIEW"] >= 5)
    return line


def assert_judged_by_what_it_says(place: Place, line: RunningLine) -> list[str]:
    """Each verdict is that of the recipe whose digest its row carries; the digests in their order."""
    assert_one_verdict_each(place, line)
    rows = [row for row in place.rows("verdict") if row["outcome"] != "UNINSPECTED"]
    by_recipe: dict[str, set[str]] = {}
    for row in rows:
        by_recipe.setdefault(row["recipe"], set()).add(row["outcome"])
    assert all(len(outcomes) == 1 for outcomes in by_recipe.values()), by_recipe
    recipes = [row["recipe"] for row in place.rows("verdict")]
    return [recipe for at, recipe in enumerate(recipes) if at == 0 or recipe != recipes[at - 1]]


def test_new_recipe_judges_from_one_part_on(place: Place, line: RunningLine) -> None:
    lay_recipe(place, STRICT)
    done = taktsight("changeover", place.folder / "station.yaml")
    assert done.returncode == 0, done.stderr
    assert "changed over before part" in done.stdout
    line.wait_until(lambda: line.meters["REJECT"] >= 5)
    status, _, err = line.stop()
    assert status == 0, err
    assert len(assert_judged_by_what_it_says(place, line)) == 2
    (row,) = place.rows("changeover")
    first = int(json.loads(row["reasons"])[0].removeprefix("before part "))
    recipes = {row["trigger"]: row["recipe"] for row in place.rows("verdict")}
    assert recipes[first] == row["recipe"] != recipes[first - 1]
    assert line.meters["changeovers"] == 1
    assert line.meters["vision_restarts"] == 0


def test_new_bundle_is_remembered_and_vision_comes_back_with_it(place: Place, line: RunningLine) -> None:
    spot_bundle(place.folder / "spots.takt", version=2)
    assert taktsight("changeover", place.folder / "station.yaml").returncode == 0
    line.wait_until(lambda: json.loads((place.records / "versions.json").read_text()) == {"spots": 2})
    line.kill("vision")
    line.wait_until(lambda: line.meters["vision_restarts"] == 1)
    seen = line.meters["REVIEW"]
    line.wait_until(lambda: line.meters["REVIEW"] >= seen + 5)
    status, _, err = line.stop()
    assert status == 0, err
    assert_one_verdict_each(place, line)
    assert len({row["bundle"] for row in place.rows("verdict")}) == 2


def damage(place: Place) -> None:
    file = place.folder / "spots.takt"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def misjudge_golden(place: Place) -> None:
    spot_bundle(place.folder / "spots.takt", spot_scores=0.7)


def forget_label(place: Place) -> None:
    (place.folder / "recipe.yaml").write_text(
        "product: spots\nviews: [{mm_per_px: 0.1}]\n"
        "limits: [{label: pit, reject_score: 0.5, review_score: 0.5}]\n"
    )


def look_outside(place: Place) -> None:
    (place.folder / "recipe.yaml").write_text(
        "product: spots\nviews: [{mm_per_px: 0.1, roi_px: [0, 0, 640, 640]}]\n"
        "limits: [{label: spot, reject_score: 0.5, review_score: 0.5}]\n"
    )


def move_deadline(place: Place) -> None:
    place.endless(takt_ms=30, recipe="recipe.yaml", deadline_ms=500)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (damage, "not changed over, the line goes on as before: "),
        (misjudge_golden, "golden samples are not judged as the bundle's card says"),
        (forget_label, "the bundle has no label pit"),
        (look_outside, "does not fit the frames"),
        (move_deadline, "deadline_ms: cannot change while the line works; start it anew"),
    ],
)
def test_what_is_wrong_changes_nothing(
    place: Place, line: RunningLine, change: Callable[[Place], None], said: str
) -> None:
    change(place)
    done = taktsight("changeover", place.folder / "station.yaml")
    assert done.returncode == 1
    assert said in done.stderr
    seen = line.meters["REVIEW"]
    line.wait_until(lambda: line.meters["REVIEW"] >= seen + 5)
    status, _, err = line.stop()
    assert status == 0, err
    assert len(assert_judged_by_what_it_says(place, line)) == 1
    assert line.meters["changeovers"] == line.meters["vision_restarts"] == 0


def test_changeovers_under_load_miss_no_part(place: Place, line: RunningLine) -> None:
    for turn in range(6):
        reject_score = (STRICT, LENIENT)[turn % 2]
        lay_recipe(place, reject_score)
        assert taktsight("changeover", place.folder / "station.yaml").returncode == 0
        said, seen = SAID[reject_score], line.meters[SAID[reject_score]]
        line.wait_until(lambda said=said, seen=seen: line.meters[said] >= seen + 2)  # type: ignore[misc]
    status, _, err = line.stop()
    assert status == 0, err
    assert len(assert_judged_by_what_it_says(place, line)) == 7
    assert len(place.rows("changeover")) == line.meters["changeovers"] == 6


def test_without_a_line_it_says_so(place: Place) -> None:
    place.records.mkdir()
    done = taktsight("changeover", place.write())
    assert done.returncode == 1
    assert "no line listens" in done.stderr


class Asked:
    """Changeovers of a station, and what they ask of vision."""

    def __init__(self, place: Place) -> None:
        self.orders: list[Prepare] = []
        self.station = load_station(place.write())
        self.changeovers = Changeovers(self.station, None, self._take)

    def _take(self, order: Prepare) -> str | None:
        self.orders.append(order)
        return None

    def begin(self, bundle: Path) -> dict[str, object]:
        new = with_values(self.station, bundle=bundle)
        return self.changeovers.handle({"changeover": "begin", "station": new.model_dump(mode="json")})


def test_one_changeover_at_a_time_and_only_the_one_that_was_asked_for(place: Place) -> None:
    asked = Asked(place)
    assert asked.begin(Path("b.takt"))["state"] == "preparing"
    assert "under way" in str(asked.begin(Path("c.takt"))["error"])
    ready = VisionReady("b" * 64, "r" * 64, {}, ("spot",), None)
    assert asked.changeovers.prepared(Prepared(7, ready), 5) is None
    assert asked.changeovers.refused(NotPrepared(7, "no")) == ""
    station = asked.changeovers.prepared(Prepared(1, ready), 5)
    assert station is not None
    assert station.bundle == Path("b.takt")
    assert asked.changeovers.number == 1
    told = asked.changeovers.handle({"changeover": "state"})
    assert (told["state"], told["number"]) == ("done", 1)


def test_vision_that_ends_while_it_gets_ready_ends_the_changeover(place: Place) -> None:
    asked = Asked(place)
    asked.begin(Path("b.takt"))
    assert "goes on as before: vision ended" in asked.changeovers.vision_lost()
    assert asked.changeovers.vision_lost() == ""
    assert asked.changeovers.number == 0
    assert asked.begin(Path("b.takt"))["state"] == "preparing"
    assert [order.number for order in asked.orders] == [1, 2]


def test_vision_that_never_gets_ready_ends_the_changeover(
    place: Place,
) -> None:
    asked = Asked(place)
    assert asked.changeovers.gives_up_ns() is None
    asked.begin(Path("b.takt"))
    gives_up_ns = asked.changeovers.gives_up_ns()
    assert gives_up_ns is not None
    assert asked.changeovers.look(gives_up_ns - 1) == ""
    assert "goes on as before: vision was not ready after 600 s" in asked.changeovers.look(gives_up_ns)
    ready = VisionReady("b" * 64, "r" * 64, {}, ("spot",), None)
    assert asked.changeovers.prepared(Prepared(1, ready), 5) is None
    assert asked.begin(Path("c.takt"))["state"] == "preparing"
