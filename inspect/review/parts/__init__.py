"""The parts that people review: found in the ledger, searched, and put in the order they are worth."""
