"""What the pages say, and what of it a catalogue lacks.

    python -m taktsight.inspect.review.web.catalogues        # prints what is missing, ready to be filled in

A catalogue is a file ``locales/LANGUAGE/NAME.po``; it is read as it is, nothing is compiled.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.extract import extract_from_dir

from taktsight.inspect.review.web.words import LANGUAGES, Said, texts_of

HOME = Path(__file__).parent
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
OPTIONS = {"templates/**.html": {"trimmed": "true", "newstyle_gettext": "true"}}
KEYWORDS = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2)}


@dataclass(frozen=True, slots=True)
class Text:
    """One text of the pages."""

    one: str
    many: str = ""
    """Empty where no count goes with it."""
    place: str = ""
    """File and line where it stands first."""


def texts_of_pages() -> dict[str, Text]:
    """Every text that is translated, by its English."""
    texts: dict[str, Text] = {}
    found = extract_from_dir(str(HOME), METHODS, OPTIONS, keywords=KEYWORDS)
    for file, line, message, _comments, _context in sorted(found, key=lambda each: each[:2]):
        one, many = message if isinstance(message, tuple) else (message, "")
        texts.setdefault(one, Text(one, many or "", f"{Path(file).as_posix()}:{line}"))
    return {one: text for one, text in texts.items() if one}


def missing(language: str) -> list[Text]:
    """What the language lacks."""
    known = texts_of(language)
    return [text for one, text in texts_of_pages().items() if not _is_whole(known.get(one, ""))]


def unused(language: str) -> list[str]:
    """What the language has and no page says any more."""
    return sorted(texts_of(language).keys() - texts_of_pages().keys())


def _is_whole(said: Said) -> bool:
    return bool(said) and all(said if isinstance(said, tuple) else (said,))


def _stanzas(language: str) -> Iterator[str]:
    forms = 1 if language == "zh" else 2
    for text in missing(language):
        plural = [f"msgid_plural {_quoted(text.many)}"] if text.many else []
        said = [f'msgstr[{form}] ""' for form in range(forms)] if text.many else ['msgstr ""']
        yield "\n".join((f"#: {text.place}", f"msgid {_quoted(text.one)}", *plural, *said, ""))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def main() -> int:
    """Prints what each language lacks; exit status 1 where one lacks something."""
    lacking = 0
    for language in (code for code in LANGUAGES if code != "en"):
        stanzas = list(_stanzas(language))
        lacking += len(stanzas)
        print(f"# {language}: {len(stanzas)} missing, {len(unused(language))} no longer said\n")  # noqa: T201
        for one in unused(language):
            print(f"# no longer said: {one!r}")  # noqa: T201
        print("\n".join(stanzas))  # noqa: T201
    return int(lacking > 0)


if __name__ == "__main__":
    sys.exit(main())
