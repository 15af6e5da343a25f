"""The charts of the pages on quality, with the words and numbers of whoever looks at them."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from taktsight.inspect.review.audits.progress import Now
from taktsight.inspect.review.figures.control import Charted
from taktsight.inspect.review.web import svg
from taktsight.inspect.review.web.words import N_, Words
from taktsight.quality.agreement import Agreement, Share
from taktsight.quality.kappas import Kappa
from taktsight.quality.pareto import ParetoRow

RULES = {
    "limits-1": N_("beyond a limit"),
    "nelson-1": N_("beyond a limit"),
    "nelson-2": N_("nine in a row on one side of the centre"),
    "nelson-3": N_("six in a row rising or falling"),
    "nelson-4": N_("fourteen in a row up and down in turn"),
}
"""As ``quality.run_rules`` says them, of the charts that a ledger makes."""
SIDES = {
    "above": N_("above"),
    "below": N_("below"),
    "rising": N_("rising"),
    "falling": N_("falling"),
    "alternating": N_("in turn"),
    "within": N_("within"),
    "both": N_("on both sides"),
}
VERDICTS = {
    "acceptable": (N_("acceptable"), "good"),
    "marginal": (N_("marginal"), "warn"),
    "unacceptable": (N_("unacceptable"), "bad"),
    "good": (N_("good"), "good"),
    "moderate": (N_("moderate"), "warn"),
    "poor": (N_("poor"), "bad"),
    "undefined": (N_("undefined"), ""),
}
"""Of appraisers and pairs: a word, and how its tag looks."""
GOOD_KAPPA, POOR_KAPPA = 0.75, 0.40


def control_picture(charted: Charted, words: Words, title: str) -> Markup:
    """A control chart."""
    chart = charted.chart
    patterns = {point for hit in chart.hits for point in hit.points}
    dots = [
        svg.Dot(
            f"{charted.first + place}: {point.label}",
            point.value,
            point.centre,
            point.lcl,
            point.ucl,
            place + 1 in chart.out,
            place + 1 in patterns,
        )
        for place, point in enumerate(chart.points)
    ]
    names = (words.gettext("UCL"), words.gettext("Centre"), words.gettext("LCL"))
    return svg.control(dots, charted.first, said_of(charted, words), names, title)


def said_of(charted: Charted, words: Words) -> svg.Said:
    """Writes a value of the chart: a share in per cent, a gap as it is."""
    if charted.chart.limits.chart == "g":
        return lambda value: words.number(value, 0)
    return lambda value: words.percent(value, 1 if charted.chart.points[0].ucl < 0.5 else 0)


def pareto_picture(rows: Sequence[ParetoRow], words: Words, title: str) -> Markup:
    """Bars of shares with their intervals."""
    shown = [
        svg.Bar(
            row.label,
            row.share,
            row.low,
            row.high,
            f"{words.number(row.count, 0)} · {words.percent(row.share)}",
        )
        for row in rows[:12]
    ]
    return svg.bars(shown, title)


def bound_picture(now: Now, words: Words, title: str) -> Markup | None:
    """The bound of an audit as it came down; None of one with strata, or that has not begun."""
    if len(now.curve) < 2:
        return None

    def said(value: float) -> str:
        return words.number(value, 0 if value >= 10 or value == int(value) else 1)

    claim = now.audit.claim_ppm
    named = words.gettext("claim")
    return svg.bound(now.curve, claim, f"{named} {said(claim)}", said, title)


def kappa_picture(rows: Sequence[tuple[str, Kappa]], words: Words, title: str) -> Markup | None:
    """Kappas with their intervals, and where they are good and poor."""
    shown = [
        svg.Span(name, kappa.value, kappa.low, kappa.high, words.number(kappa.value, 2))
        for name, kappa in rows
    ]
    ends = [bound for _, kappa in rows for bound in (kappa.low, kappa.value) if bound is not None]
    marks = [(POOR_KAPPA, words.number(POOR_KAPPA, 2)), (GOOD_KAPPA, words.number(GOOD_KAPPA, 2))]
    return svg.spans(shown, (min([0.0, *ends]), 1.0), marks, title) if shown else None


def effectiveness_picture(
    found: Agreement, names: dict[str, str], words: Words, title: str
) -> Markup | None:
    """Effectiveness of each appraiser, with the usual limits."""
    rows = [
        svg.Span(names[each.name], share.value, share.low, share.high, words.percent(share.value))
        for each in found.appraisers
        if (share := each.effective) is not None
    ]
    least = min([0.7, *(row.low for row in rows if row.low is not None)]) if rows else 0.7
    marks = [(0.8, words.percent(0.8, 0)), (0.9, words.percent(0.9, 0))]
    return svg.spans(rows, (least, 1.0), marks, title) if rows else None


def share_said(share: Share | None, words: Words) -> str:
    """A share with its interval."""
    if share is None or share.value is None:
        return "–"
    return f"{words.percent(share.value)} [{words.percent(share.low)}, {words.percent(share.high)}]"


def between_said(low: float | None, high: float | None, words: Words) -> str:
    """An interval of shares; empty where there is none."""
    return "" if low is None or high is None else f"[{words.percent(low)}, {words.percent(high)}]"


def kappa_said(kappa: Kappa | None, words: Words) -> str:
    """A kappa with its interval."""
    if kappa is None or kappa.value is None:
        return "–"
    low, high = (None if bound is None else round(bound, 2) + 0.0 for bound in (kappa.low, kappa.high))
    interval = "" if low is None else f" [{words.number(low, 2)}, {words.number(high, 2)}]"
    return f"{words.number(round(kappa.value, 3) + 0.0, 3)}{interval}"
