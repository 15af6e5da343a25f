"""The bench in a real browser: connection lost, two people on one part, other keys, fingers, no script."""

from __future__ import annotations

import gzip
import uuid
import warnings
from collections.abc import Iterator

import pytest

pytest.importorskip("playwright")
import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pycocotools import mask as coco

from taktsight.inspect.review.store.values import Choice, Decision, Mark, NewDecision, PartKey, Why
from taktsight.inspect.review.web.assets import assets
from taktsight.inspect.review.web.offers import Offers

from ..records import PASS, REJECT, REVIEW, UNINSPECTED, make_records
from .at_bench import (
    CHROMIUM,
    chromium,
    context_of,
    decide,
    fact,
    start,
    wait_prepared,
    wait_sent,
    wait_shown,
)
from .serving_bench import Serving, serve

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: tests/peers/install.sh installs it")
HEIGHT, WIDTH = 480, 640
MOST_SCRIPT_BYTES = 170_000


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    outcomes = (REJECT, REVIEW, PASS, UNINSPECTED) * 40
    made = make_records(tmp_path_factory.mktemp("bench"), outcomes, size_px=(HEIGHT, WIDTH))
    serving = serve(made.folder, made.bundle)
    serving.bench.store.change_setting("sue", "known_share", 0.0, "each test knows what it gets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Offers, "is_decoy", lambda *_: False)
        yield serving
    serving.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def anna(browser: Browser, served: Serving) -> Iterator[BrowserContext]:
    context = context_of(browser, served, "anna")
    yield context
    context.close()


def made_by(served: Serving, name: str, part: str) -> list[Decision]:
    found = served.bench.store.decisions_of(PartKey.parse(part))
    return [each for each in found if each.reviewer == name]


def open_part(page: Page, served: Serving, part: str) -> None:
    page.goto(f"{served.url}/review/{part}")
    wait_shown(page, "")


def decide_beside(served: Serving, name: str, part: str) -> Decision:
    """Somebody else decides, at another computer."""
    request = str(uuid.uuid4())
    return served.bench.store.decide(
        name,
        NewDecision(PartKey.parse(part), Choice.FALSE_REJECT, None, "dust", (), Why.REJECT, False, request),
    )


def test_decisions_without_a_connection_are_kept_and_sent_once_in_order(
    anna: BrowserContext, served: Serving
) -> None:
    page = start(anna, served, "?why=reject")
    wait_prepared(page)
    page.wait_for_timeout(1500)  # what is fetched ahead arrives
    first = fact(page, "shown")
    anna.set_offline(True)
    second = decide(page, "c")
    third = decide(page, "f")
    expect(page.locator("#outbox .state")).to_contain_text("No connection")
    assert not made_by(served, "anna", first)
    anna.set_offline(False)
    wait_sent(page, 2)
    decisions = [made_by(served, "anna", part) for part in (first, second)]
    assert [[each.choice for each in made] for made in decisions] == [
        [Choice.CONFIRM],
        [Choice.FALSE_REJECT],
    ]
    assert decisions[0][0].id < decisions[1][0].id
    assert third != second
    expect(page.locator("#outbox .state")).to_have_text("Connected")


def test_decisions_that_wait_survive_a_closed_page(anna: BrowserContext, served: Serving) -> None:
    page = start(anna, served, "?why=reject")
    wait_prepared(page)
    part = fact(page, "shown")
    anna.route("**/api/decide", lambda route: route.abort())
    decide(page, "c")
    page.wait_for_function("() => document.getElementById('bench').dataset.waiting === '1'")
    page.close()
    anna.unroute("**/api/decide")
    assert not made_by(served, "anna", part)
    page = start(anna, served)
    wait_sent(page, 1)
    assert len(made_by(served, "anna", part)) == 1


def test_an_answer_that_is_lost_makes_no_second_decision(anna: BrowserContext, served: Serving) -> None:
    page = start(anna, served, "?why=reject")
    wait_prepared(page)
    part = fact(page, "shown")
    lost: list[int] = []

    def lose_the_first_answer(route: object) -> None:
        if lost:
            route.continue_()  # type: ignore[attr-defined]
            return
        lost.append(route.fetch().status)  # type: ignore[attr-defined]
        route.abort()  # type: ignore[attr-defined]

    page.route("**/api/decide", lose_the_first_answer)
    decide(page, "c")
    wait_sent(page, 1)
    assert lost == [200]
    assert len(made_by(served, "anna", part)) == 1


def test_two_people_on_one_part_see_what_the_other_said_and_choose(
    anna: BrowserContext, served: Serving
) -> None:
    page = start(anna, served, "?why=review")
    wait_prepared(page)
    part = fact(page, "shown")
    decide_beside(served, "otto", part)
    decide(page, "c")
    conflict = page.locator(".conflict")
    expect(conflict).to_contain_text("A colleague decided meanwhile: False reject: good")
    expect(conflict).to_contain_text("dust")
    assert not made_by(served, "anna", part)
    conflict.locator(".decide-anyway").click()
    wait_sent(page, 1)
    expect(page.locator(".conflict")).to_have_count(0)
    assert [each.choice for each in made_by(served, "anna", part)] == [Choice.CONFIRM]


def test_a_conflict_can_be_left_as_the_other_said(anna: BrowserContext, served: Serving) -> None:
    page = start(anna, served, "?why=review")
    wait_prepared(page)
    part = fact(page, "shown")
    decide_beside(served, "otto", part)
    decide(page, "c")
    page.locator(".conflict .keep-theirs").click()
    expect(page.locator(".conflict")).to_have_count(0)
    assert not made_by(served, "anna", part)


def test_two_reviewers_are_never_given_the_same_part(browser: Browser, served: Serving) -> None:
    contexts = [context_of(browser, served, name) for name in ("anna", "otto")]
    pages = [start(context, served) for context in contexts]
    shown = [fact(page, "shown") for page in pages]
    for _ in range(3):
        for place, page in enumerate(pages):
            wait_prepared(page)
            shown.append(decide(page, "s"))
            assert place < 2
    assert len(set(shown)) == len(shown)
    for context in contexts:
        context.close()


def test_keys_that_an_account_chose_are_used_and_shown(browser: Browser, served: Serving) -> None:
    served.bench.accounts.set_preferences("otto", {"keys": {"confirm": "j"}})
    context = context_of(browser, served, "otto")
    page = start(context, served, "?why=reject")
    part = fact(page, "shown")
    expect(page.locator('.buttons [data-key="confirm"]')).to_have_text("J")
    page.keyboard.press("?")
    expect(page.locator("dialog .keys div", has_text="Confirm the verdict").locator("kbd")).to_have_text(
        "j"
    )
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    decide(page, "j")
    wait_sent(page, 1)
    assert [each.choice for each in made_by(served, "otto", part)] == [Choice.CONFIRM]
    context.close()
    served.bench.accounts.set_preferences("otto", {})


def test_undo_brings_the_part_back_and_stands_in_the_log(anna: BrowserContext, served: Serving) -> None:
    page = start(anna, served, "?why=reject")
    wait_prepared(page)
    part = fact(page, "shown")
    after = decide(page, "c")
    wait_sent(page, 1)
    page.keyboard.press("u")
    assert wait_shown(page, after) == part
    assert [each.undone_by is None for each in made_by(served, "anna", part)] == [False]
    decide(page, "f")
    wait_sent(page, 3)
    assert made_by(served, "anna", part)[-1].choice is Choice.FALSE_REJECT


def test_a_note_a_skip_and_an_escalation(anna: BrowserContext, served: Serving) -> None:
    page = start(anna, served, "?why=reject")
    wait_prepared(page)
    noted = fact(page, "shown")
    page.keyboard.press("n")
    page.keyboard.type("burr at the edge")
    page.keyboard.press("Escape")
    skipped = decide(page, "c")
    escalated = decide(page, "s")
    decide(page, "e")
    wait_sent(page, 3)
    assert made_by(served, "anna", noted)[0].note == "burr at the edge"
    assert made_by(served, "anna", skipped)[0].choice is Choice.SKIP
    assert made_by(served, "anna", escalated)[0].choice is Choice.ESCALATE


def frame_on_screen(page: Page, place: int = 0) -> tuple[float, float, float]:
    """Left, top and pixels of the screen per pixel of the frame, where the whole frame is seen."""
    room = page.locator(".stage:not(.behind) .view .picture").nth(place).bounding_box()
    assert room
    scale = min(room["width"] / WIDTH, room["height"] / HEIGHT)
    left = room["x"] + (room["width"] - WIDTH * scale) / 2
    return left, room["y"] + (room["height"] - HEIGHT * scale) / 2, scale


def drag(page: Page, *points: tuple[float, float]) -> None:
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=6)
    page.mouse.up()


