"""A recipe as the file that a station reads, with other limits than it had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from taktsight.recipe import Recipe


def recipe_text(recipe: Recipe, source: Path | None, out: Path) -> str:
    """The recipe as YAML.

    Args:
        recipe: with the limits that it shall have.
        source: the file that it was read from, whose other values are kept; None: it came with a bundle.
        out: where it will lie; golden templates are found from there.
    """
    content: dict[str, Any]
    if source is None:
        content = {
            "product": recipe.product,
            "views": [_view(each.model_dump(mode="json")) for each in recipe.views],
        }
        if recipe.max_flip_share:
            content["max_flip_share"] = recipe.max_flip_share
    else:
        content = yaml.safe_load(source.read_text(encoding="utf-8"))
        content.pop("book", None)  # what it says of areas stands in the limits now
        if source.resolve().parent != out.resolve().parent:
            _point_to(content, source.resolve().parent)
    content["limits"] = [limit.model_dump(mode="json") for limit in recipe.limits]
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100))


def _view(content: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if value is not None}


def _point_to(content: dict[str, Any], folder: Path) -> None:
    """Golden templates by their whole path."""
    for view in content["views"]:
        for holder in (view, view.get("health") or {}):
            if holder.get("reference"):
                holder["reference"] = str(folder / holder["reference"])
