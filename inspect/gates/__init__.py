"""What acts on a verdict."""
