"""What delivers frames."""
