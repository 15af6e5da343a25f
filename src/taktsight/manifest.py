"""What a model was made of. The same circumstances give the same weights; see docs/decisions/0007."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from taktsight.strict_model import StrictModel

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256, hex."""
Split = Literal["train", "val", "test"]
_SHORT = 12
_SPLITS: tuple[Split, ...] = ("train", "val", "test")


class Environment(StrictModel):
    """What computed."""

    python: str
    platform: str
    """Operating system and processor architecture, as Python names them."""
    device: str
    """``cpu`` with the widest instructions that PyTorch uses on it, or the name of the GPU."""
    precision: str
    """Of the training, as Lightning calls it: ``32-true``, ``bf16-mixed``, ``16-mixed``."""
    processes: int = Field(ge=1)
    threads: int = Field(ge=1)
    """Of each process: floating-point sums depend on how many there are."""
    packages: Mapping[str, str]
    """Version of each package that takes part in a training."""


class DatasetVersion(StrictModel):
    """Which version of a reviewed data set somebody was trained on: ``taktsight data from-reviews``."""

    name: str = Field(min_length=1)
    version: int = Field(ge=1)
    sha256: Digest
    """Of the whole version: annotations, index, lineage and, through the lineage, every image."""

    def __str__(self) -> str:
        return f"{self.name} version {self.version}, digest {self.sha256}"


class Circumstances(StrictModel):
    """All that the weights depend on, as digests and versions."""

    format: Literal[1] = 1
    data: Mapping[Split, Digest]
    """Of the images, masks, labels and drawings."""
    parts: Mapping[Split, int]
    """How many."""
    dataset: DatasetVersion | None = None
    """The version of the data set, where it has versions."""
    split: Digest
    """Which part lies in which split."""
    config: Mapping[str, Digest]
    """Section of the resolved configuration (model, data, trainer) → digest, without the folders in it."""
    code: Digest
    """Every Python file of Taktsight."""
    seed: int
    environment: Environment
    changed: tuple[str, ...] = ()
    """What was different when the training was resumed, in words: the weights are then not those of one
    that ran through."""

    @model_serializer(mode="wrap")
    def _without_none(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without a version nothing is written of it: manifests of before keep their digests."""
        said: dict[str, Any] = serialize(self)
        return {key: value for key, value in said.items() if key != "dataset" or value is not None}


class Manifest(Circumstances):
    """The circumstances, and what came of them."""

    weights: Digest
    """Of every tensor of the model; not of a file."""

    def in_words(self) -> tuple[str, ...]:
        """Lines for a person, each with its subject first."""
        env = self.environment
        parts = ", ".join(f"{self.parts[split]} {split}" for split in _SPLITS)
        data = ", ".join(f"{split} {self.data[split][:_SHORT]}…" for split in _SPLITS)
        config = ", ".join(
            f"{section} {digest[:_SHORT]}…" for section, digest in sorted(self.config.items())
        )
        packages = ", ".join(f"{name} {version}" for name, version in sorted(env.packages.items()))
        lines = [
            f"weights    {self.weights}",
            f"made from  {parts} parts, assigned by split {self.split[:_SHORT]}…; seed {self.seed}",
            f"data       {data}",
            *([] if self.dataset is None else [f"data set   {self.dataset}"]),
            f"settings   {config}",
            f"code       {self.code}",
            f"made by    {env.processes} {_plural('process', env.processes)} of {env.threads} "
            f"{_plural('thread', env.threads)} in {env.precision} on {env.device}, {env.platform}",
            f"made with  Python {env.python}, {packages}",
        ]
        return (*lines, *(f"resumed    {change}" for change in self.changed))


def differences(before: StrictModel, after: StrictModel) -> dict[str, tuple[str, str]]:
    """Dotted name of every value that is not the same → what it was and what it is; "" where it is not."""
    old, new = dict(_values(before.model_dump(mode="json"))), dict(_values(after.model_dump(mode="json")))
    return {
        name: (old.get(name, ""), new.get(name, ""))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    }


def spoken(found: Mapping[str, tuple[str, str]]) -> tuple[str, ...]:
    """Differences as a person reads them."""
    return tuple(f"{name} was {_said(old)}, is {_said(new)}" for name, (old, new) in found.items())


def _said(value: str) -> str:
    is_digest = re.fullmatch("[0-9a-f]{64}", value)
    return f"{value[:_SHORT]}…" if is_digest else value or "not there"


def _values(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _values(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", str(value)


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}{'es' if word.endswith('s') else 's'}"
