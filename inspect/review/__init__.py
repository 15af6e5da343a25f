"""The review bench: where QA sees, decides and signs, beside a line that never notices it."""
