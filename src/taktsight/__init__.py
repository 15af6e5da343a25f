"""Taktsight: defect inspection that keeps takt. One verdict per part, on time, with proof."""

__version__ = "0.1.0"
