"""The report: it says every figure, needs nothing from outside, and is the same bytes twice."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from taktsight.card import Task
from taktsight.datasets.samples import GOOD
from taktsight.errors import DataError
from taktsight.recipe import Limit
from taktsight.training.evaluation.evaluate import evaluate
from taktsight.training.evaluation.figures import Figures
from taktsight.training.evaluation.gallery import Case, escape_cases, overkill_cases
from taktsight.training.evaluation.judged import JudgedPart, OpenedPart
from taktsight.training.evaluation.operating_point import ChosenLimits, choose_limits
from taktsight.training.evaluation.report import Subject, read_evaluation, write_report
from taktsight.training.evaluation.sentences import percent

LABELS = ("crack", "pit")
SUBJECT = Subject(model="tiles-1", data="Tiles <A&B>", date="2026-11-22", digests={"weights": "ab" * 32})


def judged(seed: int = 0) -> list[JudgedPart]:
    rng = np.random.default_rng(seed)
    parts = []
    for split in ("val", "test"):
        for number in range(60):
            label = (GOOD, GOOD, *LABELS)[number % 4]
            logits = rng.normal(-4, 2.0, 2)
            if label != GOOD:
                logits[LABELS.index(label)] += 5
            parts.append(
                JudgedPart(
                    f"{split}-{number}",
                    label,
                    (1 / (1 + np.exp(-logits))).astype(np.float32),
                    split,
                    part=f"{split} tile {number // 8 * 4 + number % 4}",
                    lot=f"L{number % 3}",
                    pixel_f1=None if label == GOOD else float(rng.random()),
                )
            )
    return parts


def figures_of(task: Task = "segmentation") -> Figures:
    parts = judged()
    return evaluate(parts, LABELS, task, choose_limits(parts, LABELS, task), resamples=200)


def open_part(_name: str) -> OpenedPart:
    image = np.full((90, 50, 1), 120, np.uint8)
    mask = np.zeros((90, 50), np.uint8)
    mask[40:44, 20:24] = 255
    maps = np.zeros((2, 23, 13), np.float32)
    maps[0, 10, 5] = 0.9
    return OpenedPart(image, maps, mask, map_px=4)


class Page(HTMLParser):
    """What a browser would fetch, run and show."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attributes:
            if name in {"src", "href", "xlink:href", "srcset", "action", "data", "poster"}:
                self.fetched.append(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).replace("\u00a0", " ").split())


def written(folder: Path, task: Task = "segmentation") -> tuple[Figures, str]:
    figures = figures_of(task)
    return figures, write_report(folder, figures, SUBJECT, open_part).read_text(encoding="utf-8")


def test_the_report_fetches_nothing_and_runs_nothing(tmp_path: Path) -> None:
    _, content = written(tmp_path)
    page = Page(content)
    assert page.fetched
    assert all(link.startswith(("data:image/", "#")) for link in page.fetched)
    assert "script" not in page.tags
    assert "link" not in page.tags
    assert not re.findall(r"@import|url\((?!#)", content)


def test_the_ids_of_the_charts_are_unique_and_their_references_resolve(tmp_path: Path) -> None:
    _, content = written(tmp_path)
    page = Page(content)
    assert len(set(page.ids)) == len(page.ids)
    assert {*re.findall(r"url\(#([^)]+)\)", content)} <= set(page.ids)
    assert {link[1:] for link in page.fetched if link.startswith("#")} <= set(page.ids)


def test_the_report_says_every_figure(tmp_path: Path) -> None:
    figures, content = written(tmp_path)
    text = Page(content).text
    assert f"Of {figures.escape.parts} defective parts {figures.escape.events} escaped" in text
    assert f"of {figures.overkill.parts} good parts {figures.overkill.events} were held up" in text
    assert figures.auroc is not None
    assert figures.average_precision is not None
    assert figures.pixel_f1 is not None
    for estimate in (figures.auroc, figures.average_precision, figures.pixel_f1):
        assert f"{estimate.value:.3f}" in text
        assert f"{estimate.low:.3f}, {estimate.high:.3f}" in text
    shares = [figures.escape, figures.overkill, figures.escape_physical, figures.overkill_physical]
    shares += [row.escape for row in figures.per_label] + [row.escape for row in figures.per_lot]
    for share in shares:
        assert share is not None
        for value in (share.value, share.low, share.high):
            assert percent(value).replace("\u00a0", " ") in text
    assert figures.limits_reason in text
    assert SUBJECT.digests["weights"] in text
    assert "2026-11-22" in text


def test_names_from_the_data_are_shown_not_run(tmp_path: Path) -> None:
    _, content = written(tmp_path)
    assert html.escape(SUBJECT.data) in content
    assert SUBJECT.data not in content


def test_the_confusion_matrix_of_a_classification_stands_in_the_report(tmp_path: Path) -> None:
    figures, content = written(tmp_path, "classification")
    assert figures.classification is not None
    cells = re.findall(r'<td class="(?:hit|miss|none)"[^>]*>(\d+)</td>', content)
    assert [int(cell) for cell in cells] == [n for row in figures.classification.confusion for n in row]
    assert f"{figures.classification.macro_f1.value:.3f}" in Page(content).text


