"""What is wrong with a data set: found, named and shown before anybody trains with it."""

from taktsight.datasets.checks.check import Checked, check_data, summary
from taktsight.datasets.checks.findings import MEANINGS, Finding, Kind, Severity
from taktsight.datasets.source import Source

__all__ = ["MEANINGS", "Checked", "Finding", "Kind", "Severity", "Source", "check_data", "summary"]
