"""Stand-ins for what stands on a line, that speak its real protocols."""
