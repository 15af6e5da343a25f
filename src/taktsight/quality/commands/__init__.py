"""The verbs about figures: they need neither a camera nor a network."""