def test_box_and_brush_arrive_with_the_pixels_that_were_marked(
    anna: BrowserContext, served: Serving
) -> None:
    page = start(anna, served, "?why=reject")
    part = fact(page, "shown")
    left, top, scale = frame_on_screen(page, 0)
    page.keyboard.press("m")
    drag(page, (left + 100 * scale, top + 50 * scale), (left + 180 * scale, top + 120 * scale))
    page.keyboard.press("b")
    left, top, scale = frame_on_screen(page, 1)
    ends = [(left + x * scale, top + y * scale) for x, y in ((300, 200), (400, 200), (400, 260))]
    drag(page, *ends)
    expect(page.locator("#marks li")).to_have_count(2)
    page.locator("#save-marks").click()
    wait_shown(page, part)
    wait_sent(page, 1)
    decision = made_by(served, "anna", part)[0]
    assert (decision.choice, decision.truth) == (Choice.MISSED_DEFECT, "spot")
    box, brush = decision.marks
    assert box.brush_rle is None
    assert np.abs(np.subtract(box.box_px, (100, 50, 180, 120))).max() <= 2
    views = page.evaluate(
        "() => JSON.parse(document.getElementById('bench').dataset.item).views.map(v => v.view)"
    )
    assert [box.view, brush.view] == views
    check_brush(brush, radius=8 / scale)


