"""A new folder that is either whole or not there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from taktsight.errors import ConfigError, ExportError


def write_folder(out: Path, files: Mapping[str, bytes]) -> None:
    """Writes files into a folder beside ``out``, which then takes its place.

    Args:
        out: a folder that is new or empty.
        files: content by path below it.

    Raises:
        ConfigError: If it holds something.
        ExportError: If it cannot be written; nothing was left behind.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out}: holds something already; name a new or empty folder")
    partial = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
        for name, content in files.items():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).write_bytes(content)
        partial.chmod(0o755)
        partial.replace(out)
    except OSError as error:
        raise ExportError(
            f"{out}: cannot be written ({error.strerror}); nothing was left behind. "
            f"{sum(map(len, files.values())) / 1e6:.1f} MB are needed"
        ) from error
    finally:
        if partial is not None and partial.exists():
            shutil.rmtree(partial)
