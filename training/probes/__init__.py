"""Two checks before hours are spent on a training; nothing of them is kept but a page."""
