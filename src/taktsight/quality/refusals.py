"""Limits may be tested on parts that they were not chosen on, and on no others."""

from __future__ import annotations

from pathlib import Path

from taktsight.errors import ConfigError, DataError
from taktsight.quality.certificate import Certificate, Evidence
from taktsight.quality.parts import Parts
from taktsight.quality.parts_file import file_digest, read_parts

WHY = (
    "limits look better on the parts that they were chosen on than they are. Test them on others, or let "
    "certify choose limits: Learn-then-Test corrects for the choice"
)


def check_chosen_elsewhere(
    chosen_on: Path | None, parts: Parts, evidence: Evidence, before: Certificate | None
) -> None:
    """Refuses to test limits on the parts that they were chosen on.

    Args:
        chosen_on: the table of those parts.
        parts: to test on.
        evidence: of the parts to test on.
        before: the bundle's certificate, whose limits were chosen on its own data.

    Raises:
        ConfigError: If nobody says what they were chosen on.
        DataError: If it is the same data, or a part is in both.
    """
    if before is not None and evidence.sha256 in {each.sha256 for each in before.data}:
        raise DataError(f"{evidence.name}: the bundle's certificate chose its limits on this data; {WHY}")
    if chosen_on is None:
        raise ConfigError(
            "--limits are tested, and nothing says which parts they were chosen on; name those with "
            f"--chosen-on: {WHY}"
        )
    if file_digest(chosen_on) == evidence.sha256:
        raise DataError(f"{chosen_on}: is the table to test on as well; {WHY}")
    known = set(read_parts(chosen_on).part.names)
    shared = next((name for name in parts.part.names if name in known), None)
    if shared is not None:
        raise DataError(f"{chosen_on}: column part: {shared!r} is among the parts to test on; {WHY}")
