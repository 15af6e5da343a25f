"""Defects that nobody has seen yet, made up on good parts: they teach what is not as it should be."""
