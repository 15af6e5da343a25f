"""The figures in a QA engineer's words: the answer, and what it does not say."""

from __future__ import annotations

from taktsight.training.evaluation.estimates import Estimate, Share
from taktsight.training.evaluation.figures import Figures
from taktsight.training.evaluation.found_regions import RegionFigures

NBSP = "\u00a0"
UNDEFINED = "–"


def percent(value: float | None) -> str:
    """A share for reading: 0 and 100 % are written only where they are exact."""
    if value is None:
        return UNDEFINED
    if value in (0.0, 1.0):
        return f"{value:.0%}".replace("%", f"{NBSP}%")
    if value < 0.0001:
        return f"<{NBSP}0.01{NBSP}%"
    if value > 0.9999:
        return f">{NBSP}99.99{NBSP}%"
    decimals = 2 if value < 0.01 or value > 0.99 else 1
    return f"{100 * value:.{decimals}f}{NBSP}%"


def share(value: Share) -> str:
    """A share with its interval: "3.9 % [0.8 %, 11.1 %]"."""
    if value.value is None:
        return UNDEFINED
    return f"{percent(value.value)} [{percent(value.low)}, {percent(value.high)}]"


def interval(value: Estimate | None, decimals: int = 3) -> str:
    """The 95 % interval of an estimate: "[0.951, 0.989]"."""
    if value is None or value.low is None or value.high is None:
        return "no interval"
    return f"[{value.low:.{decimals}f}, {value.high:.{decimals}f}]"


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 part", "2 parts"."""
    return f"{number:,}{NBSP}{noun}{'' if number == 1 else 's'}".replace(",", NBSP)


def answer(figures: Figures) -> str:
    """The report in one sentence."""
    return f"{_escape_clause(figures)}; {_overkill_clause(figures)}."


def physical_answer(figures: Figures) -> str | None:
    """The same per physical part, where parts were exposed more than once."""
    escape, overkill = figures.escape_physical, figures.overkill_physical
    if escape is None or overkill is None:
        return None
    clauses = []
    if escape.parts:
        clauses.append(
            f"of {counted(escape.parts, 'defective physical part')} {escape.events} passed in at least "
            f"one exposure: {share(escape)}"
        )
    if overkill.parts:
        clauses.append(
            f"of {counted(overkill.parts, 'good physical part')} {overkill.events} "
            f"{_were(overkill.events)} held up in at least one: {share(overkill)}"
        )
    return _sentence("; ".join(clauses))


def regions_answer(regions: RegionFigures) -> str:
    """What was found of the drawn defects, in one sentence."""
    counts = regions.counts
    wrong = counts.located - counts.named
    named = f", {wrong} of them only under another label" if wrong > 0 else ""
    return (
        f"Of {counted(counts.drawn, 'drawn defect')} on {counted(regions.parts, 'part')} "
        f"{counts.located} {_were(counts.located)} found{named}; "
        f"{counted(counts.found - counts.located, 'region')} found where nothing was drawn."
    )


def caveats(figures: Figures) -> tuple[str, ...]:
    """What the figures do not say; the most important first."""
    point = figures.operating_point
    said = [
        f"The figures hold for the {counted(len(figures.parts), 'part')} of split {point.measured_on}, "
        "which neither the network nor the limits have seen. Other lots, other lighting or another "
        "camera are not covered by them."
    ]
    if figures.escape.parts:
        best = 1 - 0.025 ** (1 / figures.escape.parts)
        said.append(
            f"{counted(figures.escape.parts, 'defective part')} can prove only so much: even without one "
            f"escape the interval would reach up to {percent(best)}. "
            f"What is shown here is an escape rate of at most {_shown(figures)}, "
            f"at 97.5{NBSP}% confidence."
        )
    else:
        said.append("There is no defective part in this split: nothing is known of escapes.")
    if not figures.overkill.parts:
        said.append(
            "There is no good part in this split: nothing is known of overkill, AUROC or precision."
        )
    said.append(_clustering(figures))
    if figures.average_precision is not None:
        said.append(_prevalence(figures))
    said.append(
        "A reference label that is wrong counts as an error of the model. "
        "Look at the parts that were judged wrongly before a limit is moved."
    )
    return tuple(said)


def _prevalence(figures: Figures) -> str:
    return (
        "Precision and the precision–recall curve depend on how many parts are defective: "
        f"{percent(figures.escape.parts / len(figures.parts))} here, seldom so at the line. "
        "Escape and overkill rates do not."
    )


def _escape_clause(figures: Figures) -> str:
    escape = figures.escape
    if not escape.parts:
        return "There is no defective part, so the escape rate is not known"
    return f"Of {counted(escape.parts, 'defective part')} {escape.events} escaped: {share(escape)}"


def _overkill_clause(figures: Figures) -> str:
    overkill, outcomes = figures.overkill, figures.good_outcomes
    if not overkill.parts:
        return "there is no good part, so the overkill rate is not known"
    return (
        f"of {counted(overkill.parts, 'good part')} {overkill.events} {_were(overkill.events)} held up: "
        f"{share(overkill)} ({outcomes.rejected} rejected, {outcomes.reviewed} sent to review)"
    )


def _clustering(figures: Figures) -> str:
    if figures.escape_physical is not None:
        physical = next(
            split.physical_parts
            for split in figures.splits
            if split.split == figures.operating_point.measured_on
        )
        return (
            f"The {counted(len(figures.parts), 'part')} are exposures of "
            f"{counted(physical, 'physical part')}. Exposures of one piece err together, so the intervals "
            "of escape and overkill, which count each exposure, are narrower than the truth; those per "
            "physical part are safe. AUROC, average precision, F1 and accuracy have intervals over "
            "physical parts."
        )
    if not all(part.part for part in figures.parts):
        return (
            "Physical parts are not numbered in the data: each image counts as a part of its own. If one "
            "piece was photographed twice, every interval here is too narrow, and the splits may share it."
        )
    return "Every part was seen once, so the intervals count independent pieces."


def _shown(figures: Figures) -> str:
    if figures.escape_physical is None:
        return percent(figures.escape.high)
    per_part, per_exposure = percent(figures.escape_physical.high), percent(figures.escape.high)
    return f"{per_part} per physical part ({per_exposure} per exposure)"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
