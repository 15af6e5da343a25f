"""Agreement studies of people and the station: planned, run blind, reported; all in the chained log."""