def check_brush(mark: Mark, radius: float) -> None:
    """The stroke along three points, painted as wide as the brush is."""
    assert mark.brush_rle is not None
    with warnings.catch_warnings():  # of pycocotools about numpy's copies
        warnings.simplefilter("ignore", DeprecationWarning)
        painted = coco.decode({"size": [HEIGHT, WIDTH], "counts": mark.brush_rle.encode()})
    rows, columns = np.nonzero(painted)
    around = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert mark.box_px == tuple(map(int, around))
    assert (
        np.abs(np.subtract(around, (300 - radius, 200 - radius, 400 + radius, 260 + radius))).max() <= 2.5
    )
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    across = np.hypot(x - np.clip(x, 300, 400), y - 200)
    down = np.hypot(x - 400, y - np.clip(y, 200, 260))
    meant = np.minimum(across, down) <= radius
    assert (painted != meant).sum() / meant.sum() < 0.25, (
        "the edge may differ by a pixel, the stroke may not"
    )


def test_a_box_is_drawn_without_a_mouse(anna: BrowserContext, served: Serving) -> None:
    page = start(anna, served, "?why=reject")
    part = fact(page, "shown")
    page.keyboard.press("m")
    page.keyboard.press("Enter")
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "Enter", "m"):
        page.keyboard.press(key)
    wait_shown(page, part)
    wait_sent(page, 1)
    x0, y0, x1, y1 = made_by(served, "anna", part)[0].marks[0].box_px
    assert abs(x0 - WIDTH / 2) <= 2
    assert abs(y0 - HEIGHT / 2) <= 2
    assert 1.5 < (y1 - y0) / (x1 - x0) < 2.5


def test_fingers_paint_and_decide(browser: Browser, served: Serving) -> None:
    context = context_of(
        browser, served, "anna", viewport={"width": 1024, "height": 768}, has_touch=True, is_mobile=True
    )
    page = start(context, served, "?why=reject")
    part = fact(page, "shown")
    page.locator('.tools [data-do="brush"]').tap()
    left, top, scale = frame_on_screen(page, 0)
    touch = context.new_cdp_session(page)
    for kind, x, y in (("Start", 100, 100), ("Move", 150, 110), ("Move", 200, 120), ("End", 0, 0)):
        points = [] if kind == "End" else [{"x": left + x * scale, "y": top + y * scale}]
        touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
    expect(page.locator("#marks li")).to_have_count(1)
    page.locator("#save-marks").tap()
    wait_shown(page, part)
    wait_sent(page, 1)
    x0, y0, x1, y1 = made_by(served, "anna", part)[0].marks[0].box_px
    assert x0 < 100 < 200 < x1
    assert y0 < 100 < 120 < y1
    context.close()


