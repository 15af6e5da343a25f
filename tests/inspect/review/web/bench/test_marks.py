"""What is marked with mouse, keys and fingers arrives with the pixels that were meant."""

from __future__ import annotations

import warnings

import pytest

pytest.importorskip("playwright")
import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pycocotools import mask as coco

from taktsight.inspect.review.store.values import Choice, Mark

from ..chromium import needs_chromium
from .at_bench import HEIGHT, WIDTH, context_of, fact, made_by, start, wait_sent, wait_shown
from .serving_bench import Serving

pytestmark = needs_chromium


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
