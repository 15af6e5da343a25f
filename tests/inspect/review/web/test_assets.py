"""Scripts and styles: whole, small, cached for ever; catalogues complete."""

from __future__ import annotations

import gzip
import hashlib
import re

import pytest

from taktsight.inspect.review.web.assets import FOLDER, asset, assets, version
from taktsight.inspect.review.web.catalogues import HOME, missing, texts_of_pages, unused
from taktsight.inspect.review.web.words import LANGUAGES, texts_of, words_of

from .running_bench import RunningBench

MOST_SCRIPT_BYTES = 170_000


PAPER = "part_print.html"
"""It becomes a PDF here and is sent to no browser: its style sheet, for white paper alone, stands in it."""


def test_current_assets_are_kept_for_ever(bench: RunningBench) -> None:
    with bench.client() as client:
        for name, each in assets().items():
            answer = client.get(asset(name))
            assert answer.status_code == 200
            assert answer.content == each.content
            assert "immutable" in answer.headers["cache-control"]
        old = client.get("/static/000000000000/css/layout.css")
        assert old.headers["cache-control"] == "no-store"
    assert re.fullmatch("[0-9a-f]{12}", version())


def test_scripts_of_the_bench_stay_small() -> None:
    packed = [
        len(gzip.compress(each.content, 9)) for name, each in assets().items() if name.endswith(".js")
    ]
    assert sum(packed) <= MOST_SCRIPT_BYTES


def test_vendored_files_are_those_that_the_table_names() -> None:
    table = (FOLDER / "vendor" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\S+) \|.*, (\S+) \| ([0-9a-f]{64}) \|$", table, re.M)
    assert {name for name, _, _ in rows} == {
        path.name for path in (FOLDER / "vendor").iterdir() if path.suffix in (".js", ".css")
    }
    for name, licence, digest in rows:
        assert hashlib.sha256((FOLDER / "vendor" / name).read_bytes()).hexdigest() == digest
        assert (FOLDER / "vendor" / licence).is_file()


def test_templates_hold_no_inline_script_or_style() -> None:
    for path in (HOME / "templates").rglob("*.html"):
        if path.name == PAPER:
            continue
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\bsrc=)", text), (
            path.name
        )


def test_own_files_name_no_other_host() -> None:
    own = [HOME / "templates", FOLDER / "css", FOLDER / "js"]
    for path in [file for folder in own for file in folder.rglob("*") if file.is_file()]:
        assert not re.search(r"https?://|@import|url\(", path.read_text(encoding="utf-8")), path.name


def test_colours_stand_in_the_tokens_alone() -> None:
    for path in (FOLDER / "css").iterdir():
        if path.name not in ("tokens.css", "dark.css", "part_print.css"):
            assert not re.search(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsl", path.read_text(encoding="utf-8")), (
                path.name
            )


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_catalogue_is_complete(language: str) -> None:
    assert len(texts_of_pages()) > 100
    assert [text.one for text in missing(language)] == []
    assert unused(language) == []


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_translations_keep_what_is_filled_in(language: str) -> None:
    for one, said in texts_of(language).items():
        for form in (said,) if isinstance(said, str) else said:
            assert sorted(re.findall(r"%\(\w+\)s", form)) == sorted(re.findall(r"%\(\w+\)s", one)), one


def test_numbers_and_times_are_written_as_the_reader_does() -> None:
    assert words_of("de").number(1234.5, 2) == "1.234,50"
    assert words_of("en").number(1234.5, 2) == "1,234.50"
    assert words_of("de").percent(0.0123) == "1,2\xa0%"
    assert words_of("zh").number(None) == "–"
    assert words_of("de").ngettext("%(count)s value", "%(count)s values", 2) == "%(count)s Werte"
    assert words_of("zh").ngettext("%(count)s value", "%(count)s values", 2) == "%(count)s 个值"
    assert "2026" in words_of("zh").moment("2026-01-05T06:00:00.000+00:00")
