"""How a station file says when a condition of the line is an alarm, and where its meters can be read."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from pydantic import Field

from taktsight.strict_model import StrictModel


class AlarmSettings(StrictModel):
    """When the line raises an alarm. Alarms are in docs/metrics.md."""

    hold_s: float = Field(default=60, gt=0, le=86_400)
    """What has happened (a restart, a deadline missed, an image shed, a measure out of band) stays an alarm
    for so long, s; nor does one alarm write into the ledger more often."""
    uninspected_share: float = Field(default=0.01, gt=0, le=1)
    """Of the parts of the last minute; where more are UNINSPECTED, nobody knows what is escaping."""
    uninspected_of_parts: int = Field(default=20, ge=1)
    """Fewer parts in the last minute say nothing about a share."""
    ledger_behind_s: float = Field(default=2, gt=0, le=3600)
    """The ledger takes no entry for so long, s, though some wait."""
    camera_lost_parts: int = Field(default=3, ge=1)
    """So many parts in a row lack a view."""


class MetricsSettings(StrictModel):
    """Where Prometheus finds the meters of the line."""

    port: int = Field(default=9464, ge=1, le=65_535)
    address: IPv4Address | IPv6Address = IPv4Address("127.0.0.1")
    """Of this computer, a number. Whoever reaches it can read the meters: 0.0.0.0 is everybody."""
