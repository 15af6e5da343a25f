"""A station or recipe file that is changed by a program: written whole, or as it was."""

from __future__ import annotations

from pathlib import Path

from taktsight.errors import ConfigError
from taktsight.whole_files import whole_file


def write_text(named: Path, text: str) -> None:
    """Puts the text in the place of what the file says.

    Args:
        named: the file, as whoever asked for it called it; a link stays one.
        text: of the whole file.

    Raises:
        ConfigError: If it cannot be written; it is then as it was.
    """
    try:
        with whole_file(named.resolve()) as opened:
            opened.write(text.encode())
    except OSError as error:
        raise ConfigError(f"{named}: cannot be written: {error.strerror}; it is as it was") from error
