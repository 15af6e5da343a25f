"""The defect book of a product: what every label means, how grave it is, and how much of it is tolerated.

One file that people keep; data, reports, recipes and the bundle's card take their words from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from pydantic import Field, model_validator

from taktsight.errors import ConfigError, DataError
from taktsight.strict_model import StrictModel

Severity = Literal["critical", "major", "minor"]
"""Gravest first, after MIL-STD-105E (1989), 3: a critical defect makes the product hazardous; a major one
likely makes it fail or much less usable; a minor one hardly makes it less usable."""
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


class Described(StrictModel):
    """What a label means; travels in the bundle's card."""

    name: str = Field(min_length=1, pattern=r"^\S(.*\S)?$")
    """The label, as the model and the recipe call it."""
    description: str = Field(min_length=1)
    """What one sees, so that two people call it the same."""
    severity: Severity
    """What it does to whoever gets the part."""


class Entry(Described):
    """One label of the book."""

    max_area_mm2: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Largest single region that is tolerated, mm²; 0 tolerates none."""
    why: str = ""
    """Where the limit comes from: a drawing, a standard, a sample board."""
    examples: tuple[Path, ...] = ()
    """Pictures of it, relative to the book."""
    aliases: tuple[str, ...] = ()
    """Names in annotations that mean this label, spelled exactly so."""

    @model_validator(mode="after")
    def _tolerance_has_a_reason(self) -> Entry:
        if self.max_area_mm2 and not self.why:
            raise ValueError(f"{self.name} tolerates {self.max_area_mm2:g} mm² and 'why' does not say why")
        return self


class DefectBook(StrictModel):
    """Every label of one product."""

    product: str = Field(min_length=1)
    labels: tuple[Entry, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _a_name_means_one_label(self) -> DefectBook:
        names = [name for entry in self.labels for name in (entry.name, *entry.aliases)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(map(repr, twice))} stands twice among names and aliases")
        return self

    def find(self, said: str) -> Entry | None:
        """The entry that a name or alias means; None where the book does not know it."""
        return next((entry for entry in self.labels if said in (entry.name, *entry.aliases)), None)

    def described(self, labels: tuple[str, ...]) -> tuple[Described, ...]:
        """What the card of a model with these labels says of them; labels the book lacks are left out."""
        known = {entry.name: entry for entry in self.labels}
        return tuple(
            Described(name=label, description=known[label].description, severity=known[label].severity)
            for label in labels
            if label in known
        )


def load_book(path: Path) -> DefectBook:
    """The book in a YAML file; examples are relative to the file. No picture is opened.

    Raises:
        ConfigError: Listing every mistake in the file.
    """
    from taktsight.strict_yaml import read_yaml  # vision reads cards, and no yaml

    book = read_yaml(path, DefectBook)
    entries = [
        entry.model_copy(update={"examples": tuple(path.parent / example for example in entry.examples)})
        for entry in book.labels
    ]
    return book.model_copy(update={"labels": tuple(entries)})


def load_illustrated_book(path: Path) -> DefectBook:
    """The same, after every example picture was opened.

    Raises:
        ConfigError: Also if a picture is absent or cannot be decoded; it lists all of those.
    """
    from taktsight.image_files import read_image  # the line process has no numpy

    book = load_book(path)
    mistakes = []
    for entry in book.labels:
        for example in entry.examples:
            try:
                read_image(example)
            except DataError as error:
                mistakes.append(f"  {entry.name}: {error}")
    if mistakes:
        said = "example cannot" if len(mistakes) == 1 else "examples cannot"
        lines = "\n".join(mistakes)
        raise ConfigError(
            f"{path}: {len(mistakes)} {said} be shown; restore it or remove its line\n{lines}"
        )
    return book
