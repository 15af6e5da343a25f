"""The evaluation as one HTML file for people and one JSON file for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from pydantic import Field, ValidationError

from taktsight.defect_book import DefectBook
from taktsight.errors import DataError
from taktsight.strict_model import StrictModel
from taktsight.training.evaluation import charts, gallery, learning_curves, sentences, time_chart
from taktsight.training.evaluation.figures import Figures, LotFigures
from taktsight.training.evaluation.judged import OpenPart
from taktsight.training.evaluation.lessons import Lessons
from taktsight.training.evaluation.severities import SeverityFigures, by_severity, meanings

REPORT_FILE = "report.html"
FIGURES_FILE = "evaluation.json"
LOTS_SHOWN = 12
SUSPECTS_PER_PICTURE = 2


class Subject(StrictModel):
    """What was evaluated."""

    model: str
    """The model's name."""
    data: str
    """The data set's name."""
    date: str
    """Day of the evaluation, ISO 8601; passed in, so that the same figures give the same bytes."""
    looks: int = Field(default=1, ge=1)
    """Models that these test parts have judged so far, this one included."""
    changed: tuple[str, ...] = ()
    """What is no longer as it was when the model was trained."""
    digests: Mapping[str, str] = {}
    """What the figures hold for: name → SHA-256, for example weights, data, config."""


class Evaluation(StrictModel):
    """``evaluation.json``."""

    format: Literal[1] = 1
    subject: Subject
    figures: Figures
    by_severity: tuple[SeverityFigures, ...] = ()
    """Gravest first; empty where no defect book says how grave a label is."""


def write_report(
    folder: Path,
    figures: Figures,
    subject: Subject,
    open_part: OpenPart | None = None,
    lessons: Lessons | None = None,
    *,
    book: DefectBook | None = None,
    pictures: int = 6,
) -> Path:
    """Writes ``report.html`` and ``evaluation.json`` and returns the path of the former.

    The HTML file needs no other file, no network and no script. The same arguments give the same bytes.

    Args:
        folder: made where it is absent; files of an earlier evaluation are replaced.
        figures: from :func:`~taktsight.training.evaluation.evaluate.evaluate`.
        subject: what was evaluated.
        open_part: opens a part by its name; without it the report has no pictures.
        lessons: how the model learned and which labels it doubts; without it the report says nothing of it.
        book: what the labels mean and how grave they are; without it the report says nothing of it.
        pictures: parts shown of each kind: worst escapes, worst overkills; twice as many doubtful labels.
    """
    folder.mkdir(parents=True, exist_ok=True)
    severities = by_severity(figures, book) if book else ()
    evaluation = Evaluation(subject=subject, figures=figures, by_severity=severities)
    content = evaluation.model_dump_json(indent=1)
    (folder / FIGURES_FILE).write_text(content + "\n", encoding="utf-8")
    report = folder / REPORT_FILE
    report.write_text(_render(evaluation, open_part, lessons, book, pictures), encoding="utf-8")
    return report


def read_evaluation(path: Path) -> Evaluation:
    """The evaluation in an ``evaluation.json``.

    Raises:
        DataError: If the file is absent or is not an evaluation of this format.
    """
    try:
        return Evaluation.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise DataError(
            f"{path}: is not an evaluation that this version reads ({error.error_count()} mistakes); "
            "evaluate again"
        ) from error


def _render(
    evaluation: Evaluation,
    open_part: OpenPart | None,
    lessons: Lessons | None,
    book: DefectBook | None,
    pictures: int,
) -> str:
    figures = evaluation.figures
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=sentences.percent, share=sentences.share, interval=sentences.interval
    )
    lots = _worst_lots(figures.per_lot)
    return environment.get_template(
        REPORT_FILE
    ).render(
        f=figures,
        subject=evaluation.subject,
        answer=sentences.answer(figures),
        physical_answer=sentences.physical_answer(figures),
        regions_answer=sentences.regions_answer(figures.regions) if figures.regions else "",
        caveats=sentences.caveats(figures),
        one_band=len({(limit.review_score, limit.reject_score) for limit in figures.limits}) == 1,
        exposure_note="; of each physical part the worst exposure" if figures.escape_physical else "",
        lots=lots,
        lots_left=len(figures.per_lot) - len(lots),
        roc=Markup(charts.roc_chart(figures)),  # noqa: S704  drawn here, from numbers and fixed words
        precision_recall=Markup(charts.precision_recall_chart(figures)),  # noqa: S704
        scores=Markup(charts.score_chart(figures)),  # noqa: S704
        sizes=Markup(charts.size_chart(figures)),  # noqa: S704
        timelines=Markup(time_chart.time_chart(figures)),  # noqa: S704
        escapes=gallery.escape_cases(figures, open_part, pictures) if open_part else (),
        overkills=gallery.overkill_cases(figures, open_part, pictures) if open_part else (),
        severities=evaluation.by_severity,
        meanings=meanings(figures, book) if book else (),
        lessons=lessons,
        learning=Markup(learning_curves.learning_chart(lessons.learning)) if lessons else "",  # noqa: S704
        learned=learning_curves.learning_said(lessons.learning) if lessons else "",
        suspects=lessons.suspects[: SUSPECTS_PER_PICTURE * pictures] if lessons else (),
    )


def _worst_lots(lots: Sequence[LotFigures]) -> list[LotFigures]:
    """The lots with most escapes, then most overkill: few enough to read."""
    worst = sorted(lots, key=lambda lot: (-lot.escape.events, -(lot.overkill.value or 0.0), lot.lot))
    return worst[:LOTS_SHOWN]