def test_the_same_figures_give_the_same_bytes(tmp_path: Path) -> None:
    written(tmp_path / "first")
    written(tmp_path / "second")
    for name in ("report.html", "evaluation.json"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


@pytest.mark.parametrize("task", ["segmentation", "classification"])
def test_the_json_file_reads_back_as_the_same_figures(tmp_path: Path, task: Task) -> None:
    figures, _ = written(tmp_path, task)
    evaluation = read_evaluation(tmp_path / "evaluation.json")
    assert evaluation.figures == figures
    assert evaluation.subject == SUBJECT
    content = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    assert list(content) == ["format", "subject", "figures", "by_severity"]
    assert list(content["figures"]) == list(Figures.model_fields)


def test_every_figure_in_the_json_file_is_explained() -> None:
    assert [name for name, field in Figures.model_fields.items() if not field.description] == []


def test_a_damaged_json_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_text('{"format": 1, "figures": {}}')
    with pytest.raises(DataError, match="evaluate again"):
        read_evaluation(tmp_path / "evaluation.json")
    with pytest.raises(DataError, match="cannot be read"):
        read_evaluation(tmp_path / "absent.json")


def test_without_good_parts_the_report_says_that_overkill_is_not_known(tmp_path: Path) -> None:
    parts = [part for part in judged() if part.is_defective]
    chosen = choose_limits(parts, LABELS, "classification")
    figures = evaluate(parts, LABELS, "classification", chosen, resamples=200)
    text = Page(write_report(tmp_path, figures, SUBJECT).read_text(encoding="utf-8")).text
    assert "there is no good part, so the overkill rate is not known" in text
    assert "No part passes" in text
    assert "AUROC against good" not in text
    assert "Precision" not in text
    assert "nan" not in text.lower().split()


def test_without_defective_parts_the_report_says_that_escapes_are_not_known(tmp_path: Path) -> None:
    parts = [part for part in judged() if not part.is_defective]
    limits = tuple(Limit(label=label, review_score=0.3, reject_score=0.7) for label in LABELS)
    figures = evaluate(parts, LABELS, "segmentation", ChosenLimits(limits, "val", "by hand"), resamples=200)
    text = Page(write_report(tmp_path, figures, SUBJECT).read_text(encoding="utf-8")).text
    assert "There is no defective part, so the escape rate is not known" in text


def test_limits_that_differ_by_label_are_listed(tmp_path: Path) -> None:
    limits = (
        Limit(label="crack", review_score=0.1234, reject_score=0.7),
        Limit(label="pit", review_score=0.4321, reject_score=0.7),
    )
    figures = evaluate(
        judged(), LABELS, "segmentation", ChosenLimits(limits, "a recipe", "given"), resamples=50
    )
    text = Page(write_report(tmp_path, figures, SUBJECT).read_text(encoding="utf-8")).text
    assert "0.1234" in text
    assert "0.4321" in text


def test_the_gallery_shows_escapes_first_and_each_physical_part_once() -> None:
    figures = figures_of()
    cases = escape_cases(figures, open_part, 6)
    pieces = [case.part.part for case in cases]
    assert len(set(pieces)) == len(pieces) == 6
    wrong = [case.is_wrong for case in cases]
    assert wrong == sorted(wrong, reverse=True)
    assert cases[0].part.score == min(part.score for part in figures.parts if part.is_defective)
    held_up = overkill_cases(figures, open_part, 6)
    assert held_up[0].part.score == max(part.score for part in figures.parts if not part.is_defective)


def shown(case: Case, number: int) -> np.ndarray:
    import base64

    uri = case.pictures[number].uri
    assert uri is not None
    content = base64.b64decode(uri.split(",")[1])
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded


def test_the_pictures_show_frame_reference_and_map_where_they_lie() -> None:
    case = escape_cases(figures_of(), open_part, 1)[0]
    frame, reference, score_map = (shown(case, number).astype(int) for number in range(3))
    assert frame.shape == reference.shape == score_map.shape == (450, 250, 3)
    assert abs(frame - 120).max() < 3
    yellow = (reference[:, :, 2] - reference[:, :, 0]) > 100
    rows, columns = np.nonzero(yellow)
    assert (rows.mean(), columns.mean()) == pytest.approx((42 * 5, 22 * 5), abs=5)
    assert abs(reference[42 * 5, 22 * 5] - 120).max() < 12  # the defect itself stays visible
    tinted = np.abs(score_map - 120).max(axis=2) > 30
    rows, columns = np.nonzero(tinted)
    assert (rows.mean(), columns.mean()) == pytest.approx((42 * 5, 22 * 5), abs=5)


def test_a_map_of_a_region_lies_in_that_region() -> None:
    maps = np.ones((2, 5, 5), np.float32)

    def opened(_name: str) -> OpenedPart:
        return OpenedPart(np.full((90, 50, 3), 120, np.uint8), maps, None, 4, (10, 20, 28, 40))

    case = escape_cases(figures_of(), opened, 1)[0]
    assert case.pictures[1].uri is None
    tinted = np.abs(shown(case, 2).astype(int) - 120).max(axis=2) > 30
    assert tinted[30 * 5, 19 * 5]
    assert not tinted[60 * 5, 19 * 5]
    assert not tinted[30 * 5, 40 * 5]


def test_a_map_that_does_not_cover_the_region_is_refused() -> None:
    with pytest.raises(ValueError, match="do not cover"):
        OpenedPart(np.zeros((90, 50, 1), np.uint8), np.zeros((2, 5, 5), np.float32), map_px=4)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.00001, "< 0.01 %"),
        (0.99999, "> 99.99 %"),
        (0.0039, "0.39 %"),
        (0.039, "3.9 %"),
        (0.9996, "99.96 %"),
    ],
)
def test_a_rate_is_never_rounded_to_none_or_all(value: float | None, text: str) -> None:
    assert percent(value).replace("\u00a0", " ") == text
