"""The acceptance report: what was agreed, what was measured, and where every number comes from."""
