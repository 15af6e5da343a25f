"""The report as one page: no script, no other file; charts with their tables, numbers with their source."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path

import matplotlib as mpl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from taktsight.export.acceptance import drawings
from taktsight.export.acceptance.decisions import percent
from taktsight.export.acceptance.document import Acceptance
from taktsight.export.acceptance.given import Pictured
from taktsight.export.acceptance.sources import Source
from taktsight.quality.agreement import Share
from taktsight.quality.run_rules import SENTENCES
from taktsight.training.evaluation.agreement_chart import agreement_chart
from taktsight.training.evaluation.charts import STYLE, svg
from taktsight.training.evaluation.control_drawing import control_drawing
from taktsight.training.evaluation.gage_chart import gage_chart
from taktsight.training.evaluation.pareto_chart import pareto_chart
from taktsight.training.evaluation.pod_chart import pod_chart

TEMPLATE = "acceptance.html"
THEMED = {
    "#1d2327": "--ink",
    "#6b747b": "--grey",
    "#0072b2": "--blue",
    "#d55e00": "--mark",
    "#cfe3f0": "--pale",
    "#e3e6e8": "--grid",
    "#f0f1f2": "--band",
    "#009e73": "--green",
    "#ffffff": "--paper",
    "#000000": "--ink",
}
"""Colours of the charts, and what they are called on a screen that may be dark."""
_UNIT = re.compile(r"(?<=\d) (?=(?:%|ppm|mm|ms)(?:\W|$))|(?<=[≤≥]) (?=[\d.])")
_SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)


def rendered(report: Acceptance, pictured: Pictured) -> str:
    """The page in plain colours; the same report gives the same page."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_unbroken,
    )
    known = {source.marker: source for source in report.sources}
    environment.filters.update(
        percent=percent,
        share=share,
        short=_short,
        count=_count,
        number=_number,
        group_name=drawings.group_name,
    )
    environment.globals["src"] = lambda *markers: _markers(markers, known)
    environment.globals["named"] = lambda *markers: _named(markers, known)
    return environment.get_template(TEMPLATE).render(
        r=report,
        charts=_charts(report, pictured),
        groups=drawings.shown_groups(report.rates.groups),
        lots=sum(group.by == "lot" for group in report.rates.groups),
        sentences=SENTENCES,
        agreed=_agreed(report),
    )


def themed(page: str) -> str:
    """The page for a screen: its charts take the colours of the page, light or dark."""

    def replaced(found: re.Match[str]) -> str:
        text = found[0]
        for colour, name in THEMED.items():
            text = text.replace(colour, f"var({name}, {colour})")
        return text

    return _SVG.sub(replaced, page)


def printed(page: str) -> str:
    """The page for paper: short tables behind charts are open, long ones are left to screen and JSON."""
    page = re.sub(r'<details class="long">.*?</details>', "", page, flags=re.DOTALL)
    return page.replace("<details>", "<details open>")


def _charts(report: Acceptance, pictured: Pictured) -> dict[str, Markup]:
    """Name → picture; those that nothing was given for are missing."""
    rates, production = report.rates, report.production
    made: dict[str, tuple[str, Callable[[], Figure]]] = {
        "rates": (
            "Escape and overkill rate of all parts and of groups of them, with 95 % intervals",
            lambda: drawings.rate_drawing(rates.groups),
        )
    }
    if rates.histograms:
        made["scores"] = (
            "Histogram of scores for each label, defective and good parts, with review and reject limits",
            lambda: drawings.score_drawing(rates.histograms),
        )
    if rates.trade_off:
        made["trade"] = (
            "Escape rate over overkill rate as all limits move together, with exact 95 % bands",
            lambda: drawings.trade_drawing(rates.trade_off, _agreed(report)),
        )
    made |= _study_charts(report, pictured)
    if production is not None:
        timing, chart, rows = production.timing, production.chart, production.pareto
        limit_ms = next((each.limit for each in report.criteria if each.name == "cycle time p99"), None)
        if timing.counts:
            made["timing"] = (
                "Histogram of cycle times with p50 and p99",
                lambda: drawings.timing_drawing(timing, limit_ms),
            )
        if chart is not None:
            made["control"] = (
                "Control chart of the share of rejected parts",
                lambda: control_drawing(chart),
            )
        if rows:
            made["pareto"] = ("Labels that rejected parts, most frequent first", lambda: pareto_chart(rows))
    return {name: _drawn(name, said, draw) for name, (said, draw) in made.items()}


