"""What the ledger and the decisions of people amount to, counted once, as they come."""
