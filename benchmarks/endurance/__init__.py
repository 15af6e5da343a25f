"""Lines under load for long, or loaded unevenly: what is run, and what is read off it."""