def _study_charts(report: Acceptance, pictured: Pictured) -> dict[str, tuple[str, Callable[[], Figure]]]:
    made: dict[str, tuple[str, Callable[[], Figure]]] = {}
    pod, agreement, gage = report.pod, report.agreement, report.gage
    if pod is not None and pictured.targets is not None:
        sizes, hit = pictured.targets
        said = "Probability of detection over the size of a defect, with its lower bound, a90 and a90/95"
        made["pod"] = (said, lambda: pod_chart(pod.figures, sizes, hit))
    if agreement is not None:
        said = "Each appraiser's shares against the usual limits, and kappa of each pair"
        made["agreement"] = (said, lambda: agreement_chart(agreement.figures))
    if gage is not None and pictured.gage is not None:
        values, appraisers, parts = pictured.gage
        said = "Values by part and appraiser, and sources of scatter"
        made["gage"] = (said, lambda: gage_chart(values, appraisers, parts, gage.figures))
    return made


def _drawn(name: str, said: str, draw: Callable[[], Figure]) -> Markup:
    with mpl.rc_context(STYLE | {"text.parse_math": False}):  # a name may hold two dollars
        text = svg(draw(), name)
    alt = f'role="img" aria-label="{escape(said, quote=True)}"'
    return Markup(text.replace('role="img"', alt, 1))  # noqa: S704  drawn here, from numbers


def _agreed(report: Acceptance) -> tuple[float | None, float | None]:
    """Escape and overkill rate that were agreed; else those that are certified."""
    named = {each.name: each.limit for each in report.criteria}
    escape_rate, overkill_rate = named.get("escape rate"), named.get("overkill rate")
    if report.standing is not None:
        claims = report.standing.certificate.claims
        escapes = [claim.alpha for claim in claims if claim.kind == "escape"]
        overkills = [claim.alpha for claim in claims if claim.kind == "overkill"]
        escape_rate = escape_rate if escape_rate is not None else max(escapes, default=None)
        overkill_rate = overkill_rate if overkill_rate is not None else max(overkills, default=None)
    return escape_rate, overkill_rate


def _unbroken(value: object) -> object:
    """Numbers and their units stay on one line."""
    return _UNIT.sub("\u00a0", value) if type(value) is str else value


def share(rate: Share | None) -> str:
    """A share with its interval and counts."""
    if rate is None or rate.value is None:
        return "–"
    return f"{percent(rate.value)} [{_bare(rate.low)}, {_bare(rate.high)}] ({rate.events:,}/{rate.of:,})"


def _bare(value: float) -> str:
    return percent(value).removesuffix(" %")


def _short(digest: str) -> str:
    return digest[:8]


def _count(value: int) -> str:
    return f"{value:,}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _markers(markers: Sequence[str], known: Mapping[str, Source]) -> Markup:
    """Small links to the list of sources."""
    links = [
        Markup('<a class="src" href="#{0}" title="{1}, SHA-256 {2}…">{0}</a>').format(
            marker, known[marker].name, known[marker].short
        )
        for marker in markers
    ]
    return Markup("\u202f").join(links)


def _named(markers: Sequence[str], known: Mapping[str, Source]) -> Markup:
    """The same with name and digest, for captions."""
    links = [
        Markup('<a class="src" href="#{0}">{0}</a> {1} <code>{2}</code>').format(
            marker, known[marker].name, known[marker].short
        )
        for marker in markers
    ]
    return Markup('<span class="from">From {}</span>').format(Markup(", ").join(links))
