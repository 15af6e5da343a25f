"""What reads the code on a part."""