def test_overlay_golden_sample_and_zoom_answer_to_their_keys(anna: BrowserContext, served: Serving) -> None:
    page = start(anna, served, "?why=reject")
    mode = page.locator("#overlay-mode")
    expect(mode).to_have_text("Overlay: Outline")
    page.keyboard.press("o")
    expect(mode).to_have_text("Overlay: Mask")
    page.keyboard.press("g")
    expect(page.locator(".stage:not(.behind) .view.golden")).to_have_count(2)
    page.keyboard.press("g")
    expect(page.locator(".stage:not(.behind) .view.golden")).to_have_count(0)
    page.keyboard.press("x")
    expect(page.locator(".tools [data-do=blink]")).to_have_attribute("aria-pressed", "true")
    for key in ("1", "6", "2", "-", "0", "v", "x"):
        page.keyboard.press(key)
    expect(page.locator("#panel .reasons")).to_contain_text("spot: score")


def test_blind_shows_neither_verdict_nor_reason_nor_colleagues(browser: Browser, served: Serving) -> None:
    context = context_of(browser, served, "otto")
    page = context.new_page()
    page.goto(f"{served.url}/review")
    page.get_by_role("button", name="Blind: off").click()
    page.get_by_role("link", name="Start reviewing").click()
    part = wait_shown(page, "")
    text = page.locator("main").inner_text()
    assert "Verdict hidden" in text
    for word in ("REJECT", "REVIEW", "UNINSPECTED", "score", "Previous reviews"):
        assert word not in text
    assert page.locator("#overlay-mode").is_disabled()
    page.keyboard.press("f")
    wait_shown(page, part)
    wait_sent(page, 1)
    assert made_by(served, "otto", part)[0].truth == "good"
    assert made_by(served, "otto", part)[0].blind is False, "an ordinary part is decided by it"
    served.bench.accounts.set_preferences("otto", {})
    context.close()


def test_without_a_script_a_form_does_it_all(browser: Browser, served: Serving) -> None:
    context = context_of(browser, served, "anna", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{served.url}/review?why=reject")
    page.get_by_role("link", name="Start reviewing").click()
    part = page.url.split("/review/")[1].split("?")[0].replace("%3A", ":")
    assert page.locator(".plain svg image").count() == 2, "one tile of each view"
    page.get_by_label("Missed defect").check()
    page.select_option("#f-label", "spot")
    page.fill("#f-note", "by hand")
    for name, value in (("x0", "10"), ("y0", "20"), ("x1", "30"), ("y1", "50")):
        page.fill(f"#f-{name}", value)
    page.get_by_role("button", name="Save and go on").click()
    decision = made_by(served, "anna", part)[0]
    assert (decision.marks[0].box_px, decision.note) == ((10, 20, 30, 50), "by hand")
    assert part not in page.url.replace("%3A", ":")
    assert "why=reject" in page.url
    page.get_by_role("button", name="Undo my last decision").click()
    assert made_by(served, "anna", part)[0].undone_by is not None
    page.get_by_label("Missed defect").check()
    page.get_by_role("button", name="Save and go on").click()
    expect(page.locator(".refused")).to_contain_text("which defect")
    context.close()


def test_scripts_of_the_bench_are_small() -> None:
    scripts = [
        each.content
        for name, each in assets().items()
        if name in ("js/bench.js", "vendor/openseadragon.min.js") or name.startswith("js/bench/")
    ]
    assert len(scripts) > 10
    assert sum(len(gzip.compress(each)) for each in scripts) <= MOST_SCRIPT_BYTES


def test_no_page_tells_more_than_it_must(anna: BrowserContext, served: Serving) -> None:
    """No path of a file, no request to elsewhere, no word of blind doubles, no error in the console."""
    page = anna.new_page()
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.extend([message.text] * (message.type == "error")))
    page.goto(f"{served.url}/review/next")
    wait_shown(page, "")
    wait_prepared(page)
    content = page.content()
    assert ".png" not in content.replace("image/png", "")
    assert "images/" not in content
    for word in ("second", "known_share", "is_blind"):
        assert word not in content
    assert all(url.startswith((served.url, "blob:", "data:")) for url in asked)
    assert errors == []
