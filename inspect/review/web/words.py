"""Texts in the reader's language; numbers and times as the reader writes them.

Catalogues are read at start from ``locales/LANGUAGE/*.po``: no compile step. A page may bring a
catalogue of its own beside ``messages.po``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TypeAlias

from babel import Locale, dates, numbers
from babel.messages.pofile import read_po

LANGUAGES = {"en": "English", "de": "Deutsch", "zh": "中文"}
"""In their own words, as the choice of language shows them."""
Said: TypeAlias = "str | tuple[str, ...]"
"""One text, or one for each form of a count."""
LOCALES = Path(__file__).with_name("locales")


def N_(text: str) -> str:  # noqa: N802  # what gettext calls it
    """Marks a text that is translated where it is shown."""
    return text


@dataclass(frozen=True, slots=True)
class Words:
    """One language."""

    language: str
    locale: Locale
    texts: Mapping[str, Said] = field(default_factory=dict)
    plural: Callable[[int], int] = lambda count: int(count != 1)

    def gettext(self, text: str) -> str:
        """The text in this language; as it stands where the catalogue has none."""
        found = self.texts.get(text)
        return (found if isinstance(found, str) else found[0] if found else "") or text

    def ngettext(self, one: str, many: str, count: int) -> str:
        """The text that goes with a count."""
        found = self.texts.get(one)
        if isinstance(found, tuple):
            return found[self.plural(count)] or (one if count == 1 else many)
        return one if count == 1 else many

    def number(self, value: float | None, digits: int | None = None) -> str:
        """Grouped, with so many decimals; a dash where there is none."""
        if value is None:
            return "–"
        pattern = None if digits is None else f"#,##0.{'0' * digits}" if digits else "#,##0"
        return numbers.format_decimal(value, pattern and _pattern(pattern), locale=self.locale)

    def percent(self, share: float | None, digits: int = 1) -> str:
        """Of a share of 0 to 1; a dash where there is none."""
        if share is None:
            return "–"
        own = self.locale.percent_formats[None].pattern
        pattern = own.replace("#,##0", f"#,##0.{'0' * digits}") if digits else own
        return numbers.format_percent(share, _pattern(pattern), locale=self.locale)

    def moment(self, utc: str | None) -> str:
        """Day and time on this plant's clock, of a time in UTC as the records write it."""
        return "–" if not utc else dates.format_datetime(_local(utc), "medium", locale=self.locale)

    def day(self, utc: str | None) -> str:
        """Day on this plant's calendar."""
        return "–" if not utc else dates.format_date(_local(utc), "medium", locale=self.locale)

    def clock(self, utc: str | None) -> str:
        """Time of day on this plant's clock."""
        return "–" if not utc else dates.format_time(_local(utc).time(), "medium", locale=self.locale)

    def ago(self, seconds: float) -> str:
        """How long since, in words."""
        return dates.format_timedelta(
            timedelta(seconds=-abs(seconds)), add_direction=True, locale=self.locale
        )


@cache
def _pattern(text: str) -> numbers.NumberPattern:
    """Read once: a page has hundreds of numbers."""
    return numbers.parse_pattern(text)


def _local(utc: str) -> datetime:
    return datetime.fromisoformat(utc.replace("Z", "+00:00")).astimezone().replace(tzinfo=None)


@cache
def words_of(language: str) -> Words:
    """The words of one of the languages."""
    # A plant has 24 hours, and days before months: British English.
    locale = Locale.parse("en_GB" if language == "en" else language)
    return Words(language, locale, texts_of(language), _plural_of(language))


def texts_of(language: str) -> dict[str, Said]:
    """English → what the catalogues of a language say; empty where a translation is only a guess."""
    texts: dict[str, Said] = {}
    for path in sorted((LOCALES / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                one = message.id if isinstance(message.id, str) else message.id[0]
                said = message.string or ""
                if one:
                    texts[one] = "" if message.fuzzy else said if isinstance(said, str) else tuple(said)
    return texts


def _plural_of(language: str) -> Callable[[int], int]:
    """Which of a catalogue's forms a count takes: Chinese has one."""
    return (lambda _count: 0) if language == "zh" else (lambda count: int(count != 1))


def wanted_language(accepted: str) -> str:
    """Of ours, the one that a browser's Accept-Language names first; English where it names none."""
    wishes = []
    for place, wish in enumerate(accepted[:500].split(",")):
        tag, _, weight = wish.strip().partition(";q=")
        try:
            wishes.append((-float(weight or 1), place, tag.partition("-")[0].lower()))
        except ValueError:
            continue
    return next((tag for _, _, tag in sorted(wishes) if tag in LANGUAGES), "en")
