"""The defect book: one name means one label, and nothing is tolerated without a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from taktsight.card import Card
from taktsight.defect_book import DefectBook, Described, load_book, load_illustrated_book
from taktsight.errors import ConfigError
from taktsight.image_files import encode_png
from taktsight.recipe import load_recipe

from ..cards import make_card

BOOK = """\
product: flange
labels:
  - name: crack
    description: a dark jagged line
    severity: critical
    aliases: [Riss, cracks]
    examples: [pictures/crack.png]
  - name: pit
    description: a small crater
    severity: major
    max_area_mm2: 0.2
    why: drawing 4711, note 4
"""
RECIPE = """\
product: flange
book: book.yaml
views: [{camera: top, mm_per_px: 0.1}]
limits:
  - {label: crack, reject_score: 0.6, review_score: 0.3}
  - {label: pit, reject_score: 0.6, review_score: 0.3}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "crack.png").write_bytes(encode_png(np.zeros((8, 8, 1), np.uint8)))
    (tmp_path / "book.yaml").write_text(BOOK, encoding="utf-8")
    return tmp_path / "book.yaml"


def change(file: Path, old: str, new: str) -> Path:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    return file


def named(book: DefectBook, said: str) -> str | None:
    entry = book.find(said)
    return entry.name if entry else None


def test_alias_means_its_label_and_another_spelling_means_nothing(file: Path) -> None:
    book = load_illustrated_book(file)
    assert [named(book, said) for said in ("crack", "Riss", "riss", "pit ")] == [
        "crack",
        "crack",
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[Riss, cracks]", "[pit]", "'pit' stands twice among names and aliases"),
        ("name: pit", "name: crack", "'crack' stands twice among names and aliases"),
        ("severity: major", "severity: grave", "labels.1.severity: Input should be 'critical', 'major'"),
        ("    why: drawing 4711, note 4\n", "", r"pit tolerates 0.2 mm² and 'why' does not say why"),
        ("max_area_mm2: 0.2", "max_area_mm2: -1", "labels.1.max_area_mm2: .*greater than or equal to 0"),
        ("name: pit", "name: ' pit'", "labels.1.name: String should match"),
        ("severity: major", "severity: major\n    colour: red", "colour: there is no such key"),
        ("description: a small crater", "description:", r"labels.1.description: .*got None"),
    ],
)
def test_mistake_in_the_book_is_told_with_its_key(file: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load_book(change(file, old, new))


def test_every_example_that_cannot_be_shown_is_named(file: Path) -> None:
    (file.parent / "pictures" / "crack.png").write_bytes(b"no picture")
    change(file, "[pictures/crack.png]", "[pictures/crack.png, pictures/lost.png]")
    with pytest.raises(ConfigError, match="2 examples cannot be shown") as caught:
        load_illustrated_book(file)
    assert "crack.png: is not an image" in str(caught.value)
    assert "lost.png: cannot be read: No such file" in str(caught.value)


def test_recipe_has_area_and_reason_from_the_book_where_it_says_none(file: Path) -> None:
    recipe_file = file.with_name("recipe.yaml")
    recipe_file.write_text(RECIPE, encoding="utf-8")
    crack, pit = load_recipe(recipe_file).limits
    assert (crack.max_area_mm2, crack.why) == (0.0, "")
    assert (pit.max_area_mm2, pit.why) == (0.2, "drawing 4711, note 4")
    change(recipe_file, "{label: pit,", "{label: pit, max_area_mm2: 0.0,")
    assert load_recipe(recipe_file).limits[1].max_area_mm2 == 0.0


def test_recipe_that_took_its_numbers_from_the_book_is_the_one_that_states_them(file: Path) -> None:
    """The digest in the ledger is of what was judged by, wherever it was written down."""
    recipe_file, whole = file.with_name("recipe.yaml"), file.with_name("whole.yaml")
    recipe_file.write_text(RECIPE, encoding="utf-8")
    stated = "max_area_mm2: 0.2, why: 'drawing 4711, note 4', "
    text = RECIPE.replace("book: book.yaml\n", "").replace("{label: pit, ", "{label: pit, " + stated)
    whole.write_text(text, encoding="utf-8")
    assert load_recipe(recipe_file).digest == load_recipe(whole).digest


def test_limit_on_a_label_that_the_book_lacks_is_refused(file: Path) -> None:
    recipe_file = file.with_name("recipe.yaml")
    recipe_file.write_text(RECIPE.replace("label: pit", "label: pits"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"has no label pits \(it has crack, pit\)"):
        load_recipe(recipe_file)


def test_card_carries_what_its_labels_mean(file: Path) -> None:
    described = load_book(file).described(("pit",))
    assert described == (Described(name="pit", description="a small crater", severity="major"),)
    card = make_card(golden=(), described=described)
    assert Card.model_validate_json(card.model_dump_json()).described == described
    with pytest.raises(ValueError, match="are described once at most"):
        make_card(golden=(), described=load_book(file).described(("crack",)))
