"""Taktsight beside other inspection software: the same frames, the same networks, one cycle at a time."""
