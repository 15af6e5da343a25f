"""Faults of a simulated station, one function each: injected while parts go on, then counted."""
