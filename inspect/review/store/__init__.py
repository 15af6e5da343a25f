"""What people write: decisions, settings, signatures, each with its row in a chained log."""
