"""The model behind every file and message that must not be misread: frozen, strict, with a digest."""

from __future__ import annotations

import hashlib
import os
from typing import TypeVar

os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"  # a line runs nobody's plug-in, and looks for none

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """Frozen; an unknown key is a mistake, never ignored, and a number is one that ends."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON: two files that mean the same have the same digest."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


Model = TypeVar("Model", bound=StrictModel)
