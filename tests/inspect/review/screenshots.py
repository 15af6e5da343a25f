"""Pictures of every page of the review bench, for the documentation.

    python tests/inspect/review/screenshots.py demo/records demo/flange.taktsight demo/shift/index.csv OUT

Works on a copy of the records of ``make demo``. Three made-up people review by the truth of the rendered
parts, with some mistakes.
"""

from __future__ import annotations

import argparse
import csv
import random
import shutil
import sys
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.inspect.review.web.running_bench import PASSWORD, RunningBench, running_bench

from taktsight.bundle import read_bundle
from taktsight.inspect.review.audits.drawing import AuditAsked, draw_audit
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.queue_items import QueueItem
from taktsight.inspect.review.parts.review_queue import Queue
from taktsight.inspect.review.parts.rows import Filters
from taktsight.inspect.review.people.accounts import Accounts
from taktsight.inspect.review.people.roles import Role
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.values import GOOD, Choice, NewDecision, PartKey, Why
from taktsight.inspect.review.studies.book import Studies
from taktsight.inspect.review.studies.values import ANSWERS, HELD_UP
from taktsight.records import Outcome

PEOPLE = {"mara": Role.SUPERVISOR, "jonas": Role.REVIEWER, "li": Role.REVIEWER, "admin": Role.ADMIN}
NAMES = {"mara": "Mara Lindt", "jonas": "Jonas Vogel", "li": "Li Na", "admin": "Ada Berg"}
REVIEWS = 90
MISTAKES = 0.06
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-sync",
    "--no-first-run",
]
PAGES = {
    "wall": "/",
    "queue": "/review",
    "parts": "/parts",
    "audit": "/audit",
    "studies": "/studies",
    "quality": "/quality",
    "models": "/models",
    "station": "/stations",
    "log": "/log",
    "settings": "/settings",
    "help": "/help",
}


def main() -> None:
    """Writes one picture a page, and some in the dark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name in ("records", "bundle", "truth", "out"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        records = Path(place) / "records"
        shutil.copytree(arguments.records, records, ignore=shutil.ignore_patterns("review"))
        _review(records, arguments.bundle, _truth(arguments.truth))
        with (
            running_bench(records, "--bundle", str(arguments.bundle)) as bench,
            sync_playwright() as started,
        ):
            browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
            _picture_all(browser, bench, arguments.out)
            browser.close()


def _truth(index: Path) -> Mapping[str, str]:
    with index.open(encoding="utf-8", newline="") as opened:
        return {row["image"]: row["label"] for row in csv.DictReader(opened)}


def _review(records: Path, bundle: Path, truth: Mapping[str, str]) -> None:
    """The three decide what the queue hands them."""
    rng = random.Random(1)
    store = ReviewStore.open(records / "review")
    accounts = Accounts(store)
    for name, role in PEOPLE.items():
        accounts.add("console", name, role, PASSWORD, NAMES[name])
    index = PartIndex.open(records, records / "review")
    while index.follow():
        pass
    bundles = [read_bundle(bundle)]
    queue = Queue(index, store, bundles=bundles, golden=bundles)
    for turn in range(REVIEWS):
        name = ("jonas", "li", "mara")[turn % 3]
        item = queue.next_for(name)
        if item is not None:
            known = truth.get(item.part.serial or "", item.truth or GOOD)
            store.decide(name, _decision(item, known, rng), queue.known.judged(item.part.key))
    _audit(store, index)
    _study(store, index, truth, rng)
    index.close()
    store.close()


def _audit(store: ReviewStore, index: PartIndex) -> None:
    """Of passed parts; somebody looked at half of those that were drawn, and found them good."""
    audit = draw_audit(store, index, "mara", AuditAsked(parts=120, claim_ppm=50_000, seed=7))
    for drawn in audit.parts[:60]:
        key, request = drawn.key, str(uuid.uuid4())
        said = NewDecision(key, Choice.CONFIRM, None, "", (), Why.AUDIT, blind=False, request_id=request)
        store.decide("mara", said)


def _study(store: ReviewStore, index: PartIndex, truth: Mapping[str, str], rng: random.Random) -> None:
    """Two people and the station, two looks at each part."""
    flagged = index.search("", 20, Filters(outcomes=frozenset({Outcome.REJECT})))
    rows = [*flagged, *index.newest(20)]
    parts = {row.key: truth.get(row.serial or "", GOOD) for row in rows}
    studies = Studies(store)
    study = studies.plan(
        "mara",
        name="Spring check",
        parts={key: GOOD if label == GOOD else HELD_UP for key, label in parts.items()},
        appraisers=("jonas", "li"),
        trials=2,
        seed=3,
        machine=True,
    )
    for appraiser in study.appraisers:
        while (look := studies.next_look(study, appraiser)) is not None:
            known = study.parts[PartKey.parse(look.part)]
            answer = known if rng.random() > MISTAKES else ANSWERS[known == ANSWERS[0]]
            study = studies.answer(appraiser, study.id, look.code, answer, 2000)


def _decision(item: QueueItem, truth: str, rng: random.Random) -> NewDecision:
    if rng.random() < MISTAKES:
        truth = GOOD if truth != GOOD else "stain"
    choice = Choice.FALSE_REJECT if truth == GOOD else Choice.MISSED_DEFECT
    if truth != GOOD and item.part.label == truth:
        choice = Choice.CONFIRM
    label = None if truth == GOOD else truth
    request = str(uuid.UUID(int=rng.getrandbits(128)))
    shown_ms = rng.randrange(1500, 9000)
    return NewDecision(item.part.key, choice, label, "", (), item.why, item.is_blind, request, 0, shown_ms)


def _picture_all(browser: Browser, bench: RunningBench, out: Path) -> None:
    for theme in ("light", "dark"):
        context = browser.new_context(
            viewport={"width": 1440, "height": 900},
            color_scheme=theme,
            device_scale_factor=1,
            locale="en-GB",
        )
        page = context.new_page()
        page.goto(bench.url + "/login")
        _picture(page, out / f"login-{theme}.webp")
        page.fill("input[name=name]", "mara")
        page.fill("input[name=password]", PASSWORD)
        page.click("main form button")
        for name, path in PAGES.items():
            page.goto(bench.url + path)
            page.wait_for_timeout(700)
            _picture(page, out / f"{name}-{theme}.webp")
        page.goto(bench.url + "/parts")
        page.locator("table a").filter(has_text="pit").first.click()
        page.wait_for_timeout(1500)
        _picture(page, out / f"part-{theme}.webp")
        page.goto(bench.url + "/review")
        page.get_by_role("link", name="Start").first.click()
        page.wait_for_timeout(4000)
        _picture(page, out / f"bench-{theme}.webp")
        context.close()


def _picture(page: Page, file: Path) -> None:
    image = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    file.write_bytes(cv2.imencode(".webp", image, (cv2.IMWRITE_WEBP_QUALITY, 90))[1].tobytes())


if __name__ == "__main__":
    main()
