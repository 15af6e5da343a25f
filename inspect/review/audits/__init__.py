"""Audits of passed parts: drawn, looked at, and what they show at any time."""
