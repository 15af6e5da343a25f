"""A line against the bare engine, piece by piece: what is run, and what is read off it."""
