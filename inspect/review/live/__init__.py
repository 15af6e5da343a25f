"""How a line is doing now, as its ledger, its lock and its meters say. All of it is only read."""
