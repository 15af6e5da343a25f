"""Faults of a running line, one function each: injected, then held against what must be true."""
